"""Rows of a table by index, and the gradient of the table."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.precision import rounded, wide

Array = Any


def embedding_forward(
    weight: Array, indices: Array, padding_idx: int = -1, scale_by_freq: bool = False
) -> Array:
    """``weight[indices]``: [*indices, *row]; the other parameters concern the gradient only.

    Raises:
        IndexError: an index is negative or beyond the table.
    """
    if indices.size and _greatest(indices) >= len(weight):
        raise IndexError("index out of range in self")
    return weight.take(indices, 0)


@compiled(minimum=16384, loaded=1024)
def embedding_backward(
    grad: Array,
    indices: Array,
    num_weights: int,
    padding_idx: int | None,
    scale_by_freq: bool,
) -> Array:
    """The gradient of the table: each row sums the gradients of its uses.

    The row ``padding_idx`` gets none (None or a negative number: no such row). With
    ``scale_by_freq`` a row's sum is divided by the number of its uses.
    """
    flat, width = indices.reshape(-1), grad.shape[indices.ndim :]
    rows = wide(grad).reshape(flat.size, prod(width))
    result = xp.zeros((num_weights, *width), rows.dtype)
    if rows.size:
        places = flat[:, None] * rows.shape[1] + xp.arange(rows.shape[1])
        xp.add.at(result.reshape(-1), places.reshape(-1), rows.reshape(-1))
    if scale_by_freq:
        uses = xp.maximum(xp.bincount(flat, minlength=num_weights), 1).astype(rows.dtype)
        result /= uses.reshape(-1, *(1,) * len(width))
    if padding_idx is not None and padding_idx >= 0:
        result[padding_idx] = 0
    return rounded(result, grad.dtype)


def _greatest(indices: Array) -> int:
    """The greatest index, negative ones taken as huge: one pass finds both kinds of mistake."""
    if indices.dtype.kind == "i":
        indices = xp.ascontiguousarray(indices).view(f"u{indices.dtype.itemsize}")
    return int(indices.max())


silence(globals())
