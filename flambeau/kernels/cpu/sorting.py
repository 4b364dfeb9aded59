"""Sorting with compiled loops; see ``shared.sorting`` for what the functions return."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.sorting import sort_rows
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import sorting as shared

Array = Any

#: For each dtype the unsigned integers of its size, the sign bit and the bits of infinity.
BITS = {
    np.dtype(np.float32): (np.uint32, 1 << 31, 0x7F800000),
    np.dtype(np.float64): (np.uint64, 1 << 63, 0x7FF << 52),
    np.dtype(np.int32): (np.uint32, 1 << 31, 0),
    np.dtype(np.int64): (np.uint64, 1 << 63, 0),
}


def _sorted(array: Array, dim: int, descending: bool, count: int) -> tuple[Array, Array]:
    """The first ``count`` of each row along ``dim``."""
    word, sign, infinity = BITS[array.dtype]
    rows = np.ascontiguousarray(array.swapaxes(dim, -1))
    shape = (*rows.shape[:-1], count)
    values, indices = np.empty(shape, array.dtype), np.empty(shape, np.int64)
    sort_rows(
        rows.view(word).reshape(-1, rows.shape[-1]),
        (word(sign), word(infinity)),
        array.dtype.kind == "f",
        descending,
        values.view(word).reshape(-1, count),
        indices.reshape(-1, count),
    )
    both = (values, indices)
    return tuple(np.ascontiguousarray(found.swapaxes(dim, -1)) for found in both)  # type: ignore


def _suits(array: Array, dim: int) -> bool:
    """Whether the loops know the dtype, and int32 counts a row."""
    return array.dtype in BITS and array.ndim > 0 and array.size > 0 and array.shape[dim] < 1 << 31


def sort(array: Array, dim: int, descending: bool, stable: bool) -> tuple[Array, Array]:
    """See ``shared.sorting``."""
    if not _suits(array, dim):
        return shared.sort(array, dim, descending, stable)
    return _sorted(array, dim, descending, array.shape[dim])


def topk(array: Array, k: int, dim: int, largest: bool, sorted: bool) -> tuple[Array, Array]:
    """See ``shared.sorting``."""
    if not _suits(array, dim) or k == 0:
        return shared.topk(array, k, dim, largest, sorted)
    return _sorted(array, dim, largest, k)


silence(globals())
