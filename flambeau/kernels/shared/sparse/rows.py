"""Sums over the rows of a compressed matrix: the loops below all sparse products."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled

Array = Any


@compiled(minimum=32768, loaded=256)
def rows_times(values: Array, columns: Array, pointers: Array, dense: Array) -> Array:
    """The matrix whose row i holds ``values[k]`` in ``columns[k]``, ``pointers[i] <= k <
    pointers[i + 1]``, times ``dense`` [k, n]: [rows, n]."""
    result = xp.zeros(
        (len(pointers) - 1, dense.shape[1]), xp.result_type(values.dtype, dense.dtype)
    )
    full = xp.flatnonzero(pointers[1:] > pointers[:-1])
    if len(full):
        parts = values[:, None] * dense[columns]
        result[full] = xp.add.reduceat(parts, pointers[:-1][full], axis=0)
    return result


@compiled(minimum=4096)
def rows_by_rows(
    values: Array, columns: Array, pointers: Array, others: tuple[Array, Array, Array], width: int
) -> tuple[Array, Array, Array]:
    """The product of two compressed matrices, of which ``others`` are the values, columns and
    pointers of the second, ``width`` columns wide: its values, sorted columns and pointers."""
    other_values, other_columns, other_pointers = others
    times = (other_pointers[1:] - other_pointers[:-1])[columns]
    ends = xp.cumsum(times)
    place = xp.arange(int(ends[-1]) if len(ends) else 0)
    source = xp.searchsorted(ends, place, side="right")
    partner = place - (ends - times)[source] + other_pointers[columns[source]]
    row = xp.searchsorted(pointers[1:], source, side="right")
    keys = row * width + other_columns[partner]
    order = xp.argsort(keys, kind="stable")
    keys, products = keys[order], (values[source] * other_values[partner])[order]
    starts = xp.flatnonzero(xp.concatenate([xp.ones(1, bool), keys[1:] != keys[:-1]]))
    if not len(keys):
        return products, keys, xp.zeros_like(pointers)
    counts = xp.bincount(keys[starts] // width, minlength=len(pointers) - 1)
    ends = xp.concatenate([xp.zeros(1, xp.int64), xp.cumsum(counts)])
    return xp.add.reduceat(products, starts), keys[starts] % width, ends


def rows_reduced(
    values: Array, columns: Array, pointers: Array, dense: Array, reduce: str
) -> tuple[Array, Array]:
    """As :func:`rows_times` with another reduction than the sum (mean, amax, amin), and the k at
    which each greatest or least product stands (the number of values where there is none)."""
    rows, count = len(pointers) - 1, len(values)
    lengths = pointers[1:] - pointers[:-1]
    where = xp.full((rows, dense.shape[1]), count, xp.int64)
    if reduce in ("sum", "mean"):
        result = rows_times(values, columns, pointers, dense)
        return (result / xp.maximum(lengths, 1)[:, None] if reduce == "mean" else result), where
    result = xp.zeros((rows, dense.shape[1]), xp.result_type(values.dtype, dense.dtype))
    products = values[:, None] * dense[columns]
    better = xp.greater if reduce == "amax" else xp.less
    for step in range(int(lengths.max()) if rows and count else 0):
        open_rows = xp.flatnonzero(lengths > step)
        at = pointers[:-1][open_rows] + step
        offered, held = products[at], result[open_rows]
        wins = better(offered, held) | xp.isnan(offered) if step else xp.ones(held.shape, bool)
        result[open_rows] = xp.where(wins, offered, held)
        where[open_rows] = xp.where(wins, at[:, None], where[open_rows])
    return result, where


silence(globals())
