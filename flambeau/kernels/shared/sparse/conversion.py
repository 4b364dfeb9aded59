"""From one way of keeping the elements to another: dense, coordinates, compressed."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import rounded, wide
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray
from flambeau.kernels.shared.sparse.coalescing import coalesce, flat_rows, positions, taken

Array = Any


# ---- to and from dense


def to_dense(array: Any) -> Array:
    """All elements, zeros included: [*shape]."""
    coo = coalesce(to_coo(array))
    keys, rows = flat_rows(coo)
    result = xp.zeros((rows, *coo.values.shape[1:]), coo.dtype)
    result[keys] = coo.values
    return result.reshape(coo.shape)


def dense_of(array: SparseArray, masked: bool) -> Array:
    """As :func:`to_dense`; ``masked`` concerns the gradient alone."""
    return to_dense(array)


def to_layout(array: Any, layout: str, block: tuple[int, int] | None, dense_dim: int) -> Any:
    """The elements of an array, dense or sparse, in a sparse layout."""
    if isinstance(array, SparseArray):
        return to_coo(array) if layout == "sparse_coo" else to_compressed(array, layout, block)
    if layout == "sparse_coo":
        return coo_from_dense(array, array.ndim - dense_dim)
    return compressed_from_dense(array, layout, block, dense_dim)


def coo_from_dense(array: Array, sparse_dim: int) -> Coo:
    """The elements that are not zero; rows of the trailing dimensions where any of them is not."""
    kept = array != 0
    if sparse_dim < array.ndim:
        kept = kept.any(tuple(range(sparse_dim, array.ndim)))
    if not sparse_dim:
        count = int(kept)
        return Coo(xp.zeros((0, count), xp.int64), array[None][:count], array.shape, True)
    places = xp.nonzero(kept)
    return Coo(xp.stack(places), array[places], array.shape, True)


def compressed_from_dense(
    array: Array, layout: str, block: tuple[int, int] | None, dense_dim: int
) -> Compressed:
    """The elements that are not zero in a compressed layout; of blocks, those that hold any."""
    shape, at = array.shape, array.ndim - dense_dim - 2
    if block is not None:
        array = blocks_of(array, at, block)
    coo = coo_from_dense(array, at + 2)
    return _compressed(coo, layout, shape)


def blocks_of(array: Array, at: int, block: tuple[int, int]) -> Array:
    """A matrix in the dimensions ``at`` and ``at + 1`` as a matrix of blocks, which lie behind."""
    (m, n), (p, q) = array.shape[at : at + 2], block
    split = array.reshape(*array.shape[:at], m // p, p, n // q, q, *array.shape[at + 2 :])
    return xp.moveaxis(split, at + 1, at + 2)


# ---- to coordinates


def to_coo(array: SparseArray) -> Coo:
    """The same elements with coordinates; blocks come element by element."""
    if isinstance(array, Coo):
        return array
    assert isinstance(array, Compressed)
    coo = block_coordinates(array)
    if array.blocked:
        coo = _without_blocks(coo, array.block, array.shape)
    return Coo(coo.indices, coo.values, array.shape, array.by_rows and not array.blocked)


def block_coordinates(array: Compressed) -> Coo:
    """The coordinates of the blocks, or of the elements where there are none."""
    nnz, rows = array.nnz, array.pointers.shape[-1] - 1
    count = prod(array.batch)
    lengths = (array.pointers[..., 1:] - array.pointers[..., :-1]).reshape(-1)
    counted = xp.arange(count * rows, dtype=xp.int64) % max(rows, 1)
    along, across = _repeated(counted, lengths), array.plain.reshape(-1).astype(xp.int64)
    pair = [along, across] if array.by_rows else [across, along]
    batch = [xp.repeat(row.reshape(-1), nnz) for row in xp.indices(array.batch)]
    values = array.values.reshape(count * nnz, *array.values.shape[array.plain.ndim :])
    (p, q), at = array.block, len(array.batch)
    sizes = (*array.batch, array.shape[at] // p, array.shape[at + 1] // q)
    return Coo(xp.stack([*batch, *pair]), values, (*sizes, *values.shape[1:]))


def _repeated(values: Array, times: Array) -> Array:
    """Each value as often as said."""
    ends = xp.cumsum(times)
    total = int(ends[-1]) if len(ends) else 0
    return values[xp.searchsorted(ends, xp.arange(total), side="right")]


def _without_blocks(coo: Coo, block: tuple[int, int], shape: tuple[int, ...]) -> Coo:
    p, q = block
    inside = xp.indices(block).reshape(2, 1, p * q)
    corner = coo.indices[-2:, :, None] * xp.asarray([[[p]], [[q]]])
    pair = (corner + inside).reshape(2, -1)
    batch = xp.repeat(coo.indices[:-2], p * q, axis=1)
    values = coo.values.reshape(-1, *coo.values.shape[3:])
    return Coo(xp.concatenate([batch, pair]), values, shape)


# ---- to compressed


def to_compressed(
    array: SparseArray, layout: str, block: tuple[int, int] | None = None
) -> Compressed:
    """The same elements in a compressed layout."""
    if isinstance(array, Compressed):
        if array.layout == layout and (block is None or block == array.block):
            return array
        if array.blocked and layout in ("sparse_bsr", "sparse_bsc"):
            return _compressed(block_coordinates(array), layout, array.shape)
    coo = coalesce(to_coo(array))
    if block is not None:
        coo = _with_blocks(coo, block)
    return _compressed(coo, layout, array.shape)


def _with_blocks(coo: Coo, block: tuple[int, int]) -> Coo:
    """Coordinates of the blocks in which elements are kept, with the blocks as values."""
    (p, q), at = block, coo.sparse_dim - 2
    scale = xp.asarray([[1]] * at + [[p], [q]])
    corners, inside = coo.indices // scale, (coo.indices % scale)[-2:]
    sizes = (*coo.shape[:at], coo.shape[at] // p, coo.shape[at + 1] // q)
    marks = coalesce(Coo(corners, xp.zeros(coo.nnz, bool), sizes))
    keys, _ = flat_rows(marks)
    wanted, _ = flat_rows(Coo(corners, xp.zeros(coo.nnz, bool), sizes))
    values = xp.zeros((marks.nnz, p, q, *coo.values.shape[1:]), coo.dtype)
    values[xp.searchsorted(keys, wanted), inside[0], inside[1]] = coo.values
    return Coo(marks.indices, values, (*sizes, *values.shape[1:]), True)


def _compressed(coo: Coo, layout: str, shape: tuple[int, ...]) -> Compressed:
    """Coordinates without repetitions in a compressed layout; RuntimeError for ragged batches."""
    at, by_rows = coo.sparse_dim - 2, layout in ("sparse_csr", "sparse_bsr")
    batch, rows = coo.shape[:at], coo.shape[at if by_rows else at + 1]
    ordered = coo.indices if by_rows else xp.concatenate([coo.indices[:at], coo.indices[:-3:-1]])
    sizes = (*batch, rows, coo.shape[at + 1 if by_rows else at])
    placed = Coo(ordered, coo.values, (*sizes, *coo.values.shape[1:]), coo.coalesced and by_rows)
    placed = coalesce(placed)
    lines = xp.zeros(placed.nnz, xp.int64)
    for row, size in zip(placed.indices[:-1], sizes):
        lines = lines * size + row
    counts = xp.bincount(lines, minlength=prod(batch) * rows).reshape(*batch, rows)
    nnz = _shared_count(counts, batch)
    pointers = xp.zeros((*batch, rows + 1), xp.int64)
    pointers[..., 1:] = xp.cumsum(counts, axis=-1)
    values = placed.values.reshape(*batch, nnz, *placed.values.shape[1:])
    return Compressed(layout, pointers, placed.indices[-1].reshape(*batch, nnz), values, shape)


def _shared_count(counts: Array, batch: tuple[int, ...]) -> int:
    """How many elements each matrix of a batch keeps; RuntimeError unless all keep as many."""
    totals = counts.reshape(prod(batch), counts.shape[-1]).sum(-1)
    if len(totals) and (totals != totals[0]).any():
        raise RuntimeError("Expect the same number of specified elements per batch.")
    return int(totals[0]) if len(totals) else 0


# ---- the elements of one array at the places of another


def masked(array: Any, mask: Any) -> Any:
    """The elements of an array, dense or sparse, at the places of a sparse one."""
    if isinstance(mask, Compressed):
        places = block_coordinates(mask)
        if mask.blocked:
            dense = to_dense(array) if isinstance(array, SparseArray) else array
            array = blocks_of(dense, len(mask.batch), mask.block)
        shape = (*mask.plain.shape, *mask.values.shape[mask.plain.ndim :])
        return mask.with_values(_at(array, places).reshape(shape))
    return mask.with_values(_at(array, mask))


def values_at(array: Any, mask: Any) -> Array:
    """The values of :func:`masked`."""
    return masked(array, mask).values


def _at(array: Any, places: Coo) -> Array:
    """The rows of an array at coordinates: [nnz, *dense]."""
    keys, rows = flat_rows(places)
    if not isinstance(array, SparseArray):
        return array.reshape(rows, *array.shape[places.sparse_dim :])[keys]
    coo = coalesce(to_coo(array))
    return taken(coo.values, *positions(flat_rows(coo)[0], keys))


def scattered(array: Array, places: Any, scale: Any = 1) -> Array:
    """``array + scale * places`` of a dense array: only the rows that are kept are touched."""
    result = array.copy(order="C")
    add_rows(result, places, scale)
    return result


def add_rows(array: Array, places: Any, scale: Any = 1) -> None:
    """``array += scale * places`` in the memory of a dense array of C order."""
    coo = coalesce(to_coo(places))
    keys, rows = flat_rows(coo)
    flat = array.reshape(rows, *array.shape[coo.sparse_dim :])
    values = wide(coo.values) if scale == 1 else wide(coo.values) * scale
    flat[keys] = rounded(wide(flat[keys]) + values, array.dtype)


def subtract_rows(array: Array, places: Any, scale: Any = 1) -> None:
    """``array -= scale * places`` in the memory of a dense array of C order."""
    add_rows(array, places, -scale)


silence(globals())
