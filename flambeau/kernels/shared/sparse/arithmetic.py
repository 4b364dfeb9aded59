"""Sums and products of sparse arrays, element by element."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import rounded
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray
from flambeau.kernels.shared.sparse.coalescing import (
    coalesce,
    flat_rows,
    positions,
    taken,
)
from flambeau.kernels.shared.sparse.conversion import (
    scattered,
    to_compressed,
    to_coo,
    values_at,
)

Array = Any


def scaled(values: Array, alpha: Any) -> Array:
    """``alpha * values`` in the dtype of the values."""
    return values if alpha == 1 else rounded(values * alpha, values.dtype)


# ---- sums


def add(input: Any, other: Any, alpha: Any = 1) -> Any:
    """``input + alpha * other``; RuntimeError unless both have one shape and their layouts fit."""
    if isinstance(input, Coo) and not isinstance(other, SparseArray):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    if input.shape != other.shape:
        raise _shapes_differ(input, other)
    if not isinstance(input, SparseArray):
        return scattered(input, other, alpha)
    if not isinstance(other, SparseArray):
        return scattered(scaled(other, alpha), input)
    if input.layout != other.layout:
        raise RuntimeError(f"unsupported layouts of a sum: {input.title} and {other.title}")
    if isinstance(input, Compressed):
        block = input.block if input.blocked else None
        return to_compressed(union(to_coo(input), to_coo(other), alpha), input.layout, block)
    return coo_sum(input, other, alpha)


def subtract(input: Any, other: Any, alpha: Any = 1) -> Any:
    """``input - alpha * other``, as :func:`add`."""
    return add(input, other, -alpha)


def _shapes_differ(input: Any, other: Any) -> RuntimeError:
    sizes = list(input.shape), list(other.shape)
    if isinstance(input, Coo):
        return RuntimeError(
            f"add: expected sizes of 'self' and 'other' to match, but {sizes[0]} != {sizes[1]}"
        )
    if not isinstance(other, SparseArray):
        sizes = sizes[::-1]
    return RuntimeError(
        f"add: expected 'self' and 'other' to have same size, but self has size {sizes[0]} while "
        f"other has size {sizes[1]} (FYI: {'op2' if isinstance(other, Compressed) else 'dense'}"
        "-sparse addition does not currently support broadcasting)"
    )


def coo_sum(input: Any, other: Any, alpha: Any) -> Coo:
    """A sum of coordinates: what meets while both are walked through side by side is united."""
    if input.sparse_dim != other.sparse_dim:
        raise RuntimeError(
            "add: expected 'self' and 'other' to have same density, but 'self' has "
            f"{input.sparse_dim} sparse dimensions while 'other' has {other.sparse_dim} sparse "
            "dimensions"
        )
    if input.indices.shape == other.indices.shape and (input.indices == other.indices).all():
        values = input.values + scaled(other.values, alpha)
        return Coo(input.indices, values, input.shape, input.coalesced and other.coalesced)
    if input.coalesced and other.coalesced:
        return union(input, other, alpha)
    return _merged(input, other, alpha)


def union(input: Coo, other: Coo, alpha: Any) -> Coo:
    """The sum at all places of either of two arrays."""
    indices = xp.concatenate([input.indices, other.indices], axis=1)
    values = xp.concatenate([input.values, scaled(other.values, alpha)])
    return coalesce(Coo(indices, values, input.shape))


def _merged(input: Coo, other: Coo, alpha: Any) -> Coo:
    """The sum of arrays whose columns are in any order: the smaller of two heads goes first."""
    left, right = flat_rows(input)[0].tolist(), flat_rows(other)[0].tolist()
    sources: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) or j < len(right):
        first = j >= len(right) or (i < len(left) and left[i] <= right[j])
        second = i >= len(left) or (j < len(right) and right[j] <= left[i])
        sources.append((i if first else -1, j if second else -1))
        i, j = i + first, j + second
    at = xp.asarray(sources, dtype=xp.int64).reshape(-1, 2).T
    values = taken(input.values, at[0], at[0] >= 0)
    values = values + scaled(taken(other.values, at[1], at[1] >= 0), alpha)
    indices = xp.where(at[0] >= 0, _columns(input, at[0]), _columns(other, at[1]))
    return Coo(indices, values, input.shape)


def _columns(array: Coo, at: Array) -> Array:
    if not array.nnz:
        return xp.zeros((array.sparse_dim, len(at)), xp.int64)
    return array.indices[:, at]


# ---- products


def multiply(input: Any, other: Any) -> Any:
    """``input * other``: numbers scale the values; else only places that both have are kept."""
    if not isinstance(input, SparseArray):
        input, other = other, input
    if not isinstance(other, SparseArray):
        if not other.ndim:
            return input.with_values(input.values * other)
        return _multiplied_by_dense(input, other)
    if input.shape != other.shape:
        raise RuntimeError(
            "sparse_binary_op_intersection_cpu(): expects sparse inputs with equal dimensionality, "
            "number of sparse dimensions, and shape of sparse dimensions, but got "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    if isinstance(input, Compressed):
        block = input.block if input.blocked else None
        product = intersection(to_coo(input), to_coo(other))
        return to_compressed(product, input.layout, block)
    return intersection(input, to_coo(other))


def _multiplied_by_dense(input: SparseArray, other: Array) -> Any:
    dense = xp.broadcast_to(other, input.shape)
    return input.with_values(input.values * values_at(dense, input))


def intersection(input: Any, other: Any) -> Coo:
    """The product at the places that both arrays have."""
    input, other = coalesce(input), coalesce(other)
    (keys, _), (others, _) = flat_rows(input), flat_rows(other)
    at, found = positions(others, keys)
    values = input.values[found] * other.values[at[found]]
    return Coo(input.indices[:, found], values, input.shape, True)


def conjugate(array: Any) -> Any:
    """The complex conjugates of the values."""
    return array.with_values(xp.conjugate(array.values))


def divide(input: Any, other: Any) -> Any:
    """``input / other`` by a number; RuntimeError for any other divisor."""
    return input.with_values(input.values / _divisor(input, other))


def divide_floor(input: Any, other: Any) -> Any:
    """``floor(input / other)`` by a number."""
    return _coalesced(input).with_values(
        xp.floor_divide(_coalesced(input).values, _divisor(input, other))
    )


def divide_trunc(input: Any, other: Any) -> Any:
    """``trunc(input / other)`` by a number."""
    united = _coalesced(input)
    quotient = xp.trunc(united.values / _divisor(input, other))
    return united.with_values(rounded(quotient, united.dtype))


def _divisor(input: Any, other: Any) -> Array:
    if isinstance(other, SparseArray) or not isinstance(input, SparseArray) or other.ndim:
        raise RuntimeError(
            "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
            f"{list(other.shape)} for divisor)"
        )
    return other


def _coalesced(array: Any) -> Any:
    return coalesce(array) if isinstance(array, Coo) else array


def threshold_gradient(grad: Any, x: Any, threshold: float) -> Any:
    """The gradient where the elements of ``x`` are greater than a threshold, 0 elsewhere."""
    united = _coalesced(x)
    return united.with_values(xp.where(united.values > threshold, values_at(grad, united), 0))


def power(input: Any, exponent: Any) -> Any:
    """``input ** exponent`` for a number that is not zero."""
    if isinstance(exponent, SparseArray) or exponent.ndim or not isinstance(input, SparseArray):
        raise RuntimeError("sparse tensors are raised to powers that are numbers only")
    if exponent == 0:
        raise RuntimeError(
            "pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor "
            "dense"
        )
    united = _coalesced(input)
    return united.with_values(united.values**exponent)


silence(globals())
