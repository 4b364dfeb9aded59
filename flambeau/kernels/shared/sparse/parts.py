"""The parts of sparse arrays taken out, put together and copied."""

from __future__ import annotations

from typing import Any

from flambeau.kernels.shared.sparse.arrays import SparseArray

Array = Any


def values_of(array: SparseArray) -> Array:
    """The values as they are stored."""
    return array.values


def with_values(values: Array, like: SparseArray) -> Any:
    """Values at the places of another array."""
    return like.with_values(values)


def same(array: SparseArray) -> Any:
    """Another array over the same parts."""
    return array.with_values(array.values)


def copied(array: SparseArray, memory_format: Any) -> Any:
    """A copy; there are no memory formats."""
    return array.copy()
