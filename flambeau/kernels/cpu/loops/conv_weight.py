"""The gradient of a convolution's weight: a sum over pixels, with both images channels-last.

For one row of the window, the taps of a pixel's channels are numbers of the channels-last image at
fixed distances, and its O gradients a run: dW[row] is a product [taps of a row * C, pixels] x
[pixels, O]. Rows of the tile run over (tap, channel), lanes over the filters, parts over rows of
pixels; the stride is the step from pixel to pixel.

Work is cut by panels of filters and, where those are few, by images, into private sums that are
added in a fixed order: the result never depends on timing.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.channels_last import to_channels
from flambeau.kernels.cpu.loops.tile import LANES, ROWS, WIDTH, address, multiply
from flambeau.kernels.cpu.parallel import share

PIXELS = 128  #: summed between two visits of the accumulators


@body
def lay_out_chunk(arrays, first, last, thread):
    """One item is one image."""
    x, grad, images, grads, places, spots, width = arrays
    _, channels, pixels = x.shape
    _, filters, results = grad.shape
    for n in range(first, last):
        for i in range(images.shape[1]):
            images[n, i] = 0
        to_channels(x[n].reshape(-1), 0, pixels, channels, pixels, images[n], places, channels)
        to_channels(grad[n].reshape(-1), 0, results, filters, results, grads[n], spots, width)


@body
def sum_chunk(arrays, first, last, thread):
    """One item is one part of the images and one panel of filters."""
    images, grads, sums, taps, a_parts, b_parts, geometry = arrays
    window_row, pixel, out_rows, out_width, parts = geometry
    rows, span, width = sums.shape[1:]
    panels, batch = (width + WIDTH - 1) // WIDTH, images.shape[0]
    c_table = np.minimum(np.arange(span + ROWS), span - 1) * (width * 4)
    block = max(1, PIXELS // out_width)
    for item in range(first, last):
        part, panel = item // panels, item % panels
        lanes = min(WIDTH, width - panel * WIDTH)
        n0, n1 = batch * part // parts, batch * (part + 1) // parts
        total = sums[part]
        for r in range(rows):
            for tap in range(span):
                for o in range(panel * WIDTH, panel * WIDTH + lanes):
                    total[r, tap, o] = 0
        for line in range(0, (n1 - n0) * out_rows, block):
            count, at = min(block, (n1 - n0) * out_rows - line), n0 * out_rows + line
            for r in range(rows):
                for tap in range(0, span, ROWS):
                    multiply(
                        (lanes + LANES - 1) // LANES,
                        1,
                        address(images) + r * window_row,
                        address(taps) + tap * 8,
                        pixel,
                        address(grads) + panel * WIDTH * 4,
                        width * 4,
                        address(a_parts) + at * 8,
                        address(b_parts) + at * 8,
                        count,
                        out_width,
                        address(total[r]) + panel * WIDTH * 4,
                        address(c_table) + tap * 8,
                    )


@body
def collect_chunk(arrays, first, last, thread):
    """One item is LANES filters: out[o, c, tap] = the sum of sums[:, r, s * C + c, o]."""
    sums, out, parts = arrays
    rows = sums.shape[1]
    filters, channels, window = out.shape
    across = window // rows
    for item in range(first, last):
        o0 = item * LANES
        for r in range(rows):
            for s in range(across):
                for c in range(channels):
                    for i in range(min(LANES, filters - o0)):
                        value = sums[0, r, s * channels + c, o0 + i]
                        for part in range(1, parts):
                            value += sums[part, r, s * channels + c, o0 + i]
                        out[o0 + i, c, r * across + s] = value


@kernel
def weight_gradient(
    x, grad, images, grads, places, spots, sums, out, taps, a_parts, b_parts, geometry
):
    """out [O, C, window] from x [N, C, pixels] and grad [N, O, pixels]; the rest is scratch."""
    width, parts = sums.shape[3], geometry[4]
    share(lay_out_chunk, (x, grad, images, grads, places, spots, width), x.shape[0], 16)
    items = parts * ((width + WIDTH - 1) // WIDTH)
    share(sum_chunk, (images, grads, sums, taps, a_parts, b_parts, geometry), items, items)
    share(collect_chunk, (sums, out, parts), (out.shape[0] + LANES - 1) // LANES, 8)
