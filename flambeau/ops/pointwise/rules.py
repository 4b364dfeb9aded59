"""What the gradient rules of pointwise operators share."""

from __future__ import annotations

from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence


def conj(value: Any) -> Any:
    """The complex conjugate of a tensor or a number; costs nothing where all is real."""
    if isinstance(value, Tensor):
        return value.conj() if value.kind.dtype.is_complex else value  # type: ignore[attr-defined]
    return value.conjugate()


def zeros(grad: Tensor) -> Tensor:
    """The gradient of what is constant almost everywhere."""
    return grad.new_zeros(grad.shape)  # type: ignore[attr-defined]


def no_derivative(name: str) -> Any:
    """The gradient rule of an operator that has no derivative: it raises."""

    def rule(grad: Tensor) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return rule


silence(globals())
