"""Variances, deviations and covariances."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.families import canonical
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import POINTWISE, Op
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import reductions as kernels
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.products import matmul
from flambeau.ops.reductions import count

_variance = Op(
    "var_mean", kernels.variance, params=("dims", "keepdim", "correction"), outputs=2, widen=True
)


@_variance.vjp
def _variance_vjp(
    grad: Any, input: Tensor, result1: Tensor, dims: Any, keepdim: bool, correction: float
) -> Any:
    grad, grad_mean = grad
    observations = count(input.shape, dims)
    total: Any = None
    if grad is not None:
        freedom = max(observations - correction, 0)
        centre = result1._spread(input.shape, dims, keepdim)  # type: ignore[attr-defined]
        scale = 2 / freedom if freedom else math.nan if observations == correction else math.inf
        total = grad._spread(input.shape, dims, keepdim) * (scale * (input - centre))
    if grad_mean is not None:
        part = grad_mean._spread(input.shape, dims, keepdim) / observations
        total = part if total is None else total + part
    return (total,)


def _moments(
    name: str, input: Tensor, dim: Any, unbiased: Any, correction: Any, keepdim: bool
) -> Any:
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return _variance(input, canonical(dim, input.ndim), keepdim, correction)


@method("var")
@numpy_names
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance over ``dim``; divides by the count minus ``correction`` (1 by default).

    Floating or complex; ``dim`` is a dimension, several, or None for all. RuntimeError for
    integers.

    >>> torch.var(torch.tensor([1., 3., 5.]))
    tensor(4.)
    >>> torch.var(torch.tensor([1., 3., 5.]), correction=0)
    tensor(2.6667)
    """
    return deliver(
        "var", _moments("std and var", input, dim, unbiased, correction, keepdim)[0], out
    )


@method("std")
@numpy_names
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The standard deviation over ``dim``: the root of ``var``; its gradient is 0 where it is 0.

    Floating or complex; ``dim`` is a dimension, several, or None for all. RuntimeError for
    integers.

    >>> torch.std(torch.tensor([[1., 3.], [5., 5.]]), 1)
    tensor([1.4142, 0.0000])
    """
    variance = _moments("std and var", input, dim, unbiased, correction, keepdim)[0]
    return deliver("std", _root(variance), out)


def _root_vjp(grad: Tensor, result: Tensor) -> Tensor:
    return (grad / (result * 2)).masked_fill(result == 0, 0)  # type: ignore[attr-defined]


_root = Op("std", kernels.square_root, vjp={"input": _root_vjp}, jvp=POINTWISE, batch=POINTWISE,
    widen=True)  # fmt: skip


@numpy_names
def var_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Any = None,
) -> Any:  # fmt: skip
    """``(var, mean)`` in one pass.

    Floating or complex; ``dim`` is a dimension, several, or None for all. RuntimeError for
    integers.

    >>> torch.var_mean(torch.tensor([1., 3., 5.]))
    (tensor(4.), tensor(3.))
    """
    return deliver("var_mean", _moments("var_mean", input, dim, unbiased, correction, keepdim), out)


@numpy_names
def std_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Any = None,
) -> Any:  # fmt: skip
    """``(std, mean)`` in one pass.

    Floating or complex; ``dim`` is a dimension, several, or None for all. RuntimeError for
    integers.

    >>> torch.std_mean(torch.tensor([1., 3., 5.]))
    (tensor(2.), tensor(3.))
    """
    variance, centre = _moments("std_mean", input, dim, unbiased, correction, keepdim)
    return deliver("std_mean", (_root(variance), centre), out)


def _check_weights(name: str, weights: Tensor | None, rank: int, rows: Tensor) -> None:
    """RuntimeError unless there is a weight of that category, not negative, per observation."""
    if weights is None:
        return
    if weights.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
            f"{weights.ndim} dimensions"
        )
    if weights.dtype.rank != rank:
        raise RuntimeError(
            f"cov(): expected {name} to have {'integral' if rank == 1 else 'floating point'} dtype "
            f"but got {name} with {scalar_name(weights.dtype)} dtype"
        )
    if weights.numel() != rows.shape[1]:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the "
            f"input but got {weights.numel()} != {rows.shape[1]}"
        )
    if weights.device.type == "cpu" and not weights.mapped and bool((weights < 0).any()):  # type: ignore
        raise RuntimeError(f"cov(): {name} cannot be negative")


@method("cov")
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances of variables (rows) from observations (columns).

    ``[variables, observations]`` gives a square matrix, a vector of observations one number.
    Weights are vectors of counts (``fweights``, integers) or of importance (``aweights``,
    floating); RuntimeError for negative ones.

    >>> torch.cov(torch.tensor([[1., 2., 3.], [3., 2., 1.]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    if input.dtype.rank == 0:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input.view(1, -1) if input.ndim < 2 else input  # type: ignore[attr-defined]
    _check_weights("fweights", fweights, 1, rows)
    _check_weights("aweights", aweights, 2, rows)
    weights = (
        fweights if aweights is None else aweights if fweights is None else fweights * aweights
    )
    total: Any = rows.shape[1] if weights is None else weights.sum()  # type: ignore[attr-defined]
    if weights is None:
        centre = rows.sum(1, True) / total  # type: ignore[attr-defined]
        freedom = total - correction
    else:
        centre = (rows * weights).sum(1, True) / total
        extra = (weights * aweights).sum() / total if aweights is not None else 1  # type: ignore
        freedom = (
            total - correction * extra
            if aweights is not None and correction
            else total - correction
        )
    apart = rows - centre
    weighted = apart if weights is None else apart * weights
    freedom = max(freedom, 0) if not isinstance(freedom, Tensor) else freedom.clamp(min=0)  # type: ignore
    products = matmul(weighted, conj(apart).mT)  # type: ignore[attr-defined]
    return (products / freedom).squeeze()  # type: ignore[attr-defined]


@method("corrcoef")
def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables (rows) from observations (columns).

    ``[variables, observations]`` gives a square matrix, a vector of observations one number.
    RuntimeError for more than two dimensions.

    >>> torch.corrcoef(torch.tensor([[1., 2., 3.], [3., 2., 1.]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.ndim} dimensions"
        )
    c = cov(input)
    if c.ndim == 0:
        return c / c
    scale = c.diagonal().real.sqrt() if c.dtype.is_complex else c.diagonal().sqrt()  # type: ignore
    found = c / scale.unsqueeze(1) / scale.unsqueeze(0)
    if found.dtype.is_complex:
        return found
    return found.clamp(-1, 1)


__all__ = exported(globals())
