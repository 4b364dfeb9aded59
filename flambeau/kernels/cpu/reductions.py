"""Reductions with compiled loops; see ``shared.reductions`` for what the functions return."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.reductions import extremes, moments
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import reductions as shared

Array = Any
FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
MOST_COUNTED = 1 << 14  #: numbers of a sum of float32 columns that stays accurate


def _extremes(array: Array, dim: int, largest: bool) -> tuple[Array, Array]:
    """Values and places, both with the dimension kept."""
    dim %= array.ndim
    length, inner = array.shape[dim], prod(array.shape[dim + 1 :])
    shape = (*array.shape[:dim], 1, *array.shape[dim + 1 :])
    values, places = np.empty(shape, array.dtype), np.empty(shape, np.int64)
    x = np.ascontiguousarray(array).reshape(-1, length, inner)
    sign = array.dtype.type(1 if largest else -1)
    extremes(x, sign, values.reshape(-1, inner), places.reshape(-1, inner))
    return values, places


def extreme(array: Array, dim: int, keepdim: bool, largest: bool) -> tuple[Array, Array]:
    """See ``shared.reductions``."""
    if array.dtype not in FLOATS or array.ndim == 0 or array.size == 0:
        return shared.extreme(array, dim, keepdim, largest)
    values, places = _extremes(array, dim, largest)
    return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))


def arg_extreme(array: Array, dim: int | None, keepdim: bool, largest: bool) -> Array:
    """See ``shared.reductions``."""
    if dim is None or array.dtype not in FLOATS or array.ndim == 0 or array.size == 0:
        return shared.arg_extreme(array, dim, keepdim, largest)
    places = _extremes(array, dim, largest)[1]
    return places if keepdim else places.squeeze(dim)


def variance(array: Array, dims: tuple[int, ...], keepdim: bool, correction: float) -> Any:
    """See ``shared.reductions``."""
    axes = sorted(dim % array.ndim for dim in dims) if array.ndim else []
    adjacent = bool(axes) and axes == list(range(axes[0], axes[-1] + 1))
    count, inner = (
        prod(array.shape[a] for a in axes),
        prod(array.shape[axes[-1] + 1 :] if axes else ()),
    )
    known = array.dtype in FLOATS and array.size > 0 and adjacent
    if not known or (inner > 1 and count > MOST_COUNTED):
        return shared.variance(array, dims, keepdim, correction)
    x = np.ascontiguousarray(array).reshape(-1, count, inner)
    centre, total = np.empty((len(x), inner), array.dtype), np.empty((len(x), inner), array.dtype)
    moments(x, centre, total)
    shape = [1 if a in axes else n for a, n in enumerate(array.shape) if keepdim or a not in axes]
    freedom = max(count - correction, 0)
    result = total / freedom if freedom else total / np.zeros((), total.dtype)
    return result.astype(array.dtype, copy=False).reshape(shape), centre.reshape(shape)


silence(globals())
