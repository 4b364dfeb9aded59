"""Whether the indices of sparse arrays are what they have to be."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.sparse.arrays import Compressed
from flambeau.kernels.shared.sparse.coalescing import keys_of

Array = Any


def out_of_bounds(indices: Array, sizes: tuple[int, ...]) -> tuple[int, int] | None:
    """The first dimension with an index outside of it, and that index."""
    for dim, (row, size) in enumerate(zip(indices, sizes)):
        if row.size and int(row.min()) < 0:
            return dim, int(row.min())
        if row.size and int(row.max()) >= size:
            return dim, int(row.max())
    return None


def increases(indices: Array, sizes: tuple[int, ...]) -> bool:
    """Whether the columns of indices are sorted and none occurs twice."""
    keys = keys_of(indices, sizes)
    return bool((keys[1:] > keys[:-1]).all())


def compressed_fault(array: Compressed) -> str | None:
    """The condition that the indices of an array break, in terms of ``pointers``, ``plain``,
    ``count`` (of lines) and ``others`` (the size of the other dimension)."""
    pointers, plain, nnz = array.pointers, array.plain, array.nnz
    if (pointers[..., 0] != 0).any():
        return "{pointers}[..., 0] == 0"
    if (pointers[..., -1] != nnz).any():
        return "{pointers}[..., -1] == nnz"
    size, lengths = _other_size(array), pointers[..., 1:] - pointers[..., :-1]
    if ((lengths < 0) | (lengths > size)).any():
        return "0 <= {pointers}[..., 1:] - {pointers}[..., :-1] <= {others}"
    if ((plain < 0) | (plain >= size)).any():
        return "0 <= {plain} < {others}"
    if not _sorted_within(pointers, plain):
        return (
            "{plain}[..., {pointers}[..., i - 1]:{pointers}[..., i]] for all i = 1, ..., {count} "
            "are sorted and distinct along the last dimension values"
        )
    return None


def _other_size(array: Compressed) -> int:
    dim = 1 if array.by_rows else 0
    return array.shape[len(array.batch) + dim] // array.block[dim]


def _sorted_within(pointers: Array, plain: Array) -> bool:
    """Whether the indices between two pointers increase."""
    if plain.shape[-1] < 2:
        return True
    flat = plain.reshape(-1, plain.shape[-1])
    new_line = xp.zeros(flat.shape, bool)
    for row, starts in zip(new_line, pointers.reshape(-1, pointers.shape[-1])):
        row[starts[starts < flat.shape[1]]] = True
    return bool((new_line[:, 1:] | (flat[:, 1:] > flat[:, :-1])).all())


silence(globals())
