"""Kernels that order elements: NaN counts as the largest."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.scans import accumulated


@compiled(minimum=2048, loaded=256)
def sort(array: Any, dim: int, descending: bool, stable: bool) -> tuple[Any, Any]:
    """The sorted elements and where they came from; equal ones keep their order."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    if descending:
        back = xp.flip(array, dim)
        order = array.shape[dim] - 1 - xp.flip(xp.argsort(back, axis=dim, kind="stable"), dim)
    else:
        order = xp.argsort(array, axis=dim, kind="stable")
    order = xp.ascontiguousarray(order)
    return xp.take_along_axis(array, order, axis=dim), order


@compiled(minimum=2048, loaded=256)
def topk(array: Any, k: int, dim: int, largest: bool, sorted: bool) -> tuple[Any, Any]:
    """The ``k`` largest (smallest) elements along ``dim`` and their indices, in order."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    _, order = sort(array, dim, largest, True)
    order = xp.ascontiguousarray(xp.take(order, xp.arange(k), axis=dim))
    return xp.take_along_axis(array, order, axis=dim), order


def kth(array: Any, k: int, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The ``k``-th smallest element (from 1) along ``dim`` and its index."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    _, order = sort(array, dim, False, True)
    where = xp.take(order, xp.asarray([k - 1]), axis=dim)
    return _dropped(xp.take_along_axis(array, where, axis=dim), where, dim, keepdim)


def median(array: Any, dim: int, keepdim: bool, ignore_nan: bool) -> tuple[Any, Any]:
    """The lower median along ``dim`` and its index; a NaN wins unless NaN are ignored."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    _, order = sort(array, dim, False, True)
    nan = array != array
    bad = xp.sum(nan, axis=dim, keepdims=True)
    middle = xp.maximum(array.shape[dim] - bad - 1, 0) // 2
    if not ignore_nan:
        first = xp.argmax(nan, axis=dim)
        first = xp.expand_dims(first, dim)
        where = xp.where(bad > 0, first, xp.take_along_axis(order, middle, axis=dim))
    else:
        where = xp.take_along_axis(order, middle, axis=dim)
    return _dropped(xp.take_along_axis(array, where, axis=dim), where, dim, keepdim)


def median_of_rows(array: Any, ignore_nan: bool) -> Any:
    """The lower median along the last dimension, without its index."""
    return median(array, array.ndim - 1, False, ignore_nan)[0]


def mode(array: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The smallest of the most frequent elements along ``dim`` and its last index."""
    if array.ndim == 0:
        return array.copy(), xp.zeros((), xp.int64)
    values, order = sort(array, dim, False, True)
    values, order = xp.moveaxis(values, dim, -1), xp.moveaxis(order, dim, -1)
    place = xp.arange(values.shape[-1])
    fresh = xp.ones(values.shape, bool)
    fresh[..., 1:] = values[..., 1:] != values[..., :-1]
    start = accumulated(xp.maximum, xp.where(fresh, place, 0), -1)
    best = xp.expand_dims(xp.argmax(place - start, axis=-1), -1)
    value = xp.moveaxis(xp.take_along_axis(values, best, axis=-1), -1, dim)
    where = xp.moveaxis(xp.take_along_axis(order, best, axis=-1), -1, dim)
    return _dropped(value.copy(), where.copy(), dim, keepdim)


def _dropped(value: Any, where: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    where = where.astype(xp.int64)
    return (value, where) if keepdim else (xp.squeeze(value, dim), xp.squeeze(where, dim))


def searchsorted(sequence: Any, values: Any, sorter: Any, right: bool) -> Any:
    """Where in the sorted rows of ``sequence`` each value belongs."""
    if sorter is not None:
        sequence = xp.take_along_axis(sequence, sorter, axis=-1)
    side = "right" if right else "left"
    if sequence.ndim == 1:
        return (
            xp.searchsorted(sequence, values.ravel(), side=side)
            .reshape(values.shape)
            .astype(xp.int64)
        )
    # Rows of their own: count how many elements are smaller, by comparing with each.
    before = (
        sequence[..., None, :] <= values[..., None]
        if right
        else sequence[..., None, :] < values[..., None]
    )
    if sequence.dtype.kind == "f":
        nan = xp.isnan(values)[..., None]
        known = ~xp.isnan(sequence)[..., None, :]
        before = xp.where(nan, True if right else known, before)
    return xp.ascontiguousarray(xp.sum(before, axis=-1, dtype=xp.int64))


silence(globals())
