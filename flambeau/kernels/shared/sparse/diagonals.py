"""Matrices from diagonals, and back."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.sparse.arrays import Coo
from flambeau.kernels.shared.sparse.conversion import values_at

Array = Any


def _spans(width: int, offsets: tuple[int, ...], shape: tuple[int, int]) -> list[tuple[int, int]]:
    """The first column of each diagonal, and the column behind its last."""
    spans = []
    for k in offsets:
        start = max(0, k)
        spans.append((start, max(start, min(shape[1], shape[0] + k, width))))
    return spans


def from_diagonals(diagonals: Array, offsets: tuple[int, ...], shape: tuple[int, int]) -> Coo:
    """The matrix with the rows of ``diagonals`` [n, width] on the diagonals of these offsets."""
    spans = _spans(diagonals.shape[1], offsets, shape)
    columns = [xp.arange(start, end) for start, end in spans]
    indices = [xp.stack([c - k, c]) for c, k in zip(columns, offsets)]
    values = [row[start:end] for row, (start, end) in zip(diagonals, spans)]
    if not spans:
        return Coo(xp.zeros((2, 0), xp.int64), diagonals.reshape(-1)[:0], shape)
    return Coo(xp.concatenate(indices, axis=1), xp.concatenate(values), shape)


def diagonals_of(grad: Any, offsets: tuple[int, ...], shape: tuple[int, int]) -> Array:
    """The gradient of :func:`from_diagonals`."""
    result = xp.zeros(shape, grad.dtype)
    spans = _spans(shape[1], offsets, grad.shape)
    for row, k, (start, end) in zip(result, offsets, spans):
        columns = xp.arange(start, end)
        places = xp.stack([columns - k, columns])
        row[start:end] = values_at(grad, Coo(places, row[start:end], grad.shape))
    return result


silence(globals())
