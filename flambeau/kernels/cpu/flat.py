"""Arrays as the flat, contiguous ones that compiled pointwise loops take."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.quiet import silence

Array = Any

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}


def same_layout(*arrays: Array) -> bool:
    """Whether all arrays are of one float type, one shape, and one dense layout."""
    first = arrays[0]
    if first.dtype not in FLOATS or not (first.flags.c_contiguous or _is_dense(first)):
        return False
    return all(
        [
            a.dtype is first.dtype and a.shape == first.shape and a.strides == first.strides
            for a in arrays[1:]
        ]
    )


def _is_dense(array: Array) -> bool:
    """Whether a permutation of the array is C-contiguous: channels_last, a transposed matrix."""
    return _in_memory_order(array).flags.c_contiguous


def _in_memory_order(array: Array) -> Array:
    return array.transpose(sorted(range(array.ndim), key=lambda d: -array.strides[d]))


def flat(array: Array) -> Array:
    """The elements of a dense array in the order of memory, without a copy."""
    if not array.flags.c_contiguous:
        array = _in_memory_order(array)
    return array.reshape(-1)


silence(globals())
