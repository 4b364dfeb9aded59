"""Extremes with their places, and moments, of [outer, axis, inner]: two loops serve every axis.

inner == 1: a row is contiguous and goes through the vector loops of ``rows``. inner > 1: COLUMNS
columns at a time are worked on in accumulators that stay in the first cache; the lanes run over
the columns, so nothing is transposed.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, exact, kernel
from flambeau.kernels.cpu.loops.functions import larger
from flambeau.kernels.cpu.loops.rows import squares_about, total
from flambeau.kernels.cpu.parallel import pieces, share

COLUMNS = 256


@body
def greatest(row, sign):
    """The greatest of ``sign * row``; NaN is overlooked."""
    top = row[0] * sign
    for i in range(row.size):
        top = larger(top, row[i] * sign)
    return top


@exact
def any_nan(row):
    found = False
    for i in range(row.size):
        found |= row[i] != row[i]
    return found


@exact
def find(row, sign):
    """The place of the first NaN, or of the first greatest number of ``sign * row``."""
    if any_nan(row):
        for i in range(row.size):
            if row[i] != row[i]:
                return i
    top = greatest(row, sign)
    for i in range(row.size):
        if row[i] * sign == top:
            return i
    return 0


@exact
def raise_columns(row, sign, place, best, places):
    for j in range(best.size):
        value, old = row[j] * sign, best[j]
        better = value > old or (value != value and old == old)
        best[j] = value if better else old
        places[j] = place if better else places[j]


@exact
def extreme_chunk(arrays, first, last, thread):
    """One item is COLUMNS columns of one outer index, or one row."""
    x, sign, values, places = arrays
    _, length, inner = x.shape
    blocks = (inner + COLUMNS - 1) // COLUMNS
    for item in range(first, last):
        o, start = item // blocks, item % blocks * COLUMNS
        stop = min(inner, start + COLUMNS)
        best, found = values[o, start:stop], places[o, start:stop]
        if inner == 1:
            found[0] = find(x[o].reshape(-1), sign)
            best[0] = x[o, found[0], 0]
            continue
        for j in range(best.size):
            best[j], found[j] = x[o, 0, start + j] * sign, 0
        for a in range(1, length):
            raise_columns(x[o, a, start:stop], sign, a, best, found)
        for j in range(best.size):
            best[j] *= sign


@kernel
def extremes(x, sign, values, places):
    """The first greatest of ``sign * x`` along the axis, or the first NaN, and its place."""
    items = x.shape[0] * ((x.shape[2] + COLUMNS - 1) // COLUMNS)
    share(extreme_chunk, (x, sign, values, places), items, pieces(items, x.size))


@body
def add_row(row, sums):
    for j in range(sums.size):
        sums[j] += row[j]


@body
def add_squares(row, centres, sums):
    for j in range(sums.size):
        sums[j] += (row[j] - centres[j]) * (row[j] - centres[j])


@body
def moments_chunk(arrays, first, last, thread):
    """One item is COLUMNS columns of one outer index, or one row."""
    x, means, squares = arrays
    _, length, inner = x.shape
    blocks, n = (inner + COLUMNS - 1) // COLUMNS, x.dtype.type(length)
    for item in range(first, last):
        o, start = item // blocks, item % blocks * COLUMNS
        stop = min(inner, start + COLUMNS)
        centres, sums = means[o, start:stop], squares[o, start:stop]
        if inner == 1:
            row = x[o].reshape(-1)
            centres[0] = total(row) / n
            sums[0] = squares_about(row, centres[0])
            continue
        for j in range(centres.size):
            centres[j], sums[j] = 0, 0
        for a in range(length):
            add_row(x[o, a, start:stop], centres)
        for j in range(centres.size):
            centres[j] /= n
        for a in range(length):
            add_squares(x[o, a, start:stop], centres, sums)


@kernel
def moments(x, means, squares):
    """The mean along the axis and the sum of the squares about it."""
    items = x.shape[0] * ((x.shape[2] + COLUMNS - 1) // COLUMNS)
    share(moments_chunk, (x, means, squares), items, pieces(items, x.size))
