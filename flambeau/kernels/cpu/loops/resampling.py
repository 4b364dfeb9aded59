"""Weighted sums of a few rows: one dimension of an image resized."""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.parallel import PIECES, share


@body
def rows_chunk(arrays, first, last, thread):
    """One item is one new row of one [n, inner] matrix."""
    x, places, weights, out = arrays
    taps, size = places.shape
    for item in range(first, last):
        matrix, row = item // size, item % size
        to = out[matrix, row]
        source, weight = x[matrix, places[0, row]], weights[0, row]
        for j in range(to.size):
            to[j] = weight * source[j]
        for tap in range(1, taps):
            source, weight = x[matrix, places[tap, row]], weights[tap, row]
            for j in range(to.size):
                to[j] += weight * source[j]


@body
def lines_chunk(arrays, first, last, thread):
    """One item is one line, whose neighbours in memory are the pixels themselves."""
    x, places, weights, out = arrays
    taps, size = places.shape
    for item in range(first, last):
        line, to = x[item, :, 0], out[item, :, 0]
        for i in range(size):
            to[i] = weights[0, i] * line[places[0, i]]
        for tap in range(1, taps):
            for i in range(size):
                to[i] += weights[tap, i] * line[places[tap, i]]


@kernel
def resample_all(x, places, weights, out):
    """``out[:, i] = sum over t of weights[t, i] * x[:, places[t, i]]``."""
    outer, size, inner = out.shape
    if inner == 1:
        share(lines_chunk, (x, places, weights, out), outer, min(PIECES, outer))
    else:
        share(rows_chunk, (x, places, weights, out), outer * size, min(PIECES, outer * size))
