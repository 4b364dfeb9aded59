"""3 x 3 convolution with 2.25 times fewer multiplications: Winograd's F(4 x 4, 3 x 3).

    Y = A' [ (G g G') . (B' d B) ] A         d: 6 x 6 pixels, g: 3 x 3 taps, Y: 4 x 4 results

The products of all tiles, for each of the 36 frequencies, are one [tiles, C] x [C, O] product.
A vector holds LANES channels of one pixel, so the small transforms are straight-line vector code
without shuffles. A block of tiles goes through all stages while it is in cache. Tiles are counted
through the images of the batch, so small images waste nothing.

The input gradient is the same convolution with flipped taps and swapped channels. The error
against exact arithmetic is about ten times that of a direct float32 sum (1e-6 of the results' rms).

Source: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from flambeau.kernels.cpu.compiler import body, emitted, kernel, symbol
from flambeau.kernels.cpu.loops.channels_last import to_channels, to_pixels
from flambeau.kernels.cpu.loops.tile import (
    LANES,
    ROWS,
    VECTOR,
    WIDTH,
    address,
    load,
    multiply,
    number,
    store,
)
from flambeau.kernels.cpu.parallel import pieces, share

SIZE, SPAN = 4, 6  #: results and pixels of a tile's side
FREQUENCIES = SPAN * SPAN
STEPS = 128  #: of the sum between two visits of the accumulators

# ---- the transforms, written like formulas


class Lanes:
    """A vector of numbers."""

    flags = ("contract", "nsz")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=self.flags))

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=self.flags))

    def __rmul__(self, factor: float) -> Lanes:
        constant = ir.Constant(VECTOR, [factor] * LANES)
        return Lanes(self.builder, self.builder.fmul(constant, self.value, flags=self.flags))


def pixels_form(d: list[Lanes]) -> list[Lanes]:
    """B' d"""
    even, odd = d[4] - 4.0 * d[2], d[3] - 4.0 * d[1]
    far, near = d[4] - d[2], 2.0 * (d[3] - d[1])
    first, last = 4.0 * d[0] - 5.0 * d[2] + d[4], 4.0 * d[1] - 5.0 * d[3] + d[5]
    return [first, even + odd, even - odd, far + near, far - near, last]


def taps_form(g: list[Lanes]) -> list[Lanes]:
    """G g"""
    ends, corner = (-1 / 6) * (g[0] + g[2]), (1 / 24) * g[0] + (1 / 6) * g[2]
    middle, half = (1 / 6) * g[1], (1 / 12) * g[1]
    return [0.25 * g[0], ends - middle, ends + middle, corner + half, corner - half, g[2]]


def results_form(m: list[Lanes]) -> list[Lanes]:
    """A' m"""
    sum1, difference1, sum2, difference2 = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [
        m[0] + sum1 + sum2,
        difference1 + 2.0 * difference2,
        sum1 + 4.0 * sum2,
        difference1 + 8.0 * difference2 + m[5],
    ]


def two_sided(form: Callable[[list[Lanes]], list[Lanes]], size: int) -> Any:
    """``form`` applied to the columns, then the rows, of a square of vectors.

    Arguments: source, its row and column steps, target, its row and column steps, in bytes.
    """

    @emitted(6)
    def emit(builder, source, row, column, target, target_row, target_column):
        def place(base, i, j, down, right):
            steps = builder.add(builder.mul(down, number(i)), builder.mul(right, number(j)))
            return builder.add(base, steps)

        square = [
            [Lanes(builder, load(builder, place(source, i, j, row, column))) for j in range(size)]
            for i in range(size)
        ]
        halfway = zip(*[form(list(line)) for line in zip(*square)])
        for i, line in enumerate(halfway):
            for j, entry in enumerate(form(list(line))):
                store(builder, entry.value, place(target, i, j, target_row, target_column))

    return emit


PIXELS, TAPS, RESULTS = (
    two_sided(form, size)
    for form, size in ((pixels_form, SPAN), (taps_form, 3), (results_form, SPAN))
)


@symbol("flambeau_winograd_pixels", 6)
def transform_pixels(source, row, column, target, target_row, target_column):
    PIXELS((source, row, column, target, target_row, target_column))


@symbol("flambeau_winograd_taps", 6)
def transform_taps(source, row, column, target, target_row, target_column):
    TAPS((source, row, column, target, target_row, target_column))


@symbol("flambeau_winograd_results", 6)
def transform_results(source, row, column, target, target_row, target_column):
    RESULTS((source, row, column, target, target_row, target_column))


# ---- the weight


@body
def weight_chunk(arrays, first, last, thread):
    """One item is one input channel of one panel."""
    panels, spectra, flipped = arrays
    channels = panels.shape[2]
    tap, frequency = channels * WIDTH * 4, panels.shape[0] * channels * WIDTH * 4
    for item in range(first, last):
        panel, c = item // channels, item % channels
        for lane in range(0, WIDTH, LANES):
            source, step = address(panels[panel, 0, c, lane:]), tap
            if flipped:
                source, step = source + 8 * tap, -tap
            target = address(spectra[0, panel, c, lane:])
            transform_taps(source, 3 * step, step, target, SPAN * frequency, frequency)


