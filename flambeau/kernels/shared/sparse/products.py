"""Products of matrices of which at least one is sparse."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU, CUDA, places
from flambeau.kernels.shared.precision import rounded, wide
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray
from flambeau.kernels.shared.sparse.coalescing import coalesce
from flambeau.kernels.shared.sparse.conversion import (
    block_coordinates,
    masked,
    scattered,
    to_compressed,
    to_coo,
    to_dense,
)
from flambeau.kernels.shared.sparse.rows import rows_by_rows, rows_reduced, rows_times
from flambeau.kernels.shared.sparse.shape import swapped

Array = Any
_rows_times, _rows_by_rows = places(rows_times), places(rows_by_rows)


def matrix_product(a: Any, b: Any) -> Any:
    """``a @ b`` of matrices, or of stacks of matrices of which the first is sparse: dense, unless
    both are sparse."""
    if isinstance(a, SparseArray) and isinstance(b, SparseArray):
        return sparse_product(a, b)
    if len(a.shape) == 3:
        return stacked_product(a, b)
    if isinstance(a, SparseArray):
        return times_dense(a, b)
    return xp.ascontiguousarray(times_dense(swapped(b, 0, 1), a.T).T)


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` where vectors may stand for matrices of one row or column."""
    if len(b.shape) == 1:
        return matrix_product(a, b[:, None])[:, 0]
    if len(a.shape) == 1:
        return matrix_product(a[None], b)[0]
    return matrix_product(a, b)


def times_dense(a: SparseArray, b: Array) -> Array:
    """A sparse matrix [m, k] times a dense one [k, n]: [m, n]."""
    by_rows = to_compressed(a, "sparse_csr")
    values, dense = wide(by_rows.values), wide(b)
    times: Any = _rows_times[CPU if xp.__name__ == "numpy" else CUDA]
    return rounded(times(values, by_rows.plain, by_rows.pointers, dense), a.dtype)


def stacked_product(a: Any, b: Array) -> Array:
    """A sparse stack of matrices [b, m, k] times a dense one [b, k, n], by one block diagonal."""
    coo = coalesce(to_coo(a))
    count, m, k = coo.shape
    places = xp.stack([coo.indices[0] * m + coo.indices[1], coo.indices[0] * k + coo.indices[2]])
    diagonal = Coo(places, coo.values, (count * m, count * k), True)
    return times_dense(diagonal, b.reshape(count * k, b.shape[2])).reshape(count, m, b.shape[2])


def sparse_product(a: SparseArray, b: SparseArray) -> Any:
    """A sparse matrix times a sparse matrix: coordinates for coordinates, else CSR."""
    left, right = to_compressed(a, "sparse_csr"), to_compressed(b, "sparse_csr")
    others = right.values, right.plain, right.pointers
    times: Any = _rows_by_rows[CPU if xp.__name__ == "numpy" else CUDA]
    values, plain, pointers = times(left.values, left.plain, left.pointers, others, b.shape[1])
    shape = (a.shape[0], b.shape[1])
    product = Compressed("sparse_csr", pointers, plain, rounded(values, a.dtype), shape)
    return to_coo(product) if isinstance(a, Coo) else product


def add_product(input: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta * input + alpha * (a @ b)``; input is ignored when ``beta`` is 0."""
    product = matrix_product(a, b)
    if isinstance(product, SparseArray):
        if isinstance(input, SparseArray):
            raise RuntimeError("sparse addmm: expected a dense matrix to add to")
        kept = xp.zeros(product.shape, product.dtype) if beta == 0 else input * beta
        return scattered(xp.broadcast_to(kept, product.shape), product, alpha)
    if isinstance(input, SparseArray):
        return scattered(product * alpha, input, beta)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return rounded(product, a.dtype)
    return rounded(product + (input if beta == 1 else input * beta), a.dtype)


def linear(input: Any, weight: Any, bias: Any) -> Array:
    """``input @ weight.T + bias`` of matrices of which one is sparse, or both."""
    turned = swapped(weight, 0, 1) if isinstance(weight, SparseArray) else weight.T
    product = matrix_product(input, turned)
    if isinstance(product, SparseArray):
        product = to_dense(product)
    return product if bias is None else product + bias


def sampled_product(input: Any, a: Array, b: Array, beta: Any, alpha: Any) -> Any:
    """``beta * input + alpha * (a @ b)`` at the places of ``input`` alone."""
    coo = block_coordinates(input) if isinstance(input, Compressed) else input
    *batch, rows, columns = coo.indices
    left = wide(a)[(*batch, rows)]
    right = wide(b).swapaxes(-1, -2)[(*batch, columns)]
    products = (left * right).sum(-1).reshape(input.values.shape)
    values = products * alpha
    if beta != 0:
        values = values + wide(input.values) * beta
    return input.with_values(rounded(values, input.dtype))


def at_places(a: Array, b: Array, mask: Any) -> Any:
    """``a @ b`` of dense matrices at the places of a sparse one."""
    if isinstance(mask, Compressed) and mask.blocked:
        return masked(a @ b, mask)
    return sampled_product(mask, a, b, 0, 1)


def row_product(a: Coo, b: Array, alpha: Any = 1) -> Coo:
    """``alpha * (a @ b)`` of which only the rows that hold anything are kept."""
    product = times_dense(a, b)
    rows = xp.unique(a.indices[0])
    values = product[rows] * alpha if alpha != 1 else product[rows]
    return Coo(rows[None], values, product.shape)


def sparse_sum_product(input: Coo, a: Coo, b: Array, beta: Any = 1, alpha: Any = 1) -> Coo:
    """``beta * input + alpha * (a @ b)`` in coordinates, the summands one after the other."""
    rows = row_product(a, b, alpha)
    columns = xp.arange(b.shape[1])
    places = xp.stack([
        xp.repeat(rows.indices[0], len(columns)),
        xp.concatenate([columns] * rows.nnz) if rows.nnz else columns[:0],
    ])  # fmt: skip
    values = input.values if beta == 1 else input.values * beta
    return Coo(
        xp.concatenate([input.indices, places], axis=1),
        xp.concatenate([values, rows.values.reshape(-1)]),
        (a.shape[0], b.shape[1]),
    )


# ---- other reductions than the sum


def reduced_product(a: Compressed, b: Array, reduce: str) -> tuple[Array, Array]:
    """``a @ b`` with the products of each row reduced by mean, amax or amin, and where the greatest
    or least of them stand."""
    result, where = rows_reduced(a.values, a.plain, a.pointers, b, reduce)
    return rounded(result, a.dtype), where


def reduced_gradient(
    grad: Array, a: Compressed, b: Array, where: Array, reduce: str, of_sparse: bool
) -> Any:
    """The gradient of :func:`reduced_product` in the sparse matrix, or in the dense one."""
    lengths = a.pointers[1:] - a.pointers[:-1]
    rows = xp.searchsorted(a.pointers[1:], xp.arange(a.nnz), side="right")
    if reduce == "mean":
        grad = grad / xp.maximum(lengths, 1)[:, None]
    shares = grad[rows]
    if reduce in ("amax", "amin"):
        shares = xp.where(where[rows] == xp.arange(a.nnz)[:, None], shares, 0)
    if of_sparse:
        return a.with_values(rounded((shares * b[a.plain]).sum(1), a.dtype))
    result = xp.zeros(b.shape, shares.dtype)
    xp.add.at(result, a.plain, shares * a.values[:, None])
    return rounded(result, b.dtype)


silence(globals())
