"""Kernels that reduce dimensions: ``(array, dims, keepdim)``; ``dims`` is None, an int or a
tuple."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled


def _in_order(result: Any, array: Any) -> Any:
    """The result in C order: NumPy keeps the order of the array that it reduces."""
    return result if array.flags.c_contiguous else result.reshape(-1).reshape(result.shape)


def sum(array: Any, dims: Any, keepdim: bool) -> Any:
    """The sum; integers and bools as int64."""
    if array.dtype.kind in "bui":
        return _in_order(xp.sum(array, axis=dims, keepdims=keepdim, dtype=xp.int64), array)
    result = xp.add.reduce(array, dims, None, None, keepdim)
    return result if array.flags.c_contiguous else _in_order(result, array)


def mean(array: Any, dims: Any, keepdim: bool) -> Any:
    """The sum divided by the number of elements; NaN for none."""
    total = _in_order(xp.add.reduce(array, dims, None, None, keepdim), array)
    count = array.size // total.size if total.size else _count(array, dims)
    return xp.divide(total, count, dtype=array.dtype) if count else total + array.dtype.type(xp.nan)


def _count(array: Any, dims: Any) -> int:
    """How many elements are reduced to one."""
    count = 1
    for dim in (
        range(array.ndim) if dims is None else (dims if isinstance(dims, tuple) else (dims,))
    ):
        count *= array.shape[dim]
    return count


def prod(array: Any, dims: Any, keepdim: bool) -> Any:
    """The product; integers and bools as int64."""
    to = xp.int64 if array.dtype.kind in "bui" else array.dtype
    return _in_order(xp.prod(array, axis=dims, keepdims=keepdim, dtype=to), array)


def amax(array: Any, dims: Any, keepdim: bool) -> Any:
    """The largest element; NaN wins."""
    if dims == ():
        return array.copy()
    return _in_order(xp.max(array, axis=dims, keepdims=keepdim), array)


def amin(array: Any, dims: Any, keepdim: bool) -> Any:
    """The smallest element; NaN wins."""
    if dims == ():
        return array.copy()
    return _in_order(xp.min(array, axis=dims, keepdims=keepdim), array)


def truth(array: Any) -> Any:
    """Whether each element is not zero."""
    char = array.dtype.char
    if char in "bBhHiIlLqQfd":
        return array != 0
    return array.astype(bool, copy=False) if char in "?FD" else array.astype(xp.float32) != 0


def any_(array: Any, dims: Any, keepdim: bool) -> Any:
    """Whether some element is not zero; a uint8 for uint8."""
    found = _in_order(xp.any(truth(array), axis=dims, keepdims=keepdim), array)
    return found.astype(xp.uint8) if array.dtype == xp.uint8 else found


def all_(array: Any, dims: Any, keepdim: bool) -> Any:
    """Whether no element is zero; a uint8 for uint8."""
    found = _in_order(xp.all(truth(array), axis=dims, keepdims=keepdim), array)
    return found.astype(xp.uint8) if array.dtype == xp.uint8 else found


def count_nonzero(array: Any, dims: Any, keepdim: bool) -> Any:
    """How many elements are not zero."""
    return _in_order(xp.sum(truth(array), axis=dims, keepdims=keepdim, dtype=xp.int64), array)


@compiled(minimum=8192, loaded=16)
def extreme(array: Any, dim: int, keepdim: bool, largest: bool) -> tuple[Any, Any]:
    """The largest (smallest) element along a dimension and its first index; NaN wins."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    where = arg_extreme(array, dim, True, largest)
    values = xp.take_along_axis(array, where, axis=dim)
    return (values, where) if keepdim else (xp.squeeze(values, dim), xp.squeeze(where, dim))


@compiled(minimum=8192, loaded=1024)
def arg_extreme(array: Any, dim: int | None, keepdim: bool, largest: bool) -> Any:
    """The first index of the largest (smallest) element, in the flattened array for None."""
    if array.ndim == 0:
        return xp.zeros((), xp.int64)
    find = xp.argmax if largest else xp.argmin
    where = find(array, axis=dim)
    if keepdim:
        where = (
            xp.expand_dims(where, dim) if dim is not None else xp.reshape(where, (1,) * array.ndim)
        )
    return xp.asarray(where, dtype=xp.int64)


@compiled(minimum=8192, loaded=16)
def variance(
    array: Any, dims: tuple[int, ...], keepdim: bool, correction: float
) -> tuple[Any, Any]:
    """The variance with ``count - correction`` in the denominator, and the mean."""
    count = _count(array, dims)
    centre = xp.add.reduce(array, dims, None, None, True) / (count or xp.nan)
    apart = array - centre
    square = (apart.real**2 + apart.imag**2) if array.dtype.kind == "c" else apart * apart
    total = _in_order(xp.add.reduce(square, dims, None, None, keepdim), array)
    freedom = max(count - correction, 0)
    result = total / freedom if freedom else total / xp.zeros((), total.dtype)
    centre = _in_order(centre, array).reshape(total.shape)
    return result.astype(total.dtype), centre.astype(array.dtype)


def logsumexp(array: Any, dims: Any, keepdim: bool) -> Any:
    """``log(sum(exp(x)))``, shifted by the largest element so that it neither over- nor
    underflows."""
    if array.size == 0:
        return xp.log(xp.add.reduce(array, dims, None, None, keepdim))
    top = xp.max(array.real if array.dtype.kind == "c" else array, axis=dims, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros((), top.dtype))
    total = xp.log(xp.add.reduce(xp.exp(array - top), dims, None, None, keepdim))
    return _in_order(total + (top if keepdim else xp.reshape(top, total.shape)), array)


def vector_norm(array: Any, dims: Any, keepdim: bool, order: float) -> Any:
    """``sum(|x|^order)^(1/order)`` and its limits: the largest, the smallest, the count of
    non-zeros."""
    return _in_order(_vector_norm(xp.abs(array), dims, keepdim, order), array)


def _vector_norm(size: Any, dims: Any, keepdim: bool, order: float) -> Any:
    if order in (xp.inf, -xp.inf):
        if dims == ():
            return size
        extreme_of = xp.max if order > 0 else xp.min
        return extreme_of(size, axis=dims, keepdims=keepdim)
    if order == 0:
        return xp.sum(size != 0, axis=dims, keepdims=keepdim).astype(size.dtype)
    if order == 1:
        return xp.add.reduce(size, dims, None, None, keepdim)
    if order == 2:
        return xp.sqrt(xp.add.reduce(size * size, dims, None, None, keepdim))
    return xp.add.reduce(size**order, dims, None, None, keepdim) ** (1 / order)


def square_root(array: Any) -> Any:
    """The root of each element."""
    return xp.sqrt(array)


silence(globals())
