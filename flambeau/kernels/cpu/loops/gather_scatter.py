"""Elements of [outer, n, inner] arrays gathered from, and added at, places along the middle."""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import exact, kernel
from flambeau.kernels.cpu.parallel import PIECES, share


@exact
def gather_chunk(arrays, first, last, thread):
    """One item is one row of the result."""
    x, index, out = arrays
    _, rows, inner = out.shape
    for item in range(first, last):
        matrix, row = item // rows, item % rows
        source, places, to = x[matrix], index[matrix, row], out[matrix, row]
        for j in range(inner):
            to[j] = source[places[j], j]


@exact
def gather_lines_chunk(arrays, first, last, thread):
    """The same where the middle dimension is the last: one item is one matrix."""
    x, index, out = arrays
    for item in range(first, last):
        source, places, to = x[item, :, 0], index[item, :, 0], out[item, :, 0]
        for i in range(places.size):
            to[i] = source[places[i]]


@kernel
def gather_all(x, index, out):
    outer, rows, inner = out.shape
    if inner == 1:
        share(gather_lines_chunk, (x, index, out), outer, min(PIECES, outer))
    else:
        share(gather_chunk, (x, index, out), outer * rows, min(PIECES, outer * rows))


@exact
def scatter_add_chunk(arrays, first, last, thread):
    """One item is one matrix: its additions are made in order, by one thread."""
    target, index, source = arrays
    _, rows, inner = index.shape
    for item in range(first, last):
        for i in range(rows):
            for j in range(inner):
                target[item, index[item, i, j], j] += source[item, i, j]


@kernel
def scatter_add_all(target, index, source):
    outer = target.shape[0]
    share(scatter_add_chunk, (target, index, source), outer, min(PIECES, outer))
