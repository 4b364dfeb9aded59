"""Turning images and weights for the tile, which wants channels innermost.

Images ``[C, pixels]`` become rows of channels, weights ``[O, C, taps]`` panels of WIDTH output
channels. Squares of LANES x LANES numbers turn in registers.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, exact, kernel
from flambeau.kernels.cpu.loops.tile import LANES, WIDTH, address, transpose_square
from flambeau.kernels.cpu.parallel import share


@exact
def to_channels(x, start, pixels, channels, count, out, places, end):
    """out[places[p] + c] = x[start + c * pixels + p] for p < count and c < channels.

    ``x`` and ``out`` are flat. Channels from ``channels`` to ``end`` become zero.
    """
    source, target = address(x) + start * 4, address(out)
    tall, wide = channels // LANES * LANES, count // LANES * LANES
    rows = np.empty(LANES, np.int64)
    for p in range(0, wide, LANES):
        for i in range(LANES):
            rows[i] = places[p + i] * 4
        for c in range(0, tall, LANES):
            place = source + (c * pixels + p) * 4
            transpose_square(place, pixels * 4, target + c * 4, address(rows))
    for p in range(count):
        place = places[p]
        for c in range(tall if p < wide else 0, channels):
            out[place + c] = x[start + c * pixels + p]
        for c in range(channels, end):
            out[place + c] = 0


@exact
def to_pixels(rows, stride, count, out, first, width):
    """out[o, first + p] = rows[p * stride + o] for p < count and o < width."""
    pixels = out.shape[1]
    source, target = address(rows), address(out) + first * 4
    places = np.arange(LANES) * (pixels * 4)
    tall, wide = count // LANES * LANES, width // LANES * LANES
    for o in range(0, wide, LANES):
        for p in range(0, tall, LANES):
            place = target + (o * pixels + p) * 4
            transpose_square(source + (p * stride + o) * 4, stride * 4, place, address(places))
    for o in range(width):
        for p in range(tall if o < wide else 0, count):
            out[o, first + p] = rows[p * stride + o]


@body
def pack_chunk(arrays, first, last, thread):
    """One item is one panel and LANES of its (input channel, tap) columns."""
    weight, panels = arrays
    filters, channels, taps = weight.shape
    columns, flat = channels * taps, weight.reshape(weight.shape[0], -1)
    blocks, places = (columns + LANES - 1) // LANES, np.empty(LANES, np.int64)
    for item in range(first, last):
        panel, k0 = item // blocks, item % blocks * LANES
        count, out = min(LANES, columns - k0), panels[panel].reshape(-1)
        for k in range(count):
            places[k] = ((k0 + k) % taps * channels + (k0 + k) // taps) * WIDTH * 4
        for lane in range(0, WIDTH, LANES):
            o = panel * WIDTH + lane
            if count == LANES and o + LANES <= filters:
                source, target = address(flat[o]) + k0 * 4, address(out) + lane * 4
                transpose_square(source, columns * 4, target, address(places))
            else:
                for k in range(count):
                    for i in range(LANES):
                        value = flat[o + i, k0 + k] if o + i < filters else np.float32(0)
                        out[places[k] // 4 + lane + i] = value


@body
def pack_swapped_chunk(arrays, first, last, thread):
    """One item is one row of a panel."""
    weight, panels = arrays
    filters, channels, taps = weight.shape
    for item in range(first, last):
        panel, o = item // filters, item % filters
        c0 = panel * WIDTH
        source, width = weight[o, c0:], min(WIDTH, channels - c0)
        for tap in range(taps):
            out = panels[panel, tap, o]
            for lane in range(width):
                out[lane] = source[lane, tap]
            for lane in range(width, WIDTH):
                out[lane] = 0


@kernel
def pack_weight(weight, panels, swapped):
    """panels[panel, tap, c, lane] = weight[panel * WIDTH + lane, c, tap].

    Swapped: panels[panel, tap, o, lane] = weight[o, panel * WIDTH + lane, tap].
    """
    filters, channels, taps = weight.shape
    if swapped:
        share(pack_swapped_chunk, (weight, panels), panels.shape[0] * filters, 8)
    else:
        blocks = (channels * taps + LANES - 1) // LANES
        share(pack_chunk, (weight, panels), panels.shape[0] * blocks, 8)
