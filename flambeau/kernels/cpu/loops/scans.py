"""Running sums of [outer, n, inner] arrays."""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import exact, kernel
from flambeau.kernels.cpu.parallel import PIECES, share

STRIP = 256  #: neighbouring sums that are carried along together


@exact
def cumsum_chunk(arrays, first, last, thread):
    """One item is one strip of one [n, inner] matrix, with a row of sums each thread's own."""
    x, out, totals = arrays
    _, n, inner = x.shape
    strips = (inner + STRIP - 1) // STRIP
    total = totals[thread]
    for item in range(first, last):
        matrix, low = item // strips, item % strips * STRIP
        count = min(inner - low, STRIP)
        for j in range(count):
            total[j] = 0
        for i in range(n):
            row, to = x[matrix, i, low : low + count], out[matrix, i, low : low + count]
            for j in range(count):
                total[j] += row[j]
                to[j] = total[j]


@exact
def cumsum_rows_chunk(arrays, first, last, thread):
    """One item is one row."""
    x, out, totals = arrays
    zero = totals[0, 0] * 0
    for item in range(first, last):
        row, to, total = x[item, :, 0], out[item, :, 0], zero
        for i in range(row.size):
            total += row[i]
            to[i] = total


@kernel
def cumsum_all(x, out, totals):
    """``out`` and ``totals`` [threads, STRIP] say in which type the sums are kept, and carried."""
    if x.shape[2] == 1:
        share(cumsum_rows_chunk, (x, out, totals), x.shape[0], min(PIECES, x.shape[0]))
    else:
        items = x.shape[0] * ((x.shape[2] + STRIP - 1) // STRIP)
        share(cumsum_chunk, (x, out, totals), items, min(PIECES, items))
