"""Activation functions and their gradients with respect to the input, in few passes.

Each ``*_backward`` takes the gradient of the result and what the forward pass kept.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.pointwise_special import erf

Array = Any  #: a NumPy or a CuPy array
LARGE, MIDDLE = 65536, 8192  #: elements from which compiled loops pay, before and after loading


def _without(grad: Array, dead: Array) -> Array:
    """The gradient with 0 where the function is flat."""
    return _with(xp.array(grad, order="K"), dead, 0)


def _with(fresh: Array, mask: Array, value: float) -> Array:
    """A new array with a value put in where the mask holds: faster than ``where``."""
    fresh = xp.asarray(fresh)
    xp.putmask(fresh, mask, value)
    return fresh


# ---- flat pieces


@compiled(minimum=4 * LARGE, loaded=LARGE)
def relu(x: Array) -> Array:
    """The positive part; NaN stays."""
    return xp.maximum(x, x.dtype.type(0))


def threshold(x: Array, threshold: float, value: float) -> Array:
    """``value`` in place of what is not above ``threshold``."""
    if x.dtype.kind in "iu":
        threshold, value = int(threshold), xp.asarray(int(value)).astype(x.dtype)
    return _with(xp.array(x, order="K"), xp.less_equal(x, threshold), value)


@compiled(minimum=LARGE, loaded=MIDDLE)
def threshold_backward(grad: Array, x: Array, threshold: float) -> Array:
    """The gradient of ``threshold``, and with the result for ``x`` that of ``relu``."""
    fresh = xp.array(grad, order="K")
    xp.putmask(fresh, xp.less_equal(x, threshold), 0)
    return fresh


def hardtanh(x: Array, low: float, high: float) -> Array:
    """The nearest value between two bounds, which are truncated for integers."""
    if x.dtype.kind in "iu":
        if x.dtype.kind == "u" and (low < 0 or high < 0):
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
        low, high = int(low), int(high)
    return xp.minimum(xp.maximum(x, low), high)


def hardtanh_backward(grad: Array, x: Array, low: float, high: float) -> Array:
    """0 at the bounds and beyond."""
    return _without(grad, xp.logical_or(xp.less_equal(x, low), xp.greater_equal(x, high)))


def hardshrink(x: Array, bound: float) -> Array:
    """0 in place of what lies between ``-bound`` and ``bound``."""
    return _without(x, xp.less_equal(xp.abs(x), bound))


def softshrink(x: Array, bound: float) -> Array:
    """Moved towards 0 by ``bound``."""
    return xp.subtract(x, xp.minimum(xp.maximum(x, -bound), bound))


def shrink_backward(grad: Array, x: Array, bound: float) -> Array:
    """The gradient of both shrinking functions."""
    return _without(grad, xp.less_equal(xp.abs(x), bound))


def hardsigmoid(x: Array) -> Array:
    """``(x + 3) / 6`` between 0 and 1."""
    return xp.divide(hardtanh(xp.add(x, 3), 0, 6), 6)


def hardsigmoid_backward(grad: Array, x: Array) -> Array:
    """A sixth between -3 and 3."""
    inside = xp.logical_and(xp.greater(x, -3), xp.less(x, 3))
    return _without(xp.divide(grad, 6), xp.logical_not(inside))


def hardswish(x: Array) -> Array:
    """``x * hardsigmoid(x)``."""
    return xp.divide(xp.multiply(x, hardtanh(xp.add(x, 3), 0, 6)), 6)


def hardswish_backward(grad: Array, x: Array) -> Array:
    """``x / 3 + 1 / 2`` between -3 and 3, 0 below, 1 above."""
    slope = _with(xp.add(xp.divide(x, 3), 0.5), xp.greater_equal(x, 3), 1)
    return _without(xp.multiply(grad, slope), xp.less_equal(x, -3))


# ---- leaks and exponentials


def leaky_relu(x: Array, slope: float) -> Array:
    """``slope * x`` below 0."""
    if 0 <= slope <= 1:
        return xp.maximum(x, xp.multiply(x, slope))
    return xp.where(xp.greater(x, 0), x, xp.multiply(x, slope))


def leaky_relu_backward(grad: Array, x: Array, slope: float) -> Array:
    """``slope`` at 0 and below."""
    return xp.where(xp.greater(x, 0), grad, xp.multiply(grad, slope))


def prelu(x: Array, weight: Array) -> Array:
    """``weight * x`` below 0."""
    return xp.where(xp.greater(x, 0), x, xp.multiply(x, weight))


def elu(x: Array, alpha: float, scale: float, input_scale: float) -> Array:
    """``alpha * (exp(input_scale * x) - 1)`` below 0, all times ``scale``."""
    below = xp.minimum(x, 0)
    if input_scale != 1:
        below = xp.multiply(below, input_scale)
    below = xp.multiply(xp.expm1(below), alpha * scale)
    above = xp.maximum(x, 0)
    return xp.add(below, above if scale == 1 else xp.multiply(above, scale))


def elu_backward(grad: Array, x: Array, alpha: float, scale: float, input_scale: float) -> Array:
    """``alpha * input_scale * exp(input_scale * x)`` below 0, 1 above, times ``scale``."""
    slope = xp.exp(xp.multiply(xp.minimum(x, 0), input_scale))
    slope = xp.multiply(slope, alpha * input_scale * scale)
    return xp.multiply(grad, _with(slope, xp.logical_not(xp.less_equal(x, 0)), scale))


def elu_curvature(x: Array, alpha: float, scale: float, input_scale: float) -> Array:
    """The second derivative."""
    curvature = xp.exp(xp.multiply(xp.minimum(x, 0), input_scale))
    curvature = xp.multiply(curvature, alpha * input_scale * input_scale * scale)
    return _without(curvature, xp.logical_not(xp.less_equal(x, 0)))


# ---- sigmoids


@compiled(minimum=LARGE, loaded=MIDDLE)
def tanh_backward(grad: Array, output: Array) -> Array:
    """``1 - tanh^2``."""
    slope = xp.square(output.conj() if output.dtype.kind == "c" else output)
    slope = xp.subtract(1, slope)
    return xp.multiply(slope, grad)


@compiled(minimum=LARGE, loaded=MIDDLE)
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    y = xp.negative(x)
    if not y.ndim:
        return xp.divide(1, xp.add(1, xp.exp(y)))
    xp.exp(y, y)
    xp.add(y, 1, y)
    return xp.divide(1, y, y)


@compiled(minimum=LARGE, loaded=MIDDLE)
def sigmoid_backward(grad: Array, output: Array) -> Array:
    """``s * (1 - s)``."""
    if output.dtype.kind == "c":
        output = output.conj()
    return xp.multiply(xp.multiply(xp.subtract(1, output), output), grad)


def sigmoid_curvature(x: Array) -> Array:
    """The derivative of the sigmoid at ``x``."""
    s = sigmoid(x)
    return xp.multiply(s, xp.subtract(1, s))


def log_sigmoid(x: Array) -> Array:
    """``-log(1 + exp(-x))`` without overflow."""
    return xp.subtract(xp.minimum(x, 0), xp.log1p(xp.exp(xp.negative(xp.abs(x)))))


def log_sigmoid_backward(grad: Array, x: Array) -> Array:
    """The sigmoid of ``-x``."""
    return xp.multiply(grad, sigmoid(xp.negative(x)))


def softplus(x: Array, beta: float, threshold: float) -> Array:
    """``log(1 + exp(beta * x)) / beta``, ``x`` itself where ``beta * x`` exceeds ``threshold``."""
    scaled = xp.multiply(x, beta)
    smooth = xp.divide(xp.log1p(xp.exp(scaled)), beta)
    above = xp.greater(scaled, threshold)
    return xp.where(above, x, smooth)


def softplus_backward(grad: Array, x: Array, beta: float, threshold: float) -> Array:
    """The sigmoid of ``beta * x``, 1 above the threshold."""
    scaled = xp.multiply(x, beta)
    slope = xp.where(xp.greater(scaled, threshold), x.dtype.type(1), sigmoid(scaled))
    return xp.multiply(grad, slope)


def softplus_curvature(x: Array, beta: float, threshold: float) -> Array:
    """The second derivative."""
    scaled = xp.multiply(x, beta)
    curvature = xp.multiply(sigmoid_curvature(scaled), beta)
    return xp.where(xp.greater(scaled, threshold), x.dtype.type(0), curvature)


@compiled(minimum=LARGE, loaded=MIDDLE)
def silu(x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return xp.multiply(x, sigmoid(x))


@compiled(minimum=LARGE, loaded=MIDDLE)
def silu_backward(grad: Array, x: Array) -> Array:
    """``s * (1 + x * (1 - s))`` with ``s`` the sigmoid of ``x``."""
    s = sigmoid(x)
    slope = xp.multiply(s, xp.add(1, xp.multiply(x, xp.subtract(1, s))))
    return xp.multiply(grad, slope.conj() if slope.dtype.kind == "c" else slope)


def silu_curvature(x: Array) -> Array:
    """The second derivative."""
    s = sigmoid(x)
    inner = xp.add(2, xp.multiply(x, xp.subtract(1, xp.multiply(s, 2))))
    return xp.multiply(xp.multiply(s, xp.subtract(1, s)), inner)


def _mish_gate(x: Array) -> Array:
    """``tanh(log(1 + exp(x)))``; at 20 it is 1."""
    e = xp.exp(xp.minimum(x, 20))
    n = xp.multiply(e, xp.add(e, 2))
    return xp.divide(n, xp.add(n, 2))


def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    return xp.multiply(x, _mish_gate(x))


def mish_backward(grad: Array, x: Array) -> Array:
    """``w + x * w'`` with ``w = tanh(softplus(x))``."""
    w, s = _mish_gate(x), sigmoid(x)
    steepness = xp.multiply(xp.subtract(1, xp.square(w)), s)
    return xp.multiply(grad, xp.add(w, xp.multiply(x, steepness)))


