"""What the rules of normalisation share: formulas of tensors, which differentiate again."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.tensor import Tensor

Maybe = Tensor | None
Needs = tuple[bool, bool, bool]


def unit_of(input: Tensor, dims: Any, eps: float, centred: bool = True) -> tuple[Tensor, Tensor]:
    """The input with mean 0 and variance 1 over ``dims``, and what it was multiplied by."""
    if centred:
        input = input - input.mean(dims, True)  # type: ignore[attr-defined]
    scale = ((input * input).mean(dims, True) + eps).rsqrt()  # type: ignore[operator]
    return input * scale, scale


def unit_grad(grad: Tensor, unit: Tensor, scale: Tensor, dims: Any, centred: bool = True) -> Tensor:
    """The gradient of the input from that of ``unit``."""
    along = unit * (grad * unit).mean(dims, True)  # type: ignore[operator]
    if centred:
        grad = grad - grad.mean(dims, True)  # type: ignore[attr-defined]
    return (grad - along) * scale


def _summed(tensor: Tensor, dims: tuple[int, ...]) -> Tensor:
    return tensor.sum(dims) if dims else tensor  # type: ignore[attr-defined]


def affine_grads(
    grad: Tensor, unit: Tensor, weight: Maybe, dims: Any, needs: Needs
) -> tuple[Tensor, Maybe, Maybe]:
    """The gradients of ``unit``, weight and bias in ``unit * weight + bias``."""
    return (
        grad if weight is None else grad * weight,
        _summed(grad * unit, dims) if needs[1] else None,  # type: ignore[operator]
        _summed(grad, dims) if needs[2] else None,
    )


def per_channel(vector: Maybe, ndim: int) -> Maybe:
    """A vector of channels, shaped to go with ``[N, C, *]``."""
    return None if vector is None else vector.reshape(-1, *(1,) * (ndim - 2))  # type: ignore


def parameter_like(weight: Maybe, input: Tensor, name: str) -> None:
    """Parameters have the dtype of the input; float32 also goes with a half-precision input."""
    if weight is None or weight.dtype is input.dtype:
        return
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_name(input.dtype)}'")
    if input.dtype.itemsize > 2:
        raise RuntimeError(
            f"mixed dtype (CPU): expect parameter to have scalar type of {scalar_name(input.dtype)}"
        )
    if weight.dtype.name != "float32":
        raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")


def affine_tangent(unit: Tensor, scale: Tensor, dims: Any, weight: Any, input_t: Any,
                    weight_t: Any, bias_t: Any, centred: bool = True) -> Any:  # fmt: skip
    """The tangent of ``unit * weight + bias``; the Jacobian of ``unit`` is symmetric."""
    total = None
    if input_t is not None:
        total = unit_grad(input_t, unit, scale, dims, centred)
        total = total if weight is None else total * weight
    for tangent in (None if weight_t is None else unit * weight_t, bias_t):
        if tangent is not None:
            total = tangent if total is None else total + tangent
    return total


def statistics(x: Any, lead: tuple[int, ...], ones: int) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype of statistics, which are float32 for narrow floats."""
    return (*lead, *(1,) * ones), x.dtype if x.dtype.itemsize > 2 else "float32"
