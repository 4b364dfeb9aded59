"""Activations with compiled loops: see ``shared.pointwise_activation`` for what they compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from flambeau.kernels.cpu.flat import FLOATS, flat, same_layout
from flambeau.kernels.cpu.loops import activations as loops
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import pointwise_activation as shared

Array = Any

_NUMBERS = (1, 0.5, math.sqrt(0.5), 1 / math.sqrt(2 * math.pi), math.sqrt(8 / math.pi), 0.044715)
_CONSTANTS = {dtype: np.array(_NUMBERS, dtype) for dtype in FLOATS}


def _each(loop: Callable[..., None], *arrays: Array) -> Array:
    """The result of a loop, in the layout of the arrays; they are flat for the loop."""
    out = np.empty_like(arrays[-1])
    loop(*[flat(a) for a in arrays], flat(out))
    return out


def _with_constants(loop: Callable[..., None], *arrays: Array) -> Array:
    out = np.empty_like(arrays[-1])
    loop(*[flat(a) for a in arrays], _CONSTANTS[out.dtype], flat(out))
    return out


def relu(x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    return _each(loops.relu_flat, x) if same_layout(x) else shared.relu(x)


def threshold_backward(grad: Array, x: Array, threshold: float) -> Array:
    """See ``shared.pointwise_activation``."""
    if not same_layout(grad, x):
        return shared.threshold_backward(grad, x, threshold)
    out = np.empty_like(x)
    loops.threshold_gradient(flat(grad), flat(x), x.dtype.type(threshold), flat(out))
    return out


def tanh_backward(grad: Array, output: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    if not same_layout(grad, output):
        return shared.tanh_backward(grad, output)
    return _each(loops.tanh_gradient, grad, output)


def sigmoid(x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    return _each(loops.sigmoid_flat, x) if same_layout(x) else shared.sigmoid(x)


def sigmoid_backward(grad: Array, output: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    if not same_layout(grad, output):
        return shared.sigmoid_backward(grad, output)
    return _each(loops.sigmoid_gradient, grad, output)


def silu(x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    return _each(loops.silu_flat, x) if same_layout(x) else shared.silu(x)


def silu_backward(grad: Array, x: Array) -> Array:
    """See ``shared.pointwise_activation``."""
    if not same_layout(grad, x):
        return shared.silu_backward(grad, x)
    return _each(loops.silu_gradient, grad, x)


def gelu(x: Array, approximate: str) -> Array:
    """See ``shared.pointwise_activation``."""
    if not same_layout(x):
        return shared.gelu(x, approximate)
    loop = loops.gelu_flat if approximate == "none" else loops.gelu_tanh_flat
    return _with_constants(loop, x)


def gelu_backward(grad: Array, x: Array, approximate: str) -> Array:
    """See ``shared.pointwise_activation``."""
    if not same_layout(grad, x):
        return shared.gelu_backward(grad, x, approximate)
    loop = loops.gelu_gradient if approximate == "none" else loops.gelu_tanh_gradient
    return _with_constants(loop, grad, x)


silence(globals())
