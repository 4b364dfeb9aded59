"""Distinct elements: by counting where integers lie close together, else by sorting."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.indexing import is_host

Array = Any


def distinct(flat: Array) -> tuple[Array, Array, Array]:
    """The distinct elements in order, the index of each element among them, and their counts.

    Each NaN is distinct.
    """
    if is_host() and flat.size and flat.dtype.kind in "bi":  # a device would be waited for, twice
        low, high = int(flat.min()), int(flat.max())
        if high - low < 4 * flat.size:
            return _counted(flat, low)
    values, inverse, counts = xp.unique(
        flat, return_inverse=True, return_counts=True, equal_nan=False
    )
    return values, inverse.reshape(flat.shape), counts


def _counted(flat: Array, low: int) -> tuple[Array, Array, Array]:
    """A place for each integer from the lowest to the highest: no sorting, one pass."""
    places = flat.astype(xp.int64)
    places -= low
    counts = xp.bincount(places)
    found = xp.flatnonzero(counts)
    rank = xp.cumsum(counts > 0)
    rank -= 1
    return (found + low).astype(flat.dtype), rank[places], counts[found]


silence(globals())
