"""Activation functions and their gradients over flat arrays of one float type.

Each loop is one pass over memory, and its arithmetic fills the vector unit.
"""

from __future__ import annotations

from math import erf as exact_erf

import numpy as np

from flambeau.kernels.cpu.compiler import body, exact, kernel
from flambeau.kernels.cpu.loops.functions import by_width, exp, exp_negative
from flambeau.kernels.cpu.parallel import pieces, share

f = np.float32

# ---- the error function: x P(x^2) / Q(x^2) on [-4, 4], beyond which it is 1 in float32

P = tuple([f(c) for c in (
    1.1283791393033407, 0.19354509313501228, 0.0531017514219825, 0.0038833469072087723,
    0.000284566259497813, 1.986785346786654e-06,
)])  # fmt: skip
Q = tuple([f(c) for c in (
    1.0, 0.5048574282721777, 0.11535001467298725, 0.0152072551077441, 0.0011855724876984408,
    3.7420225969998556e-05,
)])  # fmt: skip
FOUR = f(4)


def _erf(x):
    y = -FOUR if x < -FOUR else x
    y = FOUR if y > FOUR else y
    s = y * y
    p = ((((P[5] * s + P[4]) * s + P[3]) * s + P[2]) * s + P[1]) * s + P[0]
    q = ((((Q[5] * s + Q[4]) * s + Q[3]) * s + Q[2]) * s + Q[1]) * s + Q[0]
    return y * p / q


def _erf_wide(x):
    return exact_erf(x)


erf = by_width(_erf, _erf_wide)


@body
def erf_chunk(arrays, first, last, thread):
    x, out = arrays
    x, out = x[first:last], out[first:last]
    for i in range(out.size):
        out[i] = erf(x[i])


@kernel
def erf_flat(x, out):
    share(erf_chunk, (x, out), out.size, pieces(out.size, out.size))


# ---- choices


@exact
def where_chunk(arrays, first, last, thread):
    mask, x, y, out = arrays
    mask, x, y, out = mask[first:last], x[first:last], y[first:last], out[first:last]
    for i in range(out.size):
        out[i] = x[i] if mask[i] else y[i]


@kernel
def where_flat(mask, x, y, out):
    share(where_chunk, (mask, x, y, out), out.size, pieces(out.size, out.size))


@exact
def relu_chunk(arrays, first, last, thread):
    x, out = arrays
    x, out = x[first:last], out[first:last]
    zero = out.dtype.type(0)
    for i in range(out.size):
        out[i] = zero if x[i] <= zero else x[i]


@kernel
def relu_flat(x, out):
    share(relu_chunk, (x, out), out.size, pieces(out.size, out.size))


@exact
def threshold_gradient_chunk(arrays, first, last, thread):
    grad, x, bound, out = arrays
    grad, x, out = grad[first:last], x[first:last], out[first:last]
    zero = out.dtype.type(0)
    for i in range(out.size):
        out[i] = zero if x[i] <= bound else grad[i]


@kernel
def threshold_gradient(grad, x, bound, out):
    share(threshold_gradient_chunk, (grad, x, bound, out), out.size, pieces(out.size, out.size))


# ---- sigmoids


@body
def sigmoid_chunk(arrays, first, last, thread):
    x, out = arrays
    x, out = x[first:last], out[first:last]
    one = out.dtype.type(1)
    for i in range(out.size):
        out[i] = one / (one + exp(-x[i]))


@kernel
def sigmoid_flat(x, out):
    share(sigmoid_chunk, (x, out), out.size, pieces(out.size, out.size))


@body
def sigmoid_gradient_chunk(arrays, first, last, thread):
    grad, y, out = arrays
    grad, y, out = grad[first:last], y[first:last], out[first:last]
    one = out.dtype.type(1)
    for i in range(out.size):
        out[i] = grad[i] * y[i] * (one - y[i])


@kernel
def sigmoid_gradient(grad, y, out):
    share(sigmoid_gradient_chunk, (grad, y, out), out.size, pieces(out.size, out.size))


@body
def tanh_gradient_chunk(arrays, first, last, thread):
    grad, y, out = arrays
    grad, y, out = grad[first:last], y[first:last], out[first:last]
    one = out.dtype.type(1)
    for i in range(out.size):
        out[i] = grad[i] * (one - y[i] * y[i])


@kernel
def tanh_gradient(grad, y, out):
    share(tanh_gradient_chunk, (grad, y, out), out.size, pieces(out.size, out.size))


@body
def silu_chunk(arrays, first, last, thread):
    x, out = arrays
    x, out = x[first:last], out[first:last]
    one = out.dtype.type(1)
    for i in range(out.size):
        out[i] = x[i] / (one + exp(-x[i]))


@kernel
def silu_flat(x, out):
    share(silu_chunk, (x, out), out.size, pieces(out.size, out.size))


@body
def silu_gradient_chunk(arrays, first, last, thread):
    grad, x, out = arrays
    grad, x, out = grad[first:last], x[first:last], out[first:last]
    one = out.dtype.type(1)
    for i in range(out.size):
        s = one / (one + exp(-x[i]))
        out[i] = grad[i] * s * (one + x[i] * (one - s))


@kernel
def silu_gradient(grad, x, out):
    share(silu_gradient_chunk, (grad, x, out), out.size, pieces(out.size, out.size))


# ---- GELU; constants are one array of the float type: 1, 1/2, sqrt(1/2), 1/sqrt(2 pi),
# sqrt(8/pi), 0.044715


@body
def gelu_chunk(arrays, first, last, thread):
    x, c, out = arrays
    x, out = x[first:last], out[first:last]
    one, half, root = c[0], c[1], c[2]
    for i in range(out.size):
        out[i] = half * x[i] * (one + erf(x[i] * root))


@kernel
def gelu_flat(x, c, out):
    share(gelu_chunk, (x, c, out), out.size, pieces(out.size, out.size))


@body
def gelu_gradient_chunk(arrays, first, last, thread):
    grad, x, c, out = arrays
    grad, x, out = grad[first:last], x[first:last], out[first:last]
    one, half, root, bell = c[0], c[1], c[2], c[3]
    for i in range(out.size):
        density = bell * exp_negative(-half * x[i] * x[i])
        out[i] = grad[i] * (half * (one + erf(x[i] * root)) + x[i] * density)


@kernel
def gelu_gradient(grad, x, c, out):
    share(gelu_gradient_chunk, (grad, x, c, out), out.size, pieces(out.size, out.size))


@body
def gelu_tanh_chunk(arrays, first, last, thread):
    x, c, out = arrays
    x, out = x[first:last], out[first:last]
    one, slope, cubic = c[0], c[4], c[5]
    for i in range(out.size):
        u = slope * x[i] * (one + cubic * x[i] * x[i])
        out[i] = x[i] / (one + exp(-u))


@kernel
def gelu_tanh_flat(x, c, out):
    share(gelu_tanh_chunk, (x, c, out), out.size, pieces(out.size, out.size))


@body
def gelu_tanh_gradient_chunk(arrays, first, last, thread):
    grad, x, c, out = arrays
    grad, x, out = grad[first:last], x[first:last], out[first:last]
    one, slope, cubic = c[0], c[4], c[5]
    three = one + one + one
    for i in range(out.size):
        square = cubic * x[i] * x[i]
        s = one / (one + exp(-slope * x[i] * (one + square)))
        out[i] = grad[i] * (s + x[i] * s * (one - s) * slope * (one + three * square))


@kernel
def gelu_tanh_gradient(grad, x, c, out):
    share(gelu_tanh_gradient_chunk, (grad, x, c, out), out.size, pieces(out.size, out.size))
