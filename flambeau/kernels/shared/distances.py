"""Distances between the rows of two stacks of matrices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any

MANY = 25  #: rows from which the 2-norm is computed by a matrix product
CHUNK = 1 << 22  #: differences held at a time


def pairs(x: Array, y: Array, p: float, by_product: bool) -> Array:
    """The ``p``-norms of rows of ``x [*, P, M]`` minus rows of ``y [*, R, M]``: ``[*, P, R]``."""
    x, y = xp.ascontiguousarray(x), xp.ascontiguousarray(y)
    if by_product:
        squares = [xp.add.reduce(a * a, -1) for a in (x, y)]
        sums = squares[0][..., :, None] + squares[1][..., None, :]
        return xp.sqrt(xp.maximum(sums - 2 * xp.matmul(x, y.swapaxes(-1, -2)), 0))
    stacks = max(prod(x.shape[:-2]), prod(y.shape[:-2]))
    rows = max(1, CHUNK // max(1, stacks * y.shape[-2] * y.shape[-1]))
    starts = range(0, max(1, x.shape[-2]), rows)
    parts = [_norm(x[..., i : i + rows, None, :] - y[..., None, :, :], p) for i in starts]
    return parts[0] if len(parts) == 1 else xp.concatenate(parts, -2)


def _norm(difference: Array, p: float) -> Array:
    if p == 2:
        return xp.sqrt(xp.add.reduce(difference * difference, -1))
    size = xp.abs(difference)
    if p == 0:
        return xp.add.reduce((size != 0).astype(size.dtype), -1)
    if p == 1:
        return xp.add.reduce(size, -1)
    if p == xp.inf:
        return xp.max(size, axis=-1) if size.shape[-1] else xp.add.reduce(size, -1)
    return xp.add.reduce(size**p, -1) ** (1 / p)


silence(globals())
