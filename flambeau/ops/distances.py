"""Distances and similarities of vectors, and a product of two vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import Op
from flambeau.core.promotion import result_dtype
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import distances as kernels
from flambeau.ops.batching import aligned
from flambeau.ops.from_data import tensor
from flambeau.ops.vector_norms import vector_norm

# ---- corresponding rows


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The ``p``-norm of ``x1 - x2 + eps`` over the last dimension.

    ``[N, D]`` and ``[N, D]`` (or ``[D]``) give ``[N]``. RuntimeError where the shapes do not
    broadcast.

    >>> torch.pairwise_distance(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.]]))
    tensor([5.0000])
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)  # type: ignore[operator]


@numpy_names
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``; 0 for a vector of zeros.

    Norms below ``eps`` count as ``eps``.

    ``x1`` and ``x2`` are floating and broadcast; ``dim`` is dropped. RuntimeError where the shapes
    do not broadcast.

    >>> torch.cosine_similarity(torch.tensor([[1., 0.]]), torch.tensor([[1., 1.]]))
    tensor([0.7071])
    """
    common = result_dtype(x1, x2)
    if not common.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {scalar_name(common)}"
        )
    x1, x2 = _broadcast(x1.to(common), x2.to(common))  # type: ignore[attr-defined]
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)  # type: ignore[operator]


def _broadcast(x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
    if x1.shape == x2.shape:
        return x1, x2
    shape = (x1.detach() + x2.detach()).shape  # type: ignore[attr-defined]
    return x1.expand(shape), x2.expand(shape)  # type: ignore[attr-defined]


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    norm = vector_norm(x, 2, dim, True).clone()  # type: ignore[attr-defined]
    norm.detach().clamp_(min=eps)  # gradients pass as if it were not cut off
    return x / norm


@autocasting("bilinear")
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1 @ weight[k] @ input2 + bias[k]`` for each ``k``: ``[*, n]``, ``[*, m]`` and
    ``[o, n, m]`` give ``[*, o]``."""
    _check_bilinear(input1, input2, weight, bias)
    outputs, n, m = weight.shape
    flat = weight.permute(1, 0, 2).reshape(n, outputs * m)  # type: ignore[attr-defined]
    left = input1.reshape(-1, n).mm(flat).reshape(-1, outputs, m)  # type: ignore[attr-defined]
    result = left.matmul(input2.reshape(-1, m, 1)).reshape(*input1.shape[:-1], outputs)  # type: ignore
    return result if bias is None else result + bias


def _check_bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if not x1.dtype is x2.dtype is weight.dtype:
        names = {"float32": "float", "float64": "double", "float16": "c10::Half",
                 "bfloat16": "c10::BFloat16", "int64": "long"}  # fmt: skip
        told = [names.get(t.dtype.name, t.dtype.name) for t in (x1, x2, weight)]
        raise RuntimeError(
            f"All tensors must have the same dtype, got input1: {told[0]}, input2: {told[1]}, "
            "weight: "
            f"{told[2]}"
        )
    if x1.ndim != x2.ndim:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {x1.ndim} and {x2.ndim}"
        )
    for dim in range(x1.ndim - 1):
        if x1.shape[dim] != x2.shape[dim]:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {dim}: got "
                f"{x1.shape[dim]} "
                f"and {x2.shape[dim]}"
            )
    for i, x in enumerate((x1, x2), 1):
        if x.shape[-1] != weight.size(i):  # type: ignore[attr-defined]
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but "
                f"expected {weight.shape[i]}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected "
            f"{weight.shape[0]}"
        )


# ---- all pairs of rows

_cdist = Op("cdist", kernels.pairs, inputs=("x1", "x2"), params=("p", "by_product"), accepts="f",
    batch=lambda op, x1, x2, *params: op(*aligned(x1, x2), *params),
    shape=lambda x, y, p, by_product: (
        *numpy.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-2]))  # fmt: skip


@_cdist.vjp
def _(grad: Tensor, x1: Tensor, x2: Tensor, result: Tensor, p: float) -> Any:
    if p == 0:
        return x1 * 0, x2 * 0  # type: ignore[operator]
    if p == 2:
        scaled = (grad / result).masked_fill(result == 0, 0)  # type: ignore[operator]
        back = scaled.mT
        return (
            scaled.sum(-1, True) * x1 - scaled.matmul(x2),
            back.sum(-1, True) * x2 - back.matmul(x1),
        )
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)  # type: ignore[attr-defined]
    size, norm = difference.abs(), result.unsqueeze(-1)  # type: ignore[attr-defined]
    if p == 1:
        slope = difference.sign()
    elif p == math.inf:
        slope = difference.sign() * (size == norm).to(difference.dtype)
    else:
        power = (size / norm).pow(p - 1).masked_fill((norm == 0) | (size == 0), 0)
        slope = difference.sign() * power
    parts = grad.unsqueeze(-1) * slope  # type: ignore[attr-defined]
    return parts.sum(-2), -parts.sum(-3)


@autocasting("cdist")
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The ``p``-norm of each row of ``x1 [*, P, M]`` minus each of ``x2 [*, R, M]``: ``[*, P, R]``.

    The 2-norm of more than 25 rows is computed by a matrix product, less exactly, unless
    ``compute_mode`` is "donot_use_mm_for_euclid_dist"; "use_mm_for_euclid_dist" always does.
    """
    modes = (
        "use_mm_for_euclid_dist_if_necessary",
        "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist",
    )
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for rows, name in ((x1, "X1"), (x2, "X2")):
        if rows.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {rows.ndim}D")
        if not rows.dtype.is_floating_point:
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {scalar_name(rows.dtype)}"
            )
        if rows.dtype.itemsize < 4:
            raise NotImplementedError(f"\"cdist\" not implemented for '{scalar_name(rows.dtype)}'")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if x1.dtype is not x2.dtype:
        raise RuntimeError(
            f"expected scalar type {scalar_name(x1.dtype)} but found {scalar_name(x2.dtype)}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    _check_stacks(x1.shape[:-2], x2.shape[:-2])
    many = max(x1.shape[-2], x2.shape[-2]) > kernels.MANY
    by_product = p == 2 and (compute_mode == modes[1] or (many and compute_mode == modes[0]))
    return _cdist(x1, x2, float(p), by_product)


def _check_stacks(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rank = max(len(a), len(b))
    for i in range(1, 1 + min(len(a), len(b))):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            raise RuntimeError(
                f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at "
                f"non-singleton dimension {rank - i}"
            )


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norms of all differences of two rows: ``[N (N - 1) / 2]`` of ``[N, M]``.

    ``input`` is floating; RuntimeError unless it is a matrix, or for a negative ``p``.

    >>> torch.pdist(torch.tensor([[0., 0.], [3., 4.], [0., 8.]]))
    tensor([5., 8., 5.])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.dtype.is_floating_point:
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if input.dtype.itemsize < 4:
        raise NotImplementedError(f"\"pdist\" not implemented for '{scalar_name(input.dtype)}'")
    first, second = [tensor(i, device=input.device) for i in numpy.triu_indices(input.shape[0], 1)]
    if not input.shape[1]:
        return input.new_zeros(first.numel())  # type: ignore[attr-defined]
    return vector_norm(input[first] - input[second], p, 1)  # type: ignore[index]


__all__ = exported(globals())
