"""Dimensions moved, taken, joined: sparse arrays are rebuilt, their values are rarely touched."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo
from flambeau.kernels.shared.sparse.conversion import to_coo

Array = Any

_TURNED = {
    "sparse_csr": "sparse_csc",
    "sparse_csc": "sparse_csr",
    "sparse_bsr": "sparse_bsc",
    "sparse_bsc": "sparse_bsr",
}


def permuted(array: Any, dims: tuple[int, ...]) -> Any:
    """The dimensions in another order; sparse and dense ones stay among themselves."""
    if isinstance(array, Compressed):
        moved = [d for d, place in enumerate(dims) if d != place]
        if not moved:
            return array
        return swapped(array, moved[0], moved[1]) if len(moved) == 2 else _refuse(array)
    at = array.sparse_dim
    if max(dims[:at], default=-1) >= at:
        raise RuntimeError(
            "permute(sparse_coo): sparse and dense dimensions must not change places"
        )
    shape = tuple([array.shape[d] for d in dims])
    behind = [d - at + 1 for d in dims[at:]]
    values = array.values.transpose([0, *behind])
    still = all([d == place for d, place in enumerate(dims[:at])])
    return Coo(array.indices[list(dims[:at])], values, shape, array.coalesced and still)


def swapped(array: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions exchanged; of a compressed matrix rows become columns."""
    dims = list(range(array.ndim))
    dims[dim0], dims[dim1] = dim1, dim0
    if isinstance(array, Coo):
        return permuted(array, tuple(dims))
    at = len(array.batch)
    if dim0 == dim1:
        return array
    if {dim0, dim1} != {at, at + 1}:
        return _refuse(array)
    shape = tuple([array.shape[d] for d in dims])
    values = array.values.swapaxes(at + 1, at + 2) if array.blocked else array.values
    return Compressed(_TURNED[array.layout], array.pointers, array.plain, values, shape)


def _refuse(array: Any) -> Any:
    raise RuntimeError(
        f"transposing {array.title} tensors is possible in the two compressed dimensions only"
    )


def expanded(array: Coo, dim: int) -> Coo:
    """A dimension of size 1 put in: a sparse one among sparse ones, else a dense one."""
    shape = (*array.shape[:dim], 1, *array.shape[dim:])
    if dim <= array.sparse_dim:
        zeros = xp.zeros((1, array.nnz), xp.int64)
        indices = xp.concatenate([array.indices[:dim], zeros, array.indices[dim:]])
        return Coo(indices, array.values, shape)
    values = xp.expand_dims(array.values, dim - array.sparse_dim + 1)
    return Coo(array.indices, values, shape, array.coalesced)


def selected(array: Any, dim: int, index: int) -> Any:
    """One slice of a dimension, without it; a value where no sparse dimension is left."""
    coo = to_coo(array)
    size = array.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(array.shape)} at "
            f"dimension {dim}"
        )
    index %= size
    shape = (*array.shape[:dim], *array.shape[dim + 1 :])
    if dim >= coo.sparse_dim:
        values = coo.values.take(index, dim - coo.sparse_dim + 1)
        return Coo(coo.indices, values, shape, coo.coalesced)
    kept = coo.indices[dim] == index
    values = coo.values[kept]
    if coo.sparse_dim == 1:
        return values.sum(0, dtype=values.dtype)
    rest = xp.concatenate([coo.indices[:dim], coo.indices[dim + 1 :]])
    return Coo(rest[:, kept], values, shape, coo.coalesced)


def unbound(array: Any, dim: int) -> tuple[Any, ...]:
    """All slices of a dimension."""
    return tuple([selected(array, dim, index) for index in range(array.shape[dim])])


def narrowed(array: Coo, dim: int, start: int, length: int) -> Coo:
    """The part of a dimension from ``start`` on."""
    shape = (*array.shape[:dim], length, *array.shape[dim + 1 :])
    if dim >= array.sparse_dim:
        cut = (slice(None),) * (dim - array.sparse_dim + 1) + (slice(start, start + length),)
        return Coo(array.indices, array.values[cut], shape, array.coalesced)
    row = array.indices[dim]
    kept = (row >= start) & (row < start + length)
    indices = array.indices[:, kept]
    indices[dim] -= start
    return Coo(indices, array.values[kept], shape, array.coalesced)


