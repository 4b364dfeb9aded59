"""Kernels that accumulate along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled


def _in_order(result: Any) -> Any:
    """The result in C order: NumPy keeps that of the array."""
    return result if result.flags.c_contiguous else result.copy()


@compiled(minimum=1 << 18, loaded=1 << 15)
def cumsum(array: Any, dim: int) -> Any:
    """The running sum; integers and bools as int64, float32 summed in float64 and rounded."""
    to = xp.int64 if array.dtype.kind in "bui" else array.dtype
    if not array.ndim:
        return array.astype(to)
    carried = xp.float64 if array.dtype == xp.float32 else to
    return _in_order(xp.cumsum(array, axis=dim, dtype=carried).astype(to, copy=False))


def cumprod(array: Any, dim: int) -> Any:
    """The running product; integers and bools as int64, float32 multiplied in float64."""
    to = xp.int64 if array.dtype.kind in "bui" else array.dtype
    if not array.ndim:
        return array.astype(to)
    carried = xp.float64 if array.dtype == xp.float32 else to
    return _in_order(xp.cumprod(array, axis=dim, dtype=carried).astype(to, copy=False))


def accumulated(ufunc: Any, array: Any, dim: int) -> Any:
    """``ufunc.accumulate``; CuPy, which lacks it, combines elements at doubled distances."""
    if xp.__name__ == "numpy":
        return _in_order(ufunc.accumulate(array, axis=dim))
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
    # One after the other, so that the imaginary part goes on beyond pi instead of wrapping around.
    rows = xp.moveaxis(array, dim, 0)
    result = xp.empty_like(rows)
    result[0] = total = rows[0]
    for i in range(1, rows.shape[0]):
        result[i] = total = _logaddexp_complex(total, rows[i])
    return xp.moveaxis(result, 0, dim)


def _logaddexp_complex(x: Any, y: Any) -> Any:
    greater = x.real >= y.real
    top, low = xp.where(greater, x, y), xp.where(greater, y, x)
    apart = xp.where(xp.isneginf(low.real), -xp.inf, low - top)
    return top + xp.log1p(xp.exp(apart))


silence(globals())
