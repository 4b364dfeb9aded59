"""``torch.autograd``: gradients of whatever was computed."""

from flambeau.autograd import graph
from flambeau.autograd.backward import backward, grad
from flambeau.autograd.function import Function, NestedIOFunction
from flambeau.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from flambeau.core.tensor import Tensor as Variable

__all__ = [
    "Function",
    "NestedIOFunction",
    "Variable",
    "backward",
    "enable_grad",
    "grad",
    "graph",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]
