"""Where the pixels and taps of a convolution lie: the tables that the panel loops read."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from flambeau.kernels.cpu.loops.tile import WIDTH

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
