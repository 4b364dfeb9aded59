"""Freed memory stays with the process, so that large results needn't be mapped page by page again.

glibc gives a freed block of some megabytes back at once, and the next result of that size is
cleared and mapped anew, 4 KB at a time; for arrays from 32 MB on that takes as long as adding them
(measured: ``a + b`` of 8 M float32, 6.2 ms of processor time, 3.2 ms with memory that is kept).
Two settings of ``malloc`` change that for every operator, without a cost per call: large blocks
come from the heap, and the heap's free end is kept up to ``KEPT`` bytes.

``FLAMBEAU_MALLOC=system`` leaves malloc alone. Other C libraries are never touched.
"""

from __future__ import annotations

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  #: parameters of ``mallopt``
KEPT = 1 << 28  #: bytes at the end of the heap that are kept when they are free
LARGEST = 1 << 30  #: bytes of a block from which on it is mapped alone


def keep_freed_memory() -> bool:
    """Asks malloc to keep freed memory; whether it agreed."""
    if sys.platform != "linux" or os.environ.get("FLAMBEAU_MALLOC") == "system":
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(library.mallopt(MMAP_THRESHOLD, LARGEST) and library.mallopt(TRIM_THRESHOLD, KEPT))


keep_freed_memory()
