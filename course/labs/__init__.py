"""The labs: pictures that follow the hand. The machinery stands in lab.py and its neighbours, then one module a unit.

Importing this package sets up the kernel for small matrices. BLAS gets one thread: two that fight over two cores turn
a step of 3 ms into one of 10 to 20. And glibc learns, from one array of 31 MB that is freed at once, to keep memory
that is freed: otherwise a decision map of 40,000 points takes three times as long, most of it page faults.
"""

import numpy as np
import threadpoolctl

_one_thread = threadpoolctl.threadpool_limits(limits=1, user_api="blas")
np.empty(31 << 20, np.uint8)
