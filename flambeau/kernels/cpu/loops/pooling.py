"""Pooling of planes [planes, depth, height, width] over boxes; one item is one plane.

A ``plan`` says where the boxes are: a header (see the indices below), then the first pixel and the
number of pixels of every window of each of the three dimensions, so that fixed, padded and adaptive
windows share the loops. Rows are reduced by vectors along the *inner* windows, which are complete
and ``STRIDE`` apart; the few at the borders go one by one.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, exact, kernel
from flambeau.kernels.cpu.loops.rows import total
from flambeau.kernels.cpu.parallel import pieces, share

DEEP, TALL, WIDE = 0, 1, 2  #: number of windows of each dimension
STEP = 3  #: three steps from pixel to pixel of a window
LOW, HIGH, STRIDE = 6, 7, 8  #: the inner windows of the width, and how far apart they are
HEADER = 9


@exact
def windows(plan, dimension):
    """The first pixels and the counts of a dimension's windows."""
    start = HEADER
    for before in range(dimension):
        start += 2 * plan[before]
    n = plan[dimension]
    return plan[start : start + n], plan[start + n : start + 2 * n]


# ---- maximum: each row along the width, then rows with rows


@exact
def start_maxima(source, stride, first, values, columns):
    for i in range(values.size):
        values[i] = source[i * stride]
        columns[i] = np.int32(first + i * stride)


@exact
def raise_maxima(source, first, values, columns):
    for i in range(values.size):
        value, best = source[i], values[i]
        better = value > best or value != value
        values[i] = value if better else best
        columns[i] = np.int32(first + i) if better else columns[i]


@exact
def raise_maxima_by_two(source, first, values, columns):
    for i in range(values.size):
        value, best = source[2 * i], values[i]
        better = value > best or value != value
        values[i] = value if better else best
        columns[i] = np.int32(first + 2 * i) if better else columns[i]


@exact
def raise_maxima_by(source, stride, first, values, columns):
    for i in range(values.size):
        value, best = source[i * stride], values[i]
        better = value > best or value != value
        values[i] = value if better else best
        columns[i] = np.int32(first + i * stride) if better else columns[i]


@exact
def largest_of_window(row, first, count, step):
    best, place = row[first], first
    for k in range(1, count):
        value = row[first + k * step]
        if value > best or value != value:
            best, place = value, first + k * step
    return best, np.int32(place)


@exact
def maxima_of_row(row, plan, firsts, counts, values, columns):
    low, high, stride, step = plan[LOW], plan[HIGH], plan[STRIDE], plan[STEP + 2]
    if low < high:
        inner, places, first = values[low:high], columns[low:high], firsts[low]
        start_maxima(row[first:], stride, first, inner, places)
        for k in range(1, counts[low]):
            at = first + k * step
            if stride == 1:
                raise_maxima(row[at:], at, inner, places)
            elif stride == 2:
                raise_maxima_by_two(row[at:], at, inner, places)
            else:
                raise_maxima_by(row[at:], stride, at, inner, places)
    for w in range(firsts.size):
        if w < low or w >= high:
            values[w], columns[w] = largest_of_window(row, firsts[w], counts[w], step)


@exact
def take_row(values, columns, base, out, indices):
    for i in range(out.size):
        out[i], indices[i] = values[i], columns[i] + base


@exact
def raise_row(values, columns, base, out, indices):
    for i in range(out.size):
        value, best, place = values[i], out[i], columns[i] + base
        better = value > best or value != value
        out[i] = value if better else best
        indices[i] = place if better else indices[i]


@exact
def max_chunk(arrays, first, last, thread):
    x, plan, out, indices = arrays
    _, depth, height, width = x.shape
    (d_first, d_count), (h_first, h_count) = windows(plan, DEEP), windows(plan, TALL)
    firsts, counts = windows(plan, WIDE)
    values = np.empty((depth * height, firsts.size), x.dtype)
    columns = np.empty((depth * height, firsts.size), np.int32)
    for p in range(first, last):
        rows = x[p].reshape(depth * height, width)
        for r in range(depth * height):
            maxima_of_row(rows[r], plan, firsts, counts, values[r], columns[r])
        for d in range(d_first.size):
            for h in range(h_first.size):
                target, places = out[p, d, h], indices[p, d, h]
                for i in range(d_count[d]):
                    for j in range(h_count[h]):
                        r = (d_first[d] + i * plan[STEP]) * height
                        r += h_first[h] + j * plan[STEP + 1]
                        if i or j:
                            raise_row(values[r], columns[r], r * width, target, places)
                        else:
                            take_row(values[r], columns[r], r * width, target, places)


