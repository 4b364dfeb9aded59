"""Reductions of sparse arrays, and the softmax of the elements that are kept."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import rounded, wide
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray
from flambeau.kernels.shared.sparse.coalescing import coalesce, keys_of
from flambeau.kernels.shared.sparse.conversion import (
    to_compressed,
    to_coo,
    to_dense,
    values_at,
)

Array = Any


def total(array: SparseArray) -> Array:
    """The sum of all elements; of integers in int64."""
    values = wide(array.values)
    kept = values.dtype if values.dtype.kind in "fcV" else xp.int64
    return rounded(values.sum(dtype=kept), array.dtype if values.dtype.kind in "fcV" else kept)


def summed(array: Coo, dims: tuple[int, ...]) -> Any:
    """The sum over some dimensions: dense where no sparse dimension is left, else coalesced."""
    array = coalesce(array)
    at = array.sparse_dim
    behind = tuple([d - at + 1 for d in dims if d >= at])
    values = wide(array.values).sum(behind) if behind else array.values
    values = rounded(values, array.dtype if values.dtype.kind in "fcV" else values.dtype)
    kept = [d for d in range(at) if d not in dims]
    shape = tuple([n for d, n in enumerate(array.shape) if d not in dims])
    if not kept:
        return rounded(wide(values).sum(0), values.dtype)
    return coalesce(Coo(array.indices[kept], values, shape, len(kept) == at))


def sum_over(array: Any, dims: Any, keepdim: bool) -> Any:
    """The sum over some dimensions or, for ``dims`` None, over all."""
    if isinstance(array, Compressed):
        return _compressed_sum(array, dims, keepdim)
    dims = tuple(range(array.ndim)) if dims is None else dims
    dims = (dims,) if isinstance(dims, int) else tuple(dims) or tuple(range(array.ndim))
    dims = tuple([d % array.ndim for d in dims]) if array.ndim else ()
    if array.dtype.kind in "biu":
        array = array.astype(xp.int64)
    result = summed(array, dims)
    if not keepdim:
        return result
    if not isinstance(result, Coo):
        return result.reshape([1 if d in dims else n for d, n in enumerate(array.shape)])
    for dim in sorted(dims):
        result = _with_dimension(result, dim, dim < array.sparse_dim)
    return result


def _with_dimension(array: Coo, dim: int, sparse: bool) -> Coo:
    shape = (*array.shape[:dim], 1, *array.shape[dim:])
    if not sparse:
        values = xp.expand_dims(array.values, dim - array.sparse_dim + 1)
        return Coo(array.indices, values, shape, array.coalesced)
    zeros = xp.zeros((1, array.nnz), xp.int64)
    indices = xp.concatenate([array.indices[:dim], zeros, array.indices[dim:]])
    return Coo(indices, array.values, shape, array.coalesced)


def _compressed_sum(array: Compressed, dims: Any, keepdim: bool) -> Any:
    if dims is None or (len(dims) == array.ndim and not keepdim):
        return total(array)
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    if array.layout != "sparse_csr":
        raise RuntimeError(f"unsupported tensor layout: {array.title}")
    return to_compressed(sum_over(to_coo(array), dims, True), array.layout)


def any_of(array: Any, dims: Any, keepdim: bool) -> Array:
    """Whether any element at all is not zero; RuntimeError for some of the dimensions."""
    if dims is not None and len(dims) < array.ndim:
        raise RuntimeError("any() of sparse tensors reduces all dimensions")
    return xp.asarray((array.values != 0).any())


def norm(array: Any, dims: Any, keepdim: bool, order: float) -> Array:
    """The vector norm of all elements; RuntimeError for some of the dimensions."""
    if dims is not None and len(dims) < array.ndim:
        raise RuntimeError("norm_sparse currently does not support dims and keepdim=True")
    values = wide(coalesce(to_coo(array)).values)
    sizes = xp.abs(values)
    if order == 2:
        result = xp.sqrt((sizes * sizes).sum())
    elif order == 0:
        result = (sizes != 0).sum().astype(sizes.dtype)
    elif order in (float("inf"), -float("inf")):
        extreme = sizes.max() if order > 0 else sizes.min()
        result = extreme if sizes.size else xp.zeros((), sizes.dtype)
    else:
        result = (sizes**order).sum() ** (1 / order)
    return xp.asarray(result, sizes.dtype)


# ---- softmax


def softmax(array: Coo, dim: int, logarithm: bool) -> Coo:
    """The softmax of a dimension in which missing elements count as minus infinity."""
    united = coalesce(array)
    values = wide(united.values)
    if dim >= united.sparse_dim:
        shifted = _shift(values, values.max(dim - united.sparse_dim + 1, keepdims=True))
        sums = xp.exp(shifted).sum(dim - united.sparse_dim + 1, keepdims=True)
    else:
        group, order, starts = pools(united, dim)
        if not len(starts):
            return united
        tops = xp.empty((len(starts), *values.shape[1:]), values.dtype)
        tops[...] = -xp.inf
        xp.maximum.at(tops, group, values)
        shifted = _shift(values, tops[group])
        sums = xp.add.reduceat(xp.exp(shifted)[order], starts, axis=0)[group]
    result = shifted - xp.log(sums) if logarithm else xp.exp(shifted) / sums
    return united.with_values(rounded(result, united.dtype))


def softmax_gradient(grad: Any, result: Coo, dim: int, logarithm: bool) -> Coo:
    """The gradient of :func:`softmax`, given its result: the projection along each pool."""
    united, g = coalesce(result), wide(values_at(grad, coalesce(result)))
    values = wide(united.values)
    product = g if logarithm else g * values
    if dim >= united.sparse_dim:
        sums = product.sum(dim - united.sparse_dim + 1, keepdims=True)
    else:
        group, order, starts = pools(united, dim)
        if not len(starts):
            return united
        sums = xp.add.reduceat(product[order], starts, axis=0)[group]
    slope = g - xp.exp(values) * sums if logarithm else values * (g - sums)
    return united.with_values(rounded(slope, united.dtype))


def sum_gradient(grad: Any, input: Any, dims: tuple[int, ...]) -> Coo:
    """The gradient of a sum over some dimensions, at the places of the input alone."""
    united = coalesce(to_coo(input))
    at = united.sparse_dim
    kept = [d for d in range(at) if d not in dims]
    behind = [d for d in range(at, united.ndim) if d not in dims]
    if kept:
        shape = (*[united.shape[d] for d in kept], *[united.shape[d] for d in behind])
        like = xp.empty((united.nnz, *shape[len(kept) :]), grad.dtype)
        values = values_at(grad, Coo(united.indices[kept], like, shape))
    else:
        values = (to_dense(grad) if isinstance(grad, SparseArray) else grad)[None]
    for dim in sorted(d for d in dims if d >= at):
        values = xp.expand_dims(values, dim - at + 1)
    values = xp.broadcast_to(values, united.values.shape)
    return united.with_values(xp.ascontiguousarray(values))


def pools(array: Coo, dim: int) -> tuple[Array, Array, Array]:
    """Which elements differ in dimension ``dim`` alone: the pool of each, the order that puts pools
    together, and where each pool begins in it."""
    rest = [d for d in range(array.sparse_dim) if d != dim]
    keys = keys_of(array.indices[rest], tuple([array.shape[d] for d in rest]))
    order = xp.argsort(keys, kind="stable")
    ordered = keys[order]
    new = xp.concatenate([xp.ones(min(len(keys), 1), bool), ordered[1:] != ordered[:-1]])
    group = xp.empty(len(keys), xp.int64)
    group[order] = xp.cumsum(new) - 1
    return group, order, xp.flatnonzero(new)


def _shift(values: Array, tops: Array) -> Array:
    return values - xp.where(xp.isfinite(tops), tops, 0)


silence(globals())
