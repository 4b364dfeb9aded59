"""Large float32 arrays through functions of one number, in one pass of vectors.

One kernel holds the loops of all functions of one array, a second those of a gradient and an array:
a ``code`` chooses. So each is compiled once, and the memory is read and written once.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, device, kernel
from flambeau.kernels.cpu.loops.functions import exp
from flambeau.kernels.cpu.parallel import pieces, share

f = np.float32
ONE, HALF, ZERO = f(1), f(0.5), f(0)
SIGMOID, SILU, GELU, GELU_TANH, ERF = range(5)
SIGMOID_BACK, TANH_BACK, SILU_BACK, GELU_BACK, GELU_TANH_BACK, THRESHOLD_BACK = range(6)

# ---- functions of one number

ROOT_HALF, BELL = f(0.5**0.5), f(0.3989422804014327)
SLOPE, CUBIC = f(0.7978845608028654), f(0.044715)
#: Odd and even polynomials whose quotients are tanh and erf (Eigen's minimax coefficients).
TANH_UP = tuple(
    map(f, (4.89352455891786e-3, 6.37261928875436e-4, 1.48572235717979e-5, 5.12229709037114e-8,
            -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16))
)  # fmt: skip
TANH_DOWN = tuple(
    map(f, (4.89352518554385e-3, 2.26843463243900e-3, 1.18534705686654e-4, 1.19825839466702e-6))
)
ERF_UP = tuple(
    map(f, (-1.60960333262415e-2, -2.95459980854025e-3, -7.34990630326855e-4,
            -5.69250639462346e-5, -2.10102402082508e-6, 2.77068142495902e-8, -2.72614225801306e-10))
)  # fmt: skip
ERF_DOWN = tuple(
    map(f, (-1.42647390514189e-2, -7.37332916720468e-3, -1.68282697438203e-3,
            -2.13374055278905e-4, -1.45660718464996e-5))
)  # fmt: skip


@device
def within(x, bound):
    """The nearest number between the bounds; NaN stays."""
    y = -bound if x < -bound else x
    return bound if y > bound else y


@device
def tanh(x):
    y = within(x, f(7.9053111))
    s = y * y
    p, q = TANH_UP, TANH_DOWN
    up = (((((p[6] * s + p[5]) * s + p[4]) * s + p[3]) * s + p[2]) * s + p[1]) * s + p[0]
    t = y * up / (((q[3] * s + q[2]) * s + q[1]) * s + q[0])
    t = ONE if x > f(9) else t
    return -ONE if x < f(-9) else t


@device
def erf(x):
    y = within(x, f(4))
    s = y * y
    p, q = ERF_UP, ERF_DOWN
    up = (((((p[6] * s + p[5]) * s + p[4]) * s + p[3]) * s + p[2]) * s + p[1]) * s + p[0]
    return y * up / ((((q[4] * s + q[3]) * s + q[2]) * s + q[1]) * s + q[0])


@device
def sigmoid(x):
    return ONE / (ONE + exp(-x))


@device
def normal(x):
    """The normal distribution function."""
    return HALF * (ONE + erf(x * ROOT_HALF))


@device
def gate(x):
    return tanh(SLOPE * x * (ONE + CUBIC * x * x))


# ---- loops


@body
def sigmoid_loop(x, y):
    for i in range(y.size):
        y[i] = sigmoid(x[i])


@body
def silu_loop(x, y):
    for i in range(y.size):
        y[i] = x[i] * sigmoid(x[i])


@body
def gelu_loop(x, y):
    for i in range(y.size):
        y[i] = x[i] * normal(x[i])


@body
def gelu_tanh_loop(x, y):
    for i in range(y.size):
        y[i] = HALF * x[i] * (ONE + gate(x[i]))


@body
def erf_loop(x, y):
    for i in range(y.size):
        y[i] = erf(x[i])


@body
def unary_chunk(arrays, first, last, thread):
    code, x, y = arrays
    x, y = x[first:last], y[first:last]
    if code == SIGMOID:
        sigmoid_loop(x, y)
    elif code == SILU:
        silu_loop(x, y)
    elif code == GELU:
        gelu_loop(x, y)
    elif code == GELU_TANH:
        gelu_tanh_loop(x, y)
    else:
        erf_loop(x, y)


@kernel
def unary(code, x, y):
    """y = the function of this code at each number of x; both flat."""
    share(unary_chunk, (code, x, y), y.size, pieces(y.size, y.size))


@body
def sigmoid_back(grad, s, out):
    for i in range(out.size):
        out[i] = grad[i] * s[i] * (ONE - s[i])


@body
def tanh_back(grad, t, out):
    for i in range(out.size):
        out[i] = grad[i] * (ONE - t[i] * t[i])


@body
def silu_back(grad, x, out):
    for i in range(out.size):
        s = sigmoid(x[i])
        out[i] = grad[i] * s * (ONE + x[i] * (ONE - s))


@body
def gelu_back(grad, x, out):
    for i in range(out.size):
        out[i] = grad[i] * (normal(x[i]) + x[i] * BELL * exp(-HALF * x[i] * x[i]))


@body
def gelu_tanh_back(grad, x, out):
    for i in range(out.size):
        t, du = gate(x[i]), SLOPE * (ONE + f(3) * CUBIC * x[i] * x[i])
        out[i] = grad[i] * HALF * (ONE + t + x[i] * (ONE - t * t) * du)


@body
def threshold_back(grad, x, bound, out):
    for i in range(out.size):
        out[i] = ZERO if x[i] <= bound else grad[i]


@body
def backward_chunk(arrays, first, last, thread):
    code, grad, x, bound, out = arrays
    grad, x, out = grad[first:last], x[first:last], out[first:last]
    if code == SIGMOID_BACK:
        sigmoid_back(grad, x, out)
    elif code == TANH_BACK:
        tanh_back(grad, x, out)
    elif code == SILU_BACK:
        silu_back(grad, x, out)
    elif code == GELU_BACK:
        gelu_back(grad, x, out)
    elif code == GELU_TANH_BACK:
        gelu_tanh_back(grad, x, out)
    else:
        threshold_back(grad, x, bound, out)


@kernel
def backward(code, grad, x, bound, out):
    """out = grad times the derivative of this code; ``x`` is what the forward pass kept."""
    share(backward_chunk, (code, grad, x, bound, out), out.size, pieces(out.size, out.size))
