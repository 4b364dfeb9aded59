"""Sparse arrays that keep nothing, or one value everywhere that they keep something."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray

Array = Any


def without_elements(shape: tuple[int, ...], dtype: Any, layout: str, dense_dim: int = 0) -> Any:
    """A sparse array of zeros alone; its last ``dense_dim`` dimensions are dense."""
    at = len(shape) - dense_dim
    dense = shape[at:]
    if layout == "sparse_coo":
        return Coo(xp.zeros((at, 0), xp.int64), xp.zeros((0, *dense), dtype), shape, True)
    if at < 2:
        raise RuntimeError(
            f"torch.empty: Only batched sparse compressed (non-block) tensors are supported, but "
            f"got size {list(shape)}"
        )
    batch, lines = shape[: at - 2], shape[at - 2 if layout == "sparse_csr" else at - 1]
    pointers = xp.zeros((*batch, lines + 1), xp.int64)
    plain = xp.zeros((*batch, 0), xp.int64)
    return Compressed(layout, pointers, plain, xp.zeros((*batch, 0, *dense), dtype), shape)


def emptied(array: SparseArray) -> Any:
    """The array with nothing kept."""
    if isinstance(array, Coo):
        at = array.sparse_dim
        return without_elements(array.shape, array.dtype, array.layout, array.ndim - at)
    assert isinstance(array, Compressed)
    at = array.plain.ndim - 1
    values = array.values[(slice(None),) * at + (slice(0),)]
    return Compressed(
        array.layout, xp.zeros_like(array.pointers), array.plain[..., :0], values, array.shape
    )


def full_like(array: Compressed, value: Any, dtype: Any) -> Any:
    """One value at all places of a compressed array; None leaves them as the memory is."""
    values = xp.empty(array.values.shape, dtype)
    if value is not None:
        values[...] = value
    return array.with_values(values)


silence(globals())
