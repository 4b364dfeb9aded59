"""Elements by masks: filled, selected, found."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.indexing import Array


def mask_filled(array: Array, mask: Array, value: Any, in_place: bool = False) -> Array:
    """One value where the mask is true; array and mask are broadcast unless in place."""
    if in_place:
        xp.copyto(array, value, where=mask, casting="unsafe")
        return array
    shape = xp.broadcast_shapes(array.shape, mask.shape)
    result = xp.array(xp.broadcast_to(array, shape), order="C")
    xp.copyto(result, value, where=mask, casting="unsafe")
    return result


def mask_selected(array: Array, mask: Array) -> Array:
    """The elements where the mask is true, in one dimension; both are broadcast."""
    array, mask = xp.broadcast_arrays(array, mask)
    return array[mask].reshape(-1)


def mask_scattered(array: Array, mask: Array, source: Array, in_place: bool = False) -> Array:
    """The first elements of the source, in order, where the mask is true."""
    shape = xp.broadcast_shapes(array.shape, mask.shape)
    mask = xp.broadcast_to(mask, shape)
    count = int(xp.count_nonzero(mask))
    if count > source.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    result = array if in_place else xp.array(xp.broadcast_to(array, shape), order="C")
    result[mask] = source.reshape(-1)[:count]
    return result


def nonzero_places(array: Array) -> Array:
    """The index of each element that is not zero, as rows."""
    if not array.ndim:
        return xp.zeros((int(bool(array)), 0), xp.int64)
    # One search of the flat array, then division by the sizes: faster than in all dimensions.
    places = xp.flatnonzero(array)
    rows = xp.empty((array.ndim, places.size), xp.int64)
    for dim in range(array.ndim - 1, 0, -1):
        above = places // array.shape[dim]
        rows[dim] = places - above * array.shape[dim]
        places = above
    rows[0] = places
    return rows.T


def is_in(elements: Array, test_elements: Array, assume_unique: bool, invert: bool) -> Array:
    """Whether each element is among the others."""
    return xp.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)


silence(globals())
