"""A strict stand-in for CuPy over NumPy, for tests: ``../README.md`` says what is strict."""

from __future__ import annotations

import numpy as _numpy
from numpy import (
    bool_, broadcast_shapes, can_cast, complex64, complex128, complexfloating, dtype, e, finfo,
    float16, float32, float64, floating, generic, iinfo, inexact, inf, int8, int16, int32, int64,
    integer, intp, isscalar, issubdtype, nan, newaxis, number, pi, promote_types, result_type,
    uint8, uint16, uint32, uint64, uintp,
)  # fmt: skip

from cupy import _functions, _ufuncs
from cupy._array import ndarray
from cupy._ledger import ledger
from cupy._memory import MemoryPool as _MemoryPool
from cupy._memory import pool as _pool
from cupy._ufuncs import ufunc
from cupy import cuda, fft, lib, linalg

__version__ = "14.0.0"
bool = _numpy.bool_

globals().update(_functions.ALL)
globals().update({name: getattr(_functions, name) for name in _functions.OWN.split()})
globals().update(_ufuncs.ALL)


def get_default_memory_pool() -> _MemoryPool:
    """The pool of device memory."""
    return _pool


def is_available() -> _numpy.bool_:
    """Whether there is a device."""
    return True