@kernel
def max_planes(x, plan, out, indices):
    share(max_chunk, (x, plan, out, indices), x.shape[0], pieces(x.shape[0], x.size))


@exact
def scatter_chunk(arrays, first, last, thread):
    grad, indices, dx = arrays
    for p in range(first, last):
        plane, source, places = dx[p], grad[p], indices[p]
        for i in range(plane.size):
            plane[i] = 0
        for i in range(source.size):
            plane[places[i]] += source[i]


@kernel
def scatter_planes(grad, indices, dx):
    """dx[p, indices[p, i]] += grad[p, i], from zero."""
    share(scatter_chunk, (grad, indices, dx), dx.shape[0], pieces(dx.shape[0], dx.size))


# ---- sums: rows with rows, then along the width


@body
def copy_row(row, out):
    for i in range(out.size):
        out[i] = row[i]


@body
def add_row(row, out):
    for i in range(out.size):
        out[i] += row[i]


@body
def add_by_two(source, out):
    for i in range(out.size):
        out[i] += source[2 * i]


@body
def add_by(source, stride, out):
    for i in range(out.size):
        out[i] += source[i * stride]


@body
def divide(out, factor, factors):
    for i in range(out.size):
        out[i] = out[i] / (factor * factors[i])


@body
def sums_of_row(row, plan, firsts, counts, out):
    low, high, stride = plan[LOW], plan[HIGH], plan[STRIDE]
    for w in range(firsts.size):
        out[w] = 0
        if w < low or w >= high:
            out[w] = total(row[firsts[w] : firsts[w] + counts[w]])
    if low < high:
        inner, first = out[low:high], firsts[low]
        for k in range(counts[low]):
            if stride == 1:
                add_row(row[first + k :], inner)
            elif stride == 2:
                add_by_two(row[first + k :], inner)
            else:
                add_by(row[first + k :], stride, inner)


@body
def sum_chunk(arrays, first, last, thread):
    x, plan, factors, out = arrays
    (d_first, d_count), (h_first, h_count) = windows(plan, DEEP), windows(plan, TALL)
    firsts, counts = windows(plan, WIDE)
    deep, tall = d_first.size, h_first.size
    sums = np.empty(x.shape[3], x.dtype)
    for p in range(first, last):
        for d in range(deep):
            for h in range(tall):
                for i in range(d_count[d]):
                    for j in range(h_count[h]):
                        row = x[p, d_first[d] + i, h_first[h] + j]
                        if i or j:
                            add_row(row, sums)
                        else:
                            copy_row(row, sums)
                sums_of_row(sums, plan, firsts, counts, out[p, d, h])
                factor = factors[d] * factors[deep + h]
                divide(out[p, d, h], factor, factors[deep + tall :])


@kernel
def sum_planes(x, plan, factors, out):
    """The sum of each box over the product of its factors, one of each dimension."""
    share(sum_chunk, (x, plan, factors, out), x.shape[0], pieces(x.shape[0], x.size))


@body
def mean_chunk(arrays, first, last, thread):
    x, divisor, out = arrays
    for p in range(first, last):
        out[p] = total(x[p]) / divisor


@kernel
def mean_planes(x, divisor, out):
    """The mean of each row of x [planes, pixels]."""
    share(mean_chunk, (x, divisor, out), x.shape[0], pieces(x.shape[0], x.size))


# ---- the gradient of sums: along the width, then onto rows


@body
def spread_row(grad, plan, firsts, counts, factor, factors, out):
    for i in range(out.size):
        out[i] = 0
    for w in range(firsts.size):
        value = grad[w] / (factor * factors[w])
        target = out[firsts[w] :]
        for k in range(counts[w]):
            target[k] += value


@body
def spread_chunk(arrays, first, last, thread):
    grad, plan, factors, dx = arrays
    (d_first, d_count), (h_first, h_count) = windows(plan, DEEP), windows(plan, TALL)
    firsts, counts = windows(plan, WIDE)
    deep, tall = d_first.size, h_first.size
    spread = np.empty(dx.shape[3], dx.dtype)
    for p in range(first, last):
        flat = dx[p].reshape(-1)
        for i in range(flat.size):
            flat[i] = 0
        for d in range(deep):
            for h in range(tall):
                factor = factors[d] * factors[deep + h]
                source, across = grad[p, d, h], factors[deep + tall :]
                spread_row(source, plan, firsts, counts, factor, across, spread)
                for i in range(d_count[d]):
                    for j in range(h_count[h]):
                        add_row(spread, dx[p, d_first[d] + i, h_first[h] + j])


@kernel
def spread_planes(grad, plan, factors, dx):
    share(spread_chunk, (grad, plan, factors, dx), dx.shape[0], pieces(dx.shape[0], dx.size))