def mish_curvature(x: Array) -> Array:
    """The second derivative."""
    w, s = _mish_gate(x), sigmoid(x)
    steepness = xp.multiply(xp.subtract(1, xp.square(w)), s)
    bend = xp.multiply(steepness, xp.subtract(xp.subtract(1, s), xp.multiply(2, xp.multiply(w, s))))
    return xp.add(xp.multiply(2, steepness), xp.multiply(x, bend))


# ---- GELU

_ROOT_HALF, _DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
_SLOPE, _CUBIC = math.sqrt(2 / math.pi), 0.044715


def _normal_cdf(x: Array) -> Array:
    return xp.multiply(xp.add(erf(xp.multiply(x, _ROOT_HALF)), 1), 0.5)


def _normal_density(x: Array) -> Array:
    return xp.multiply(xp.exp(xp.multiply(xp.square(x), -0.5)), _DENSITY)


def _gate(x: Array) -> tuple[Array, Array]:
    """``tanh(u)`` and the derivative of ``u``, for ``u = sqrt(2 / pi) (x + 0.044715 x^3)``."""
    square = xp.square(x)
    u = xp.multiply(xp.multiply(x, xp.add(xp.multiply(square, _CUBIC), 1)), _SLOPE)
    return xp.tanh(u), xp.multiply(xp.add(xp.multiply(square, 3 * _CUBIC), 1), _SLOPE)


