"""Elements along one dimension, by an index for each: gathered, scattered, combined."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.indexing import (
    Array,
    Ints,
    add_at,
    check_along,
    flat_places,
    is_host,
)


def _grid(array: Array, index: Array, dim: int) -> tuple[Any, ...]:
    """The index along ``dim``, the places of the index itself along the other dimensions."""
    ndim = index.ndim
    return tuple(
        [
            index if d == dim else xp.arange(n).reshape((-1,) + (1,) * (ndim - d - 1))
            for d, n in enumerate(index.shape)
        ]
    )


@compiled(minimum=1 << 18, loaded=1 << 15)
def gathered(array: Array, index: Array, dim: int) -> Array:
    """The elements whose place along ``dim`` the index says."""
    if not index.size:
        return xp.empty(index.shape, array.dtype)
    if not array.ndim or not index.ndim:
        check_along(index, array.shape[dim] if array.ndim else 1, dim)
        flat = array.reshape(-1)[index.reshape(-1)]
        return flat.reshape(index.shape)
    check_along(index, array.shape[dim], dim)
    return xp.ascontiguousarray(array[_grid(array, index, dim)])


def _scatter_target(
    array: Array, index: Array, dim: int, in_place: bool
) -> tuple[Array, Array, Array, int]:
    """The result, what of it to write to, and the index, with at least one dimension."""
    result = array if in_place else array.copy()
    target = result if result.ndim else result.reshape(1)
    if index.ndim < target.ndim:
        index = index.reshape((1,) * (target.ndim - index.ndim) + index.shape)
    check_along(index, target.shape[dim], dim)
    return result, target, index, dim


def _corner(source: Array, shape: Ints) -> Array:
    """The part of the source that an index of that shape covers."""
    if not source.ndim:
        source = source.reshape((1,) * len(shape))
    return source[tuple([slice(0, n) for n in shape])]


def scattered(array: Array, index: Array, source: Array, dim: int, in_place: bool = False) -> Array:
    """The source's elements written to the places along ``dim`` that the index says."""
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    target[_grid(target, index, dim)] = _corner(source, index.shape)
    return result


def scattered_value(
    array: Array, index: Array, value: Any, dim: int, in_place: bool = False
) -> Array:
    """One value written to the places along ``dim`` that the index says."""
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    target[_grid(target, index, dim)] = value
    return result


@compiled(minimum=1 << 18, loaded=1 << 15)
def scatter_added(
    array: Array, index: Array, source: Array, dim: int, in_place: bool = False
) -> Array:
    """The source's elements added at the places along ``dim`` that the index says."""
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    add_at(target, _grid(target, index, dim), _corner(source, index.shape))
    return result


def scatter_reduced(
    array: Array,
    index: Array,
    source: Array,
    dim: int,
    reduce: str,
    include_self: bool,
    in_place: bool = False,
) -> Array:
    """The source's elements combined with those at the places that the index says.

    Without ``include_self`` the places that are written to start from what leaves the others as
    they are.
    """
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    key, source = _grid(target, index, dim), _corner(source, index.shape)
    if not include_self:
        target[key] = _neutral(reduce, target.dtype)
    if reduce in ("sum", "mean"):
        add_at(target, key, source)
    else:
        _combine(target, key, source, reduce)
    if reduce == "mean":
        counts = xp.full(target.shape, int(include_self), xp.int64)
        add_at(counts, key, xp.ones(index.shape, xp.int64))
        counts = xp.maximum(counts, 1)
        divide = xp.floor_divide if target.dtype.kind in "iub" else xp.divide
        target[...] = divide(target, counts.astype(target.dtype))
    return result


def _combine(target: Array, key: Any, source: Array, reduce: str) -> None:
    """The elements of the source multiplied into, or compared with, those at a key."""
    if reduce == "prod" and not is_host():
        _multiply_at(target, key, source)
    else:
        ufunc = {"prod": xp.multiply, "amax": xp.maximum, "amin": xp.minimum}[reduce]
        ufunc.at(target, key, source)


def _multiply_at(target: Array, key: Any, source: Array) -> None:
    """``multiply.at``, which CuPy lacks: sorted by place, products of equal places are formed by
    doubling distances (Hillis and Steele's scan), and the last of each place counts."""
    places = xp.broadcast_to(flat_places(target.shape, key), source.shape).reshape(-1)
    order = xp.argsort(places)
    places, products, reach = places[order], source.reshape(-1)[order], 1
    while reach < places.size:
        together = places[reach:] == places[:-reach]
        longer = xp.where(together, products[reach:] * products[:-reach], products[reach:])
        products = xp.concatenate((products[:reach], longer))
        reach *= 2
    last = xp.ones(places.shape, bool)
    last[:-1] = places[1:] != places[:-1]
    factors, touched = xp.zeros(target.size, target.dtype), xp.zeros(target.size, xp.int32)
    xp.add.at(factors, places, xp.where(last, products, 0).astype(target.dtype))
    xp.add.at(touched, places, last.astype(xp.int32))
    target *= xp.where(touched, factors, 1).astype(target.dtype).reshape(target.shape)


def _neutral(reduce: str, dtype: Any) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind in "iu":
        limits = xp.iinfo(dtype)
        return limits.min if reduce == "amax" else limits.max
    return -xp.inf if reduce == "amax" else xp.inf


silence(globals())