@kernel
def transform_weight(panels, spectra, flipped):
    """spectra[frequency, panel, c, lane] from panels[panel, tap, c, lane]."""
    items = panels.shape[0] * panels.shape[2]
    share(weight_chunk, (panels, spectra, flipped), items, pieces(items, panels.size))


# ---- the stages of a block of tile rows


@body
def lay_out_rows(x, start, shape, row, slab, places):
    """Puts the SPAN pixel rows that tile row ``row`` reads into the slab, channels last."""
    channels, height, width, top = shape
    line, first = slab.size // SPAN, row * SIZE - top
    low, high = max(0, first), min(height, first + SPAN)
    for i in range(SPAN):
        outside = first + i < low or first + i >= high
        for j in range(i * line, (i + 1) * line if outside else i * line):
            slab[j] = 0
    if low < high:
        to_channels(
            x,
            start + low * width,
            height * width,
            channels,
            (high - low) * width,
            slab,
            places[(low - first) * width :],
            channels,
        )


@body
def multiply_block(spectrum, spectra, panel, tiles, vectors, summed, a_rows, c_rows, zero):
    """summed[f, tile, lane] = the sum over the channels of one panel's products."""
    channels = spectrum.shape[2]
    for f in range(FREQUENCIES):
        for c in range(0, channels, STEPS):
            for t in range(0, tiles, ROWS):
                multiply(
                    vectors,
                    1 if c else 0,
                    address(spectrum[f, t]) + c * 4,
                    address(a_rows),
                    4,
                    address(spectra[f, panel, c]),
                    WIDTH * 4,
                    address(zero),
                    address(zero),
                    1,
                    min(STEPS, channels - c),
                    address(summed[f, t]),
                    address(c_rows),
                )


@body
def write_row(summed, tile, wide, used, stage, out_width, bias, count, out, first):
    """The results of one row of tiles: transformed, shifted and turned to planes of pixels."""
    sums = address(summed[1]) - address(summed[0])
    for t in range(wide - 1, -1, -1):  # what spills over a row's end is written over later
        for lane in range(0, used, LANES):
            transform_results(
                address(summed[0, tile + t]) + lane * 4,
                SPAN * sums,
                sums,
                address(stage[t * SIZE]) + lane * 4,
                out_width * WIDTH * 4,
                WIDTH * 4,
            )
    for p in range(count):
        for o in range(used):
            stage[p, o] += bias[o]
    to_pixels(stage.reshape(-1), WIDTH, count, out, first, used)


@body
def convolve_chunk(arrays, first, last, thread):
    """One item is a block of tile rows, counted through the images."""
    x, spectra, bias, y, places, slabs, inputs, products, stages, sizes = arrays
    channels, height, width, top, tall, wide, block_rows, out_width = sizes
    filters, pixels, panels = y.shape[1], y.shape[2], spectra.shape[1]
    slab, spectrum, summed, stage = slabs[thread], inputs[thread], products[thread], stages[thread]
    a_rows, c_rows = np.arange(ROWS) * (channels * 4), np.arange(ROWS) * (WIDTH * 4)
    zero, line = np.zeros(1, np.int64), slab.size // SPAN * 4
    frequency = address(spectrum[1]) - address(spectrum[0])
    for i in range(slab.size):
        slab[i] = 0
    for item in range(first, last):
        row0, row1 = item * block_rows, min((item + 1) * block_rows, y.shape[0] * tall)
        for row in range(row0, row1):
            start = row // tall * channels * height * width
            lay_out_rows(x, start, (channels, height, width, top), row % tall, slab, places)
            for t in range(wide):
                for c in range(0, channels, LANES):
                    transform_pixels(
                        address(slab) + (t * SIZE * channels + c) * 4,
                        line,
                        channels * 4,
                        address(spectrum[0, (row - row0) * wide + t]) + c * 4,
                        SPAN * frequency,
                        frequency,
                    )
        for panel in range(panels):
            tiles, used = (row1 - row0) * wide, min(WIDTH, filters - panel * WIDTH)
            vectors = (used + LANES - 1) // LANES
            multiply_block(spectrum, spectra, panel, tiles, vectors, summed, a_rows, c_rows, zero)
            for row in range(row0, row1):
                done = row % tall * SIZE * out_width
                write_row(
                    summed,
                    (row - row0) * wide,
                    wide,
                    used,
                    stage,
                    out_width,
                    bias[panel * WIDTH :],
                    min(pixels - done, SIZE * out_width),
                    y[row // tall, panel * WIDTH :],
                    done,
                )


@kernel
def convolve(x, spectra, bias, y, places, slabs, inputs, products, stages, sizes):
    """y [N, O, pixels] of a flat x [N, C, H, W]; slabs to stages are scratch of each thread."""
    arrays = x, spectra, bias, y, places, slabs, inputs, products, stages, sizes
    items = (y.shape[0] * sizes[4] + sizes[6] - 1) // sizes[6]
    share(convolve_chunk, arrays, items, min(items, 64))
