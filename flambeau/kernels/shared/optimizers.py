"""One step of SGD, Adam and AdamW for all parameters of a model, in place.

The arithmetic follows PyTorch's order of operations, so that results agree to the last roundings
of float32. Half-precision arrays are computed in float32 and rounded when they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.precision import wide

Array = Any


@compiled()
def sgd_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    buffers: Sequence[Array | None],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> list[Array | None]:
    """Stochastic gradient descent; returns the momentum buffers.

    ``buffers`` holds each parameter's momentum, updated in place, or None before its first step:
    then the new buffer is a copy of its gradient.
    """
    result: list[Array | None] = []
    for param, grad, buffer in zip(params, grads, buffers):
        value, step = wide(param), _descent(param, grad, weight_decay, maximize)
        if momentum:
            buffer, velocity = _velocity(buffer, step, momentum, dampening, param.dtype)
            step = step + momentum * velocity if nesterov else velocity
        param[...] = value - lr * step
        result.append(buffer)
    return result


def _descent(param: Array, grad: Array, weight_decay: float, maximize: bool) -> Array:
    step = -wide(grad) if maximize else wide(grad)
    return step + weight_decay * wide(param) if weight_decay else step


def _velocity(
    buffer: Array | None, step: Array, momentum: float, dampening: float, dtype: Any
) -> tuple[Array, Array]:
    """The buffer and its new value in the computing dtype."""
    if buffer is None:
        return xp.array(step, dtype=dtype), step
    velocity = wide(buffer) * momentum
    velocity += (1 - dampening) * step
    buffer[...] = velocity
    return buffer, velocity


@compiled()
def adam_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    means: Sequence[Array],
    squares: Sequence[Array],
    greatest: Sequence[Array] | None,
    steps: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
    decoupled: bool,
) -> None:
    """Adam, or AdamW when ``decoupled`` (the decay acts on the parameter, not the gradient).

    ``steps`` counts each parameter's steps, this one included. ``greatest`` holds the running
    maxima of ``squares`` (AMSGrad) or is None.
    """
    for number, (param, mean, square) in enumerate(zip(params, means, squares)):
        grad = _descent(param, grads[number], 0 if decoupled else weight_decay, maximize)
        value = wide(param) * (1 - lr * weight_decay) if decoupled else wide(param)
        first, second = wide(mean), wide(square) * beta2
        first = first + (1 - beta1) * (grad - first)
        second += (1 - beta2) * grad * grad
        mean[...], square[...] = first, second
        if greatest is not None:
            second = xp.maximum(wide(greatest[number]), second)
            greatest[number][...] = second
        param[...] = value - _adam_change(first, second, steps[number], lr, beta1, beta2, eps)


def _adam_change(
    mean: Array, square: Array, step: float, lr: float, beta1: float, beta2: float, eps: float
) -> Array:
    root = (1 - beta2**step) ** 0.5
    return (lr / (1 - beta1**step)) * mean / (xp.sqrt(square) / root + eps)


silence(globals())
