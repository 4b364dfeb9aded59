"""What the gradient rules of pointwise operators share."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import bool_
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence


def conj(value: Any) -> Any:
    """The complex conjugate of a tensor or a number; costs nothing where all is real.

    It is computed at once, since a lazy one would send what a rule does with it down the full road.
    """
    if not isinstance(value, Tensor):
        return value.conjugate()
    kind = value._kind or value.kind
    return value.conj_physical() if kind.dtype.is_complex else value  # type: ignore[attr-defined]


def adjoint(value: Tensor) -> Tensor:
    """The conjugate transpose of matrices."""
    return conj(value.transpose(-2, -1))  # type: ignore[attr-defined]


def zeros(grad: Tensor) -> Tensor:
    """The gradient of what is constant almost everywhere."""
    return grad.new_zeros(grad.shape)  # type: ignore[attr-defined]


def no_derivative(name: str) -> Any:
    """The gradient rule of an operator that has no derivative: it raises."""

    def rule(grad: Tensor) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return rule


def bool_out(name: str, out: Tensor | None) -> Tensor | None:
    """``out``; RuntimeError unless it can hold bools only."""
    if out is not None and out.dtype is not bool_:
        raise RuntimeError(f"{name} does not support non-boolean outputs.")
    return out


silence(globals())
