"""Activations of large arrays with compiled loops; see ``shared.pointwise_activation``."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops import pointwise as loops
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import pointwise_activation as shared

Array = Any
SINGLE = np.dtype(np.float32)


def suits(*arrays: Array) -> bool:
    """Whether the loops know the dtype and layout of all arrays."""
    shape = arrays[0].shape
    return all(a.dtype == SINGLE and a.shape == shape and a.flags.c_contiguous for a in arrays)


def mapped(code: int, x: Array) -> Array:
    """The function of this code at each number."""
    result = np.empty(x.shape, SINGLE)
    loops.unary(code, x.reshape(-1), result.reshape(-1))
    return result


def _backward(code: int, grad: Array, kept: Array, bound: float = 0) -> Array:
    result = np.empty(grad.shape, SINGLE)
    flat = [array.reshape(-1) for array in (grad, kept)]
    loops.backward(code, *flat, np.float32(bound), result.reshape(-1))
    return result


def sigmoid(x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    return mapped(loops.SIGMOID, x) if suits(x) else shared.sigmoid(x)


def sigmoid_backward(grad: Array, output: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    if not suits(grad, output):
        return shared.sigmoid_backward(grad, output)
    return _backward(loops.SIGMOID_BACK, grad, output)


def tanh_backward(grad: Array, output: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    if not suits(grad, output):
        return shared.tanh_backward(grad, output)
    return _backward(loops.TANH_BACK, grad, output)


def threshold_backward(grad: Array, x: Array, threshold: float) -> Array:
    """See ``shared.pointwise_activation``."""
    if not suits(grad, x):
        return shared.threshold_backward(grad, x, threshold)
    return _backward(loops.THRESHOLD_BACK, grad, x, threshold)


def silu(x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    return mapped(loops.SILU, x) if suits(x) else shared.silu(x)


def silu_backward(grad: Array, x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    return _backward(loops.SILU_BACK, grad, x) if suits(grad, x) else shared.silu_backward(grad, x)


def gelu(x: Array, approximate: str) -> Array:
    """See ``shared.pointwise_activation``."""
    code = loops.GELU if approximate == "none" else loops.GELU_TANH
    return mapped(code, x) if suits(x) else shared.gelu(x, approximate)


def gelu_backward(grad: Array, x: Array, approximate: str) -> Array:
    """See ``shared.pointwise_activation``."""
    code = loops.GELU_BACK if approximate == "none" else loops.GELU_TANH_BACK
    if not suits(grad, x):
        return shared.gelu_backward(grad, x, approximate)
    return _backward(code, grad, x)


silence(globals())
