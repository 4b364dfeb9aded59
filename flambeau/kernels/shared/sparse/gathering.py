"""Gradients of gathering: only what was gathered has one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.sparse.arrays import Coo

Array = Any


def rows_of(
    grad: Array, indices: Array, rows: int, padding_idx: int | None, scale_by_freq: bool
) -> Coo:
    """The gradient of a table [rows, *row] of which the rows at ``indices`` were used: one row of
    values for each use, none for the row ``padding_idx``."""
    if scale_by_freq:
        raise RuntimeError(
            "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
        )
    width = grad.shape[indices.ndim :]
    places, values = indices.reshape(1, -1).astype(xp.int64), grad.reshape(-1, *width)
    if padding_idx is not None and padding_idx >= 0:
        used = places[0] != padding_idx
        places, values = places[:, used], values[used]
    return Coo(places, values, (rows, *width))


def elements_of(grad: Array, index: Array, shape: tuple[int, ...], dim: int) -> Coo:
    """The gradient of an array whose elements ``gather`` picked along ``dim``."""
    if not shape:
        return Coo(xp.zeros((0, index.size), xp.int64), grad.reshape(-1), shape)
    places = xp.indices(index.shape).reshape(len(shape), prod(index.shape))
    places[dim] = index.reshape(-1)
    return Coo(places, grad.reshape(-1), shape)


silence(globals())
