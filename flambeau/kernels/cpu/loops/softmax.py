"""Softmax and its relatives along rows: one read and one write of memory."""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.functions import exp_negative
from flambeau.kernels.cpu.loops.rows import (
    exponentials,
    inner,
    largest,
    scale,
    sum_exponentials,
    total,
)
from flambeau.kernels.cpu.parallel import pieces, share


@body
def softmax_chunk(arrays, first, last, thread):
    x, y = arrays
    for r in range(first, last):
        scale(y[r], x.dtype.type(1) / exponentials(x[r], largest(x[r]), y[r]))


@kernel
def softmax_rows(x, y):
    share(softmax_chunk, (x, y), x.shape[0], pieces(x.shape[0], x.size))


@body
def softmax_gradient_row(grad, y, dot, dx):
    for i in range(dx.size):
        dx[i] = y[i] * (grad[i] - dot)


@body
def softmax_gradient_chunk(arrays, first, last, thread):
    grad, y, dx = arrays
    for r in range(first, last):
        softmax_gradient_row(grad[r], y[r], inner(grad[r], y[r]), dx[r])


@kernel
def softmax_gradient_rows(grad, y, dx):
    share(softmax_gradient_chunk, (grad, y, dx), y.shape[0], pieces(y.shape[0], y.size))


@body
def shifted(row, top, log_sum, out):
    for i in range(row.size):
        out[i] = row[i] - top - log_sum


@body
def log_softmax_chunk(arrays, first, last, thread):
    x, y = arrays
    for r in range(first, last):
        top = largest(x[r])
        log_sum = x.dtype.type(np.log(sum_exponentials(x[r], top)))
        shifted(x[r], top, log_sum, y[r])


@kernel
def log_softmax_rows(x, y):
    share(log_softmax_chunk, (x, y), x.shape[0], pieces(x.shape[0], x.size))


@body
def log_softmax_gradient_row(grad, y, s, dx):
    for i in range(dx.size):
        dx[i] = grad[i] - exp_negative(y[i]) * s


@body
def log_softmax_gradient_chunk(arrays, first, last, thread):
    grad, y, dx = arrays
    for r in range(first, last):
        log_softmax_gradient_row(grad[r], y[r], total(grad[r]), dx[r])


@kernel
def log_softmax_gradient_rows(grad, y, dx):
    share(log_softmax_gradient_chunk, (grad, y, dx), y.shape[0], pieces(y.shape[0], y.size))
