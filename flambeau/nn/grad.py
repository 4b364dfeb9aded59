"""The gradients of convolutions, as functions of their own.

>>> nn.grad.conv1d_input((1, 1, 3), torch.ones(1, 1, 2), torch.ones(1, 1, 2))
tensor([[[1., 2., 1.]]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.autograd.backward import grad as gradient
from flambeau.autograd.grad_mode import enable_grad
from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F

__all__ = [
    "conv1d_input",
    "conv1d_weight",
    "conv2d_input",
    "conv2d_weight",
    "conv3d_input",
    "conv3d_weight",
]


def _of_input(name: str) -> Callable[..., Tensor]:
    def of_input(
        input_size: Any,
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        # The convolution is linear in its input: its gradient needs no particular one.
        with enable_grad():
            input = grad_output.new_zeros(tuple(input_size)).requires_grad_()
            output = getattr(F, name)(input, weight, None, stride, padding, dilation, groups)
            recorded = weight.requires_grad or grad_output.requires_grad
            return gradient(output, input, grad_output, create_graph=recorded)[0]

    of_input.__name__ = of_input.__qualname__ = f"{name}_input"
    of_input.__doc__ = f"The gradient of ``{name}`` in its input, of shape ``input_size``."
    return of_input


def _of_weight(name: str) -> Callable[..., Tensor]:
    def of_weight(
        input: Tensor,
        weight_size: Any,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        with enable_grad():
            weight = grad_output.new_zeros(tuple(weight_size)).requires_grad_()
            output = getattr(F, name)(input, weight, None, stride, padding, dilation, groups)
            recorded = input.requires_grad or grad_output.requires_grad
            return gradient(output, weight, grad_output, create_graph=recorded)[0]

    of_weight.__name__ = of_weight.__qualname__ = f"{name}_weight"
    of_weight.__doc__ = f"The gradient of ``{name}`` in its weight, of shape ``weight_size``."
    return of_weight


conv1d_input, conv1d_weight = _of_input("conv1d"), _of_weight("conv1d")
conv2d_input, conv2d_weight = _of_input("conv2d"), _of_weight("conv2d")
conv3d_input, conv3d_weight = _of_input("conv3d"), _of_weight("conv3d")
