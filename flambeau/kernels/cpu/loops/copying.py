"""Copies of permuted arrays, a square of the two innermost dimensions at a time.

NumPy copies a transposed array one element at a time down a column, a cache line for each. Here a
square is read line by line into a buffer, and written from there line by line: no line is needed
twice, so that it does not matter that those of a column fall into one set of the cache.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.parallel import PIECES, share

SIDE = 32


@body
def turned_chunk(arrays, first, last, thread):
    """One item is SIDE rows of one matrix."""
    source, target, starts, ends, buffers, (rows, columns, step, stride) = arrays
    strips, square = (rows + SIDE - 1) // SIDE, buffers[thread]
    for item in range(first, last):
        matrix, low = item // strips, item % strips * SIDE
        tall = min(SIDE, rows - low)
        start, end = starts[matrix] + low, ends[matrix] + low * stride
        for left in range(0, columns, SIDE):
            wide = min(SIDE, columns - left)
            for j in range(wide):
                line = source[start + (left + j) * step :]
                for i in range(tall):
                    square[i, j] = line[i]
            for i in range(tall):
                line = target[end + i * stride + left :]
                for j in range(wide):
                    line[j] = square[i, j]


@kernel
def turn(source, target, starts, ends, buffers, sizes):
    """``target[ends[k] + i * stride + j] = source[starts[k] + i + j * step]`` for all k, i, j.

    ``sizes`` are rows, columns, step and stride; ``buffers`` are [threads, SIDE, SIDE].
    """
    items = starts.size * ((sizes[0] + SIDE - 1) // SIDE)
    share(turned_chunk, (source, target, starts, ends, buffers, sizes), items, min(PIECES, items))
