"""Counting points in boxes, and hashes of rows."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import rounded, wide

Array = Any


def counted(points: Array, weight: Array | None, *edges: Array) -> Array:
    """How many rows of ``points [N, D]`` (or how much weight) lie between the edges of each
    dimension; boxes are closed on the left, the last ones on both sides."""
    box, inside, rows = 0, True, wide(points)
    edges = tuple([wide(bounds) for bounds in edges])
    for at, bounds in enumerate(edges):
        values, bins = rows[:, at], bounds.shape[0] - 1
        place = xp.searchsorted(bounds, values, side="right") - 1
        place = xp.where(values == bounds[-1], bins - 1, place)
        inside = inside & (values >= bounds[0]) & (values <= bounds[-1])
        box = box * bins + xp.clip(place, 0, bins - 1)
    shape = tuple([bounds.shape[0] - 1 for bounds in edges])
    size = 1
    for bins in shape:
        size *= bins
    kept = None if weight is None else wide(weight).reshape(-1)[inside]
    counts = xp.bincount(box[inside], weights=kept, minlength=size)
    return rounded(counts.reshape(shape), points.dtype)


def xor(array: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """The exclusive or of the 64-bit patterns of the elements over ``dims``."""
    words = _words(array)
    kept = [d for d in range(array.ndim) if d not in dims]
    rows = words.transpose(*kept, *dims).reshape(*[array.shape[d] for d in kept], -1)
    while rows.shape[-1] > 1:  # folded in halves: CuPy cannot reduce by xor
        half = (rows.shape[-1] + 1) // 2
        folded = rows[..., :half].copy()
        folded[..., : rows.shape[-1] - half] ^= rows[..., half:]
        rows = folded
    shape = [1 if d in dims else n for d, n in enumerate(array.shape) if keepdim or d not in dims]
    return rows.reshape(shape)


def _words(array: Array) -> Array:
    kind = array.dtype.kind
    wide = array.astype(xp.float64 if kind == "f" else array.dtype if kind == "u" else xp.int64)
    return wide.astype(xp.uint64) if kind == "u" else wide.view(xp.uint64)


silence(globals())
