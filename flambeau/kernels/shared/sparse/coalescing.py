"""Sorted coordinates without repetitions, and what is easy once they are."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import rounded, wide
from flambeau.kernels.shared.sparse.arrays import Coo

Array = Any


def keys_of(indices: Array, sizes: tuple[int, ...]) -> Array:
    """One number for each column of indices, in the order of the columns: [nnz], int64."""
    keys = xp.zeros(indices.shape[1], xp.int64)
    for row, size in zip(indices, sizes):
        keys = keys * size + row
    return keys


def indices_of(keys: Array, sizes: tuple[int, ...]) -> Array:
    """The columns of indices that ``keys_of`` made the numbers of: [len(sizes), nnz]."""
    rows = []
    for size in reversed(sizes):
        rows.append(keys % max(size, 1))
        keys = keys // max(size, 1)
    return xp.stack(rows[::-1]) if rows else xp.zeros((0, len(keys)), xp.int64)


def coalesce(array: Coo) -> Coo:
    """The same elements with their columns sorted, and values at equal columns added up."""
    if array.coalesced:
        return array
    sizes = array.shape[: array.sparse_dim]
    keys = keys_of(array.indices, sizes)
    order = xp.argsort(keys, kind="stable")
    keys = keys[order]
    starts = xp.flatnonzero(xp.concatenate([xp.ones(1, bool), keys[1:] != keys[:-1]]))
    values = summed_runs(array.values[order], starts)
    return Coo(array.indices[:, order[starts]], values, array.shape, True)


def summed_runs(values: Array, starts: Array) -> Array:
    """The sums of the runs of rows that begin at ``starts``; of bools, whether any is true."""
    if len(starts) == len(values):
        return values
    if values.dtype.kind == "b":
        return xp.add.reduceat(values.astype(xp.int64), starts, axis=0) > 0
    return rounded(xp.add.reduceat(wide(values), starts, axis=0), values.dtype)


def positions(keys: Array, wanted: Array) -> tuple[Array, Array]:
    """Where each wanted key stands among sorted keys, and whether it is there at all."""
    at = xp.searchsorted(keys, wanted)
    at = xp.minimum(at, max(len(keys) - 1, 0))
    found = keys[at] == wanted if len(keys) else xp.zeros(wanted.shape, bool)
    return at, found


def taken(values: Array, at: Array, found: Array) -> Array:
    """The rows at some positions, zeros where nothing was found."""
    if not len(values):
        return xp.zeros((*at.shape, *values.shape[1:]), values.dtype)
    rows = values[at]
    rows[~found] = 0
    return rows


def flat_rows(array: Coo) -> tuple[Array, int]:
    """The keys of the columns of an array, and how many rows its dense form has."""
    sizes = array.shape[: array.sparse_dim]
    return keys_of(array.indices, sizes), prod(sizes)


silence(globals())
