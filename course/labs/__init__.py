"""The labs: pictures that follow the hand. The machinery stands in lab.py and its neighbours, then one module a unit.

Importing this package sets the kernel's BLAS to one thread: the matrices of a lesson are small, and two threads
that fight over two cores turn a step of 3 ms into one of 10 to 20 ms.
"""

import numpy  # noqa: F401  (its BLAS must be loaded before it can be limited)
import threadpoolctl

_one_thread = threadpoolctl.threadpool_limits(limits=1, user_api="blas")