@compiled(minimum=LARGE, loaded=MIDDLE)
def gelu(x: Array, approximate: str) -> Array:
    """``x`` times the normal distribution function, or its approximation by a tanh."""
    if approximate == "none":
        return xp.multiply(x, _normal_cdf(x))
    return xp.multiply(xp.multiply(x, 0.5), xp.add(_gate(x)[0], 1))


@compiled(minimum=LARGE, loaded=MIDDLE)
def gelu_backward(grad: Array, x: Array, approximate: str) -> Array:
    """The gradient of ``gelu``."""
    if approximate == "none":
        slope = xp.add(_normal_cdf(x), xp.multiply(x, _normal_density(x)))
    else:
        t, du = _gate(x)
        bend = xp.multiply(xp.multiply(x, xp.subtract(1, xp.square(t))), du)
        slope = xp.multiply(xp.add(xp.add(t, bend), 1), 0.5)
    return xp.multiply(grad, slope)


def gelu_curvature(x: Array, approximate: str) -> Array:
    """The second derivative."""
    if approximate == "none":
        return xp.multiply(_normal_density(x), xp.subtract(2, xp.square(x)))
    t, du = _gate(x)
    flat = xp.subtract(1, xp.square(t))
    bend = xp.subtract(xp.multiply(x, 3 * _CUBIC * _SLOPE), xp.multiply(t, xp.square(du)))
    return xp.multiply(flat, xp.add(du, xp.multiply(x, bend)))


silence(globals())
