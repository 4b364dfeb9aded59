"""The gradients of convolutions, as functions of their own."""

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


def _of_input(
    conv: Callable[..., Tensor], size: Any, weight: Tensor, grad: Tensor, options: Any
) -> Tensor:
    """The convolution is linear in its input: its gradient needs no particular one."""
    with enable_grad():
        input = grad.new_zeros(tuple(size)).requires_grad_()
        recorded = weight.requires_grad or grad.requires_grad
        return gradient(conv(input, weight, None, *options), input, grad, create_graph=recorded)[0]


def _of_weight(
    conv: Callable[..., Tensor], input: Tensor, size: Any, grad: Tensor, options: Any
) -> Tensor:
    with enable_grad():
        weight = grad.new_zeros(tuple(size)).requires_grad_()
        recorded = input.requires_grad or grad.requires_grad
        return gradient(conv(input, weight, None, *options), weight, grad, create_graph=recorded)[0]


def conv1d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv1d`` with respect to its input, of shape ``input_size``.

    >>> conv1d_input((1, 1, 3), torch.ones(1, 1, 2), torch.ones(1, 1, 2))
    tensor([[[1., 2., 1.]]])
    """
    options = (stride, padding, dilation, groups)
    return _of_input(F.conv1d, input_size, weight, grad_output, options)


def conv1d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv1d`` with respect to its weight, of shape ``weight_size``."""
    options = (stride, padding, dilation, groups)
    return _of_weight(F.conv1d, input, weight_size, grad_output, options)


def conv2d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv2d`` with respect to its input, of shape ``input_size``."""
    options = (stride, padding, dilation, groups)
    return _of_input(F.conv2d, input_size, weight, grad_output, options)


def conv2d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv2d`` with respect to its weight, of shape ``weight_size``."""
    options = (stride, padding, dilation, groups)
    return _of_weight(F.conv2d, input, weight_size, grad_output, options)


def conv3d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv3d`` with respect to its input, of shape ``input_size``."""
    options = (stride, padding, dilation, groups)
    return _of_input(F.conv3d, input_size, weight, grad_output, options)


def conv3d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``conv3d`` with respect to its weight, of shape ``weight_size``."""
    options = (stride, padding, dilation, groups)
    return _of_weight(F.conv3d, input, weight_size, grad_output, options)
