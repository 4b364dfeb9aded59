"""Cross entropy of rows [N, C] and of planes [N, C, P], with class indices as targets.

Only the logarithm of each sum of exponentials is kept for the gradient. A wrong target is reported
in ``bad`` and read nowhere.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.functions import exp, larger
from flambeau.kernels.cpu.loops.rows import largest, sum_exponentials, total
from flambeau.kernels.cpu.parallel import pieces, share


@body
def smooth_loss(row, weight, log_sum):
    s = row.dtype.type(0)
    for c in range(row.size):
        s += weight[c] * (log_sum - row[c])
    return s


@body
def rows_chunk(arrays, first, last, thread):
    x, target, weight, ignored, smoothing, losses, log_sums, shares, bad = arrays
    classes, zero = x.shape[1], x.dtype.type(0)
    sharp, even = x.dtype.type(1) - smoothing, smoothing / x.dtype.type(classes)
    for r in range(first, last):
        top, label = largest(x[r]), target[r]
        log_sums[r] = top + x.dtype.type(np.log(sum_exponentials(x[r], top)))
        losses[r], shares[r] = zero, zero
        if label == ignored:
            continue
        if label < 0 or label >= classes:
            bad[0] = 1
            continue
        shares[r] = weight[label]
        losses[r] = sharp * weight[label] * (log_sums[r] - x[r, label])
        if smoothing != zero:
            losses[r] += even * smooth_loss(x[r], weight, log_sums[r])


@kernel
def cross_entropy_rows(x, target, weight, ignored, smoothing, losses, log_sums, shares, bad):
    arrays = x, target, weight, ignored, smoothing, losses, log_sums, shares, bad
    share(rows_chunk, arrays, x.shape[0], pieces(x.shape[0], x.size))


@body
def probabilities(row, log_sum, factor, out):
    for c in range(row.size):
        out[c] = exp(row[c] - log_sum) * factor


@body
def subtract(out, weight, factor):
    for c in range(out.size):
        out[c] -= weight[c] * factor


@body
def rows_gradient_chunk(arrays, first, last, thread):
    grad, x, log_sums, target, weight, ignored, smoothing, dx = arrays
    classes, zero = x.shape[1], x.dtype.type(0)
    sharp, even = x.dtype.type(1) - smoothing, smoothing / x.dtype.type(classes)
    spread = even * total(weight) if smoothing != zero else zero
    for r in range(first, last):
        label = target[r]
        if label == ignored:
            for c in range(classes):
                dx[r, c] = zero
            continue
        own = sharp * weight[label]
        probabilities(x[r], log_sums[r], (own + spread) * grad[r], dx[r])
        dx[r, label] -= own * grad[r]
        if smoothing != zero:
            subtract(dx[r], weight, even * grad[r])


@kernel
def cross_entropy_rows_gradient(grad, x, log_sums, target, weight, ignored, smoothing, dx):
    arrays = grad, x, log_sums, target, weight, ignored, smoothing, dx
    share(rows_gradient_chunk, arrays, x.shape[0], pieces(x.shape[0], x.size))


BLOCK = 256  #: pixels of a plane that are worked on at a time


@body
def raise_tops(row, tops):
    for i in range(row.size):
        tops[i] = larger(tops[i], row[i])


@body
def add_exponentials(row, tops, sums):
    for i in range(row.size):
        sums[i] += exp(row[i] - tops[i])


@body
def planes_chunk(arrays, first, last, thread):
    """One item is BLOCK pixels of one image."""
    x, target, weight, ignored, losses, log_sums, shares, bad = arrays
    _, classes, pixels = x.shape
    blocks = (pixels + BLOCK - 1) // BLOCK
    tops, sums, zero = np.empty(BLOCK, x.dtype), np.empty(BLOCK, x.dtype), x.dtype.type(0)
    for item in range(first, last):
        n, start = item // blocks, item % blocks * BLOCK
        stop = min(pixels, start + BLOCK)
        for i in range(stop - start):
            tops[i], sums[i] = x[n, 0, start + i], zero
        for c in range(1, classes):
            raise_tops(x[n, c, start:stop], tops)
        for c in range(classes):
            add_exponentials(x[n, c, start:stop], tops, sums)
        for i in range(start, stop):
            label = target[n, i]
            log_sums[n, i] = tops[i - start] + x.dtype.type(np.log(sums[i - start]))
            losses[n, i], shares[n, i] = zero, zero
            if label == ignored:
                continue
            if label < 0 or label >= classes:
                bad[0] = 1
                continue
            shares[n, i] = weight[label]
            losses[n, i] = weight[label] * (log_sums[n, i] - x[n, label, i])


@kernel
def cross_entropy_planes(x, target, weight, ignored, losses, log_sums, shares, bad):
    items = x.shape[0] * ((x.shape[2] + BLOCK - 1) // BLOCK)
    arrays = x, target, weight, ignored, losses, log_sums, shares, bad
    share(planes_chunk, arrays, items, pieces(items, x.size))


@body
def plane_probabilities(row, log_sums, factors, out):
    for i in range(row.size):
        out[i] = exp(row[i] - log_sums[i]) * factors[i]


@body
def planes_gradient_chunk(arrays, first, last, thread):
    grad, x, log_sums, target, weight, ignored, dx = arrays
    _, classes, pixels = x.shape
    blocks = (pixels + BLOCK - 1) // BLOCK
    factors, zero = np.empty(BLOCK, x.dtype), x.dtype.type(0)
    for item in range(first, last):
        n, start = item // blocks, item % blocks * BLOCK
        stop = min(pixels, start + BLOCK)
        for i in range(start, stop):
            kept = target[n, i] != ignored
            factors[i - start] = weight[target[n, i]] * grad[n, i] if kept else zero
        for c in range(classes):
            plane_probabilities(
                x[n, c, start:stop], log_sums[n, start:stop], factors, dx[n, c, start:stop]
            )
        for i in range(start, stop):
            if target[n, i] != ignored:
                dx[n, target[n, i], i] -= factors[i - start]
            else:
                for c in range(classes):
                    dx[n, c, i] = zero


@kernel
def cross_entropy_planes_gradient(grad, x, log_sums, target, weight, ignored, dx):
    items = x.shape[0] * ((x.shape[2] + BLOCK - 1) // BLOCK)
    arrays = grad, x, log_sums, target, weight, ignored, dx
    share(planes_gradient_chunk, arrays, items, pieces(items, x.size))
