"""Depthwise convolution: bound by memory, so no products of panels but rows added to rows.

Images are padded and dealt into planes as in ``conv_panels``; then each tap is one run of a plane
for each row of results. One input channel may serve several filters.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.rows import inner
from flambeau.kernels.cpu.parallel import pieces, share


@body
def fill(out, value):
    for j in range(out.size):
        out[j] = value


@body
def add_scaled(row, factor, out):
    for j in range(out.size):
        out[j] += row[j] * factor


@body
def forward_chunk(arrays, first, last, thread):
    """One item is one filter of one image."""
    dealt, weight, bias, y, taps, columns = arrays
    _, filters, height, _ = y.shape
    each = filters * y.shape[0] // dealt.shape[0]
    for item in range(first, last):
        n, o = item // filters, item % filters
        plane = dealt[item // each]
        for i in range(height):
            out = y[n, o, i]
            fill(out, bias[o])
            for k in range(taps.size):
                add_scaled(plane[taps[k] + i * columns :], weight[o, k], out)


@kernel
def forward(dealt, weight, bias, y, taps, columns):
    """y [N, O, H, W] of dealt [N * C, numbers] and weight [O, taps]."""
    items = y.shape[0] * y.shape[1]
    share(forward_chunk, (dealt, weight, bias, y, taps, columns), items, pieces(items, y.size))


@body
def input_chunk(arrays, first, last, thread):
    """One item is one channel of one image."""
    grad, weight, dealt, taps, columns = arrays
    batch, filters, height, width = grad.shape
    channels = dealt.shape[0] // batch
    each = filters // channels
    for item in range(first, last):
        n, c = item // channels, item % channels
        plane = dealt[item]
        fill(plane, 0)
        for o in range(c * each, (c + 1) * each):
            for i in range(height):
                for k in range(taps.size):
                    start = taps[k] + i * columns
                    add_scaled(grad[n, o, i], weight[o, k], plane[start : start + width])


@kernel
def input_gradient(grad, weight, dealt, taps, columns):
    """The dealt gradient of the input."""
    items = dealt.shape[0]
    share(input_chunk, (grad, weight, dealt, taps, columns), items, pieces(items, dealt.size))


@body
def weight_chunk(arrays, first, last, thread):
    """One item is one filter."""
    grad, dealt, dw, taps, columns = arrays
    batch, filters, height, width = grad.shape
    channels = dealt.shape[0] // batch
    each = filters // channels
    for o in range(first, last):
        for k in range(taps.size):
            s = 0.0
            for n in range(batch):
                plane = dealt[n * channels + o // each]
                for i in range(height):
                    start = taps[k] + i * columns
                    s += inner(grad[n, o, i], plane[start : start + width])
            dw[o, k] = s


@kernel
def weight_gradient(grad, dealt, dw, taps, columns):
    """dw [O, taps] of grad [N, O, H, W] and the dealt input."""
    items = dw.shape[0]
    share(weight_chunk, (grad, dealt, dw, taps, columns), items, pieces(items, grad.size))
