"""How many threads kernels use: ours and OpenBLAS's, set once, never per operator.

Nothing here loads Numba: the pool in ``cpu/parallel.py`` asks for the count when it starts and is
told when it changes.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from glob import glob

import numpy

_count: int | None = None
_listeners: list[Callable[[int], None]] = []


def available() -> int:
    """The processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_threads() -> int:
    """The threads of a kernel, the calling one included."""
    return _count or available()


def set_threads(count: int) -> None:
    """Runs kernels and matrix products on ``count`` threads from now on."""
    global _count
    if count < 1:
        raise ValueError(f"the number of threads must be positive, not {count}")
    _count = count
    for function in _openblas():
        function(ctypes.c_int(count))
    for listener in _listeners:
        listener(count)


def on_change(listener: Callable[[int], None]) -> None:
    """Calls ``listener`` with the count at each change."""
    _listeners.append(listener)


@cache
def _openblas() -> list[Callable[[ctypes.c_int], None]]:
    """The functions that set the thread count of the OpenBLAS libraries NumPy brings along."""
    folder = os.path.dirname(numpy.__file__)
    names = [
        f"{prefix}openblas_set_num_threads{end}" for prefix in ("scipy_", "") for end in ("64_", "")
    ]
    found = []
    for path in glob(f"{folder}.libs/*openblas*") + glob(f"{folder}/.dylibs/*openblas*"):
        library = ctypes.CDLL(path)
        found += [getattr(library, name) for name in names if hasattr(library, name)][:1]
    return found
