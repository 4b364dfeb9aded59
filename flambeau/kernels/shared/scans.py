"""Kernels that accumulate along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence


def cumsum(array: Any, dim: int) -> Any:
    """The running sum; integers and bools as int64."""
    to = xp.int64 if array.dtype.kind in "bui" else array.dtype
    return xp.cumsum(array, axis=dim, dtype=to) if array.ndim else array.astype(to)


def cumprod(array: Any, dim: int) -> Any:
    """The running product; integers and bools as int64."""
    to = xp.int64 if array.dtype.kind in "bui" else array.dtype
    return xp.cumprod(array, axis=dim, dtype=to) if array.ndim else array.astype(to)


def accumulated(ufunc: Any, array: Any, dim: int) -> Any:
    """``ufunc.accumulate``; CuPy, which lacks it, combines elements at doubled distances."""
    if xp.__name__ == "numpy":
        return ufunc.accumulate(array, axis=dim)
    result, reach = xp.moveaxis(array, dim, 0), 1
    while reach < len(result):
        result = xp.concatenate((result[:reach], ufunc(result[reach:], result[:-reach])))
        reach *= 2
    return xp.ascontiguousarray(xp.moveaxis(result, 0, dim))


def cumulative_extreme(array: Any, dim: int, largest: bool) -> tuple[Any, Any]:
    """The running maximum (minimum) and the last index at which it stands; NaN wins."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    pick = xp.maximum if largest else xp.minimum
    best = accumulated(pick, array, dim)
    same = array == best
    if array.dtype.kind == "f":
        same |= xp.isnan(array) & xp.isnan(best)
    shape = [1] * array.ndim
    shape[dim] = -1
    place = xp.arange(array.shape[dim]).reshape(shape)
    return best, accumulated(xp.maximum, xp.where(same, place, 0), dim)


def logcumsumexp(array: Any, dim: int) -> Any:
    """The running ``log(sum(exp(x)))``."""
    if array.ndim == 0 or array.size == 0:
        return array.copy()
    if array.dtype.kind != "c":
        return accumulated(xp.logaddexp, array, dim)
    top = xp.max(array.real, axis=dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros((), top.dtype))
    return xp.log(xp.cumsum(xp.exp(array - top), axis=dim)) + top


silence(globals())
