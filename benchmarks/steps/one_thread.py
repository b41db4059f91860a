"""Import this first: BLAS asks for its number of threads once, when NumPy is loaded. Child processes inherit it."""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
