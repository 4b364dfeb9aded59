"""Gathering and scattering along one dimension with compiled loops; see
``shared.gather_scatter``."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.copying import WORDS
from flambeau.kernels.cpu.loops.gather_scatter import gather_all, scatter_add_all
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import gather_scatter as shared
from flambeau.kernels.shared.indexing import check_along

Array = Any
ADDED = tuple([np.dtype(of) for of in (np.float32, np.float64, np.int32, np.int64)])


def _covers(array: Array, index: Array, dim: int) -> bool:
    """Whether the index is as large as the array in all dimensions but one."""
    return (
        array.size > 0 < index.size
        and array.ndim == index.ndim
        and (
            (*array.shape[:dim], *array.shape[dim + 1 :])
            == (*index.shape[:dim], *index.shape[dim + 1 :])
        )
    )


def _folded(array: Array, dim: int) -> Array:
    shape = array.shape
    return array.reshape(prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))


def gathered(array: Array, index: Array, dim: int) -> Array:
    """See ``shared.gather_scatter``."""
    word = WORDS.get(array.itemsize)
    if not array.ndim or not _covers(array, index, dim) or word is None or index.dtype != np.int64:
        return shared.gathered(array, index, dim)
    check_along(index, array.shape[dim], dim)
    out = np.empty(index.shape, array.dtype)
    source = np.ascontiguousarray(array)
    gather_all(
        _folded(source.view(word), dim),
        _folded(np.ascontiguousarray(index), dim),
        _folded(out.view(word), dim),
    )
    return out


def scatter_added(
    array: Array, index: Array, source: Array, dim: int, in_place: bool = False
) -> Array:
    """See ``shared.gather_scatter``."""
    known = array.ndim and index.ndim and array.dtype in ADDED and index.dtype == np.int64
    if not (known and dim and _covers(array, index, dim) and source.dtype == array.dtype):
        return shared.scatter_added(array, index, source, dim, in_place)
    check_along(index, array.shape[dim], dim)
    result = array if in_place and array.flags.c_contiguous else np.array(array, order="C")
    corner = source[tuple([slice(0, n) for n in index.shape])]
    scatter_add_all(
        _folded(result, dim),
        _folded(np.ascontiguousarray(index), dim),
        _folded(np.ascontiguousarray(corner), dim),
    )
    if in_place and result is not array:
        array[...] = result
        return array
    return result


silence(globals())
