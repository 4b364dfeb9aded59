"""Where the pixels and taps of a convolution lie: the tables that the panel loops read."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from flambeau.kernels.cpu.loops.conv_winograd import SIZE, SPAN
from flambeau.kernels.cpu.loops.tile import LANES, ROWS, VECTORS, WIDTH

Array = Any
Ints = tuple[int, ...]


class Plan(NamedTuple):
    """The tables of one shape of convolution; offsets count float32 numbers."""

    taps: Array  #: [K] offset in the dealt image of each (channel of a group, *window)
    runs: Array  #: [runs, 5] see ``loops.conv_panels``
    ends: Array  #: [panels + 1] the first run of each panel
    used: Array  #: [phases] whether any tap lies in this plane
    geometry: Ints  #: stride, padding, rows and columns of a dealt plane
    together: int  #: images whose results share panels
    image: int  #: numbers of a dealt image


@lru_cache(64)
def panel_plan(
    batch: int,
    channels: int,
    groups: int,
    filters: int,
    size: Ints,
    window: Ints,
    out: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
) -> Plan:
    """The plan of a two-dimensional convolution."""
    (down, across), (top, left) = stride, padding
    rows = max(-(-(size[0] + 2 * top) // down), out[0] + (window[0] - 1) * dilation[0] // down)
    columns = max(
        -(-(size[1] + 2 * left) // across), out[1] + (window[1] - 1) * dilation[1] // across
    )
    plane = rows * columns
    c, r, s = (axis.ravel() for axis in np.indices((channels // groups, *window)))
    r, s = r * dilation[0], s * dilation[1]
    phase = r % down * across + s % across
    taps = (c * down * across + phase) * plane + r // down * columns + s // across
    together = max(1, min(batch, WIDTH // max(1, prod(out))))
    image = channels * down * across * plane
    runs, ends = _runs(out, columns, together, image, filters)
    used = np.isin(np.arange(down * across), phase)
    geometry = (down, across, top, left, rows, columns)
    return Plan(taps.astype(np.int64), runs, ends, used, geometry, together, image)


def _runs(out: Ints, columns: int, together: int, image: int, filters: int) -> tuple[Array, Array]:
    """Runs of neighbouring result pixels, cut where a panel ends, and each panel's first."""
    height, width = out
    pixels, runs, ends = height * width, [], [0]
    for start in range(0, together * pixels, WIDTH):
        at, stop = start, min(start + WIDTH, together * pixels)
        while at < stop:
            n, (row, column) = at // pixels, divmod(at % pixels, width)
            length = min(width - column, stop - at)
            source = n * image + row * columns + column
            runs.append((at - start, length, source, n * filters * pixels + at % pixels, n))
            at += length
        ends.append(len(runs))
    return np.array(runs, np.int64).reshape(-1, 5), np.array(ends, np.int64)


class WeightPlan(NamedTuple):
    """The tables of a weight gradient; see ``loops.conv_weight``."""

    places: Array  #: where each pixel's channels begin in a channels-last image
    spots: Array  #: the same of the gradient
    taps: Array  #: [S * C + ROWS] byte offset of each tap and channel of a window's row
    a_parts: Array  #: byte offset of each row of pixels: in the images,
    b_parts: Array  #: and in the gradients
    image: int  #: numbers of an image
    width: int  #: filters, rounded up to whole tiles
    window_row: int  #: bytes from one row of the window to the next
    pixel: int  #: bytes from the pixel of one result to the next


@lru_cache(64)
def weight_plan(
    batch: int,
    channels: int,
    filters: int,
    size: Ints,
    window: Ints,
    out: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
) -> WeightPlan:
    """The plan of a two-dimensional weight gradient of one group."""
    line, width = size[1] + 2 * padding[1], tile_width(filters)
    image = (size[0] + 2 * padding[0]) * line * channels
    row, column = (axis.ravel() for axis in np.indices(size))
    s, c = (axis.ravel() for axis in np.indices((window[1], channels)))
    taps = (s * dilation[1] * channels + c) * 4
    n, result_row = (axis.ravel() for axis in np.indices((batch, out[0])))
    return WeightPlan(
        ((row + padding[0]) * line + column + padding[1]) * channels,
        np.arange(prod(out)) * width,
        np.append(taps, np.full(ROWS, taps[-1])),
        (n * image + result_row * stride[0] * line * channels) * 4,
        (n * out[0] + result_row) * (out[1] * width * 4),
        image,
        width,
        dilation[0] * line * channels * 4,
        stride[1] * channels * 4,
    )


def tile_width(filters: int) -> int:
    """The columns that tiles write for so many filters: whole panels, and the least rest."""
    panels, rest = divmod(filters, WIDTH)
    vectors = -(-rest // LANES)
    if vectors > 1:
        vectors = VECTORS if 2 * vectors > VECTORS else VECTORS // 2
    return panels * WIDTH + vectors * LANES


class WinogradPlan(NamedTuple):
    """The sizes of a Winograd convolution; see ``loops.conv_winograd``."""

    places: Array  #: where each pixel of SPAN rows goes in the slab
    sizes: Ints  #: channels, height, width, padding, tiles down and across, rows of a block, width
    slab: int  #: numbers of a thread's SPAN rows
    tiles: int  #: of a block


TILES = 48  #: of a block, about


@lru_cache(64)
def winograd_plan(
    batch: int, channels: int, size: Ints, padding: Ints, threads: int
) -> WinogradPlan:
    """The plan of a 3 x 3 convolution with stride 1."""
    height, width = size
    out = [extent + 2 * p - 2 for extent, p in zip(size, padding)]
    tall, wide = (-(-extent // SIZE) for extent in out)
    rows = max(1, min(TILES // wide, -(-batch * tall // (2 * threads))))
    line = max(wide * SIZE + 2, width + 2 * padding[1])
    i, w = (axis.ravel() for axis in np.indices((SPAN, width)))
    sizes = (channels, height, width, padding[0], tall, wide, rows, out[1])
    places = ((i * line + padding[1] + w) * channels).astype(np.int64)
    return WinogradPlan(places, sizes, SPAN * line * channels, rows * wide)