def sliced(array: Coo, dim: int, start: int, end: int, step: int) -> Coo:
    """Part of a dimension; RuntimeError for steps."""
    if step != 1:
        raise RuntimeError("sparse tensors are not sliced with steps")
    return narrowed(array, dim, start, end - start)


def taken(array: Coo, index: Array, dim: int) -> Coo:
    """The slices of a dimension that ``index`` [n] names, in that order and as often."""
    shape = (*array.shape[:dim], len(index), *array.shape[dim + 1 :])
    size = array.shape[dim]
    if len(index) and not (-size <= int(index.min()) and int(index.max()) < size):
        raise IndexError(f"index_select(): index out of range for dimension {dim} of size {size}")
    index = index % size if size else index
    if dim >= array.sparse_dim:
        values = array.values.take(index, dim - array.sparse_dim + 1)
        return Coo(array.indices, values, shape, array.coalesced)
    order = xp.argsort(array.indices[dim], kind="stable")
    row = array.indices[dim][order]
    first = xp.searchsorted(row, index, side="left")
    times = xp.searchsorted(row, index, side="right") - first
    ends = xp.cumsum(times)
    place = xp.arange(int(ends[-1]) if len(ends) else 0)
    asked = xp.searchsorted(ends, place, side="right")
    source = order[first[asked] + place - (ends - times)[asked]]
    indices = array.indices[:, source]
    indices[dim] = asked
    return Coo(indices, array.values[source], shape)


def joined(*arrays_and_dim: Any) -> Coo:
    """Arrays one after the other in a dimension."""
    *arrays, dim = arrays_and_dim
    _check_joinable(arrays, dim)
    first, size = arrays[0], sum([a.shape[dim] for a in arrays])
    shape = (*first.shape[:dim], size, *first.shape[dim + 1 :])
    if dim < first.sparse_dim:
        values = xp.concatenate([a.values for a in arrays])
        return Coo(_shifted(arrays, dim), values, shape)
    pieces, start = [], 0
    for array in arrays:
        at = dim - first.sparse_dim + 1
        piece = xp.zeros((array.nnz, *shape[first.sparse_dim :]), array.dtype)
        piece[(slice(None),) * at + (slice(start, start + array.shape[dim]),)] = array.values
        start += array.shape[dim]
        pieces.append(piece)
    indices = xp.concatenate([a.indices for a in arrays], axis=1)
    return Coo(indices, xp.concatenate(pieces), shape)


def _shifted(arrays: list[Coo], dim: int) -> Array:
    parts, start = [], 0
    for array in arrays:
        indices = array.indices.copy()
        indices[dim] += start
        start += array.shape[dim]
        parts.append(indices)
    return xp.concatenate(parts, axis=1)


def stacked(*arrays_and_dim: Any) -> Coo:
    """Arrays side by side in a new dimension."""
    *arrays, dim = arrays_and_dim
    _check_joinable(arrays, None)
    return joined(*[expanded(a, dim) for a in arrays], dim)


def _check_joinable(arrays: list[Any], dim: int | None) -> None:
    for position, array in enumerate(arrays):
        if not isinstance(array, Coo):
            raise RuntimeError(
                "Concatenating sparse tensors, but a dense tensor was found at position "
                f"{position}."
                if not isinstance(array, Compressed)
                else f"{array.title} tensors cannot be concatenated: only those in coordinates"
            )
    first = arrays[0]
    for position, array in enumerate(arrays):
        sizes = [
            (a, b) for d, (a, b) in enumerate(zip(first.shape, array.shape)) if d != dim and a != b
        ]
        if array.ndim != first.ndim or sizes:
            raise RuntimeError(
                "All tensors must have the same shape: "
                f"{list(first.shape)} (except in the concatenating dimension), but found shape: "
                f"{list(array.shape)} at position {position}"
            )
        if array.sparse_dim != first.sparse_dim:
            raise RuntimeError(
                "All tensors must have the same sparse_dim and dense_dim: "
                f"{first.sparse_dim}, {first.ndim - first.sparse_dim}, but tensor at position "
                f"{position} has {array.sparse_dim}, {array.ndim - array.sparse_dim}"
            )


silence(globals())
