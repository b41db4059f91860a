"""Makes nnlab/assets/digits.npz from scikit-learn's copy of the handwritten digits. Run once; the result is committed.

The pixels are whole numbers from 0 to 16 and the labels from 0 to 9, so bytes hold them; order as in the source.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

target = Path(__file__).resolve().parent.parent / "nnlab" / "assets" / "digits.npz"
digits = load_digits()
np.savez_compressed(target, images=digits.data.astype(np.uint8), labels=digits.target.astype(np.uint8))
print(f"{target}: {target.stat().st_size:,} bytes, {len(digits.target)} digits")
