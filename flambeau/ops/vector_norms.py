"""Norms of the elements along dimensions."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import scalar_name
from flambeau.core.families import canonical
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import Op
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import reductions as kernels
from flambeau.ops.reductions import Dims, count


def _norm_vjp(
    grad: Tensor, input: Tensor, result: Tensor, dims: Any, keepdim: bool, order: float
) -> Tensor:
    """``sgn(x) |x|^(p-1) / norm^(p-1)``; 0 where the norm is 0."""
    norm, grad = (t._spread(input.shape, dims, keepdim) for t in (result, grad))  # type: ignore
    if order == 0:
        return input * 0
    if order == 1:
        return input.sgn() * grad  # type: ignore[attr-defined]
    if order == 2:
        return grad * (input / norm).masked_fill(norm == 0, 0)  # type: ignore[attr-defined]
    size = input.abs()  # type: ignore[attr-defined]
    if math.isinf(order):
        found = (size == norm).to(norm.dtype)
        return input.sgn() * (grad * found / found.sum(dims, True))  # type: ignore[attr-defined]
    safe = norm.masked_fill(norm == 0, 1)  # whose second derivative is no NaN
    if order > 2:
        return input.sgn() * (size / safe).pow(order - 1) * grad  # type: ignore[attr-defined]
    # An infinite slope stays with its own element: the norm is not divided by.
    scaled = input.sgn() * size.pow(order - 1)  # type: ignore[attr-defined]
    if order < 1:
        scaled = scaled.masked_fill(size == 0, 0)
    return scaled * (grad * safe.pow(1 - order)).masked_fill(norm == 0, 0)


_vector_norm = Op("linalg_vector_norm", kernels.vector_norm, params=("dims", "keepdim", "order"),
    vjp={"input": _norm_vjp}, widen=True)  # fmt: skip


@numpy_names
def vector_norm(x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *,
                dtype: DType | None = None, out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``sum(|x|^ord)^(1/ord)`` over ``dim``, or over all dimensions; also ``ord`` inf, -inf and
    0.

    Floating or complex; RuntimeError for integers, and for no elements where the norm has no
    identity.

    >>> torch.linalg.vector_norm(torch.tensor([3., -4.]))
    tensor(5.)
    >>> torch.linalg.vector_norm(torch.tensor([3., -4.]), torch.inf)
    tensor(4.)
    """
    if x.dtype.rank < 2:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{scalar_name(x.dtype)}"
        )
    if dtype is not None:
        x = x.to(dtype)  # type: ignore[attr-defined]
    dims = canonical(dim, x.ndim)
    if (ord < 0 or ord == math.inf) and x.numel() == 0 and count(x.shape, dims) == 0:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the "
            "operation does not have an identity"
        )
    return deliver("linalg_vector_norm", _vector_norm(x, dims, keepdim, float(ord)), out)


def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """The ``p``-norm over ``dim``; "fro" is the 2-norm of the elements, "nuc" the sum of singular
    values.

    Floating or complex; ``dim`` is a dimension, several, or None for all. RuntimeError for
    integers.

    >>> torch.norm(torch.tensor([[3., 4.], [0., 5.]]), dim=1)
    tensor([5., 5.])
    """
    if p == "nuc":
        return deliver("norm", input.norm_nuclear(dim, keepdim), out)  # type: ignore
    order = 2.0 if p is None or p == "fro" else float(p)
    return vector_norm(input, order, dim, keepdim, dtype=dtype, out=out)


@method("norm")
def _norm_method(
    self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: DType | None = None
) -> Tensor:
    """The ``p``-norm over ``dim``, as ``torch.norm``."""
    return norm(self, p, dim, keepdim, dtype=dtype)


__all__ = exported(globals())
