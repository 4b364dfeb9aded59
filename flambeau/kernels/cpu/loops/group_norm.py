"""Batch and group norm: arrays are seen as [batch, groups, members, pixels].

A group has statistics and each of its members weights of its own: for batch norm a group is one
channel of all images, for group norm some channels of one image.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.functions import root
from flambeau.kernels.cpu.loops.rows import total
from flambeau.kernels.cpu.parallel import pieces, share


@body
def shifted_sums(row, shift):
    s, q = row.dtype.type(0), row.dtype.type(0)
    for i in range(row.size):
        e = row[i] - shift
        s += e
        q += e * e
    return s, q


@body
def group_moments(x, g):
    """The mean and the sum of squares about it, of one group of x [B, G, K, P]."""
    batch, _, members, pixels = x.shape
    shift, s, q = total(x[0, g, 0]) / x.dtype.type(pixels), 0.0, 0.0
    for b in range(batch):
        for k in range(members):
            row = shifted_sums(x[b, g, k], shift)
            s += row[0]
            q += row[1]
    n = batch * members * pixels
    return x.dtype.type(s / n) + shift, max(q - s * s / n, 0.0) if q == q else q


@body
def affine_row(row, mean, factor, offset, out):
    for i in range(out.size):
        out[i] = (row[i] - mean) * factor + offset


@body
def group_norm_chunk(arrays, first, last, thread):
    """One item is one group."""
    x, weight, bias, y, means, rstds, squares, eps, training = arrays
    batch, _, members, pixels = x.shape
    kind = x.dtype.type
    for g in range(first, last):
        if training:
            means[g], squares[g] = group_moments(x, g)
            rstds[g] = kind(1) / root(kind(squares[g] / (batch * members * pixels) + eps))
        own = g % weight.shape[0]
        for b in range(batch):
            for k in range(members):
                factor = weight[own, k] * rstds[g]
                affine_row(x[b, g, k], means[g], factor, bias[own, k], y[b, g, k])


@kernel
def group_norm_planes(x, weight, bias, y, means, rstds, squares, eps, training):
    arrays = x, weight, bias, y, means, rstds, squares, eps, training
    share(group_norm_chunk, arrays, x.shape[1], pieces(x.shape[1], x.size))


@body
def gradient_sums(grad, row, mean):
    s, q = row.dtype.type(0), row.dtype.type(0)
    for i in range(row.size):
        s += grad[i]
        q += grad[i] * (row[i] - mean)
    return s, q


@body
def group_norm_gradient_row(grad, row, mean, factor, direct, along, dx):
    for i in range(dx.size):
        dx[i] = grad[i] * factor - direct - (row[i] - mean) * along


@body
def group_norm_gradient_chunk(arrays, first, last, thread):
    """Sums over each member's gradient, then dx; one item is one group."""
    grad, x, weight, means, rstds, dx, dw, db, training = arrays
    batch, _, members, pixels = x.shape
    kind, n = x.dtype.type, batch * members * pixels
    for g in range(first, last):
        own, direct, along, rstd = g % weight.shape[0], 0.0, 0.0, rstds[g]
        for k in range(members):
            s, q = 0.0, 0.0
            for b in range(batch):
                row = gradient_sums(grad[b, g, k], x[b, g, k], means[g])
                s += row[0]
                q += row[1]
            dw[g, k], db[g, k] = kind(q * rstd), kind(s)
            direct += s * weight[own, k]
            along += q * weight[own, k]
        if not training:
            direct, along = 0.0, 0.0
        shift, slope = kind(direct * rstd / n), kind(along * rstd * rstd * rstd / n)
        for b in range(batch):
            for k in range(members):
                group_norm_gradient_row(
                    grad[b, g, k],
                    x[b, g, k],
                    means[g],
                    weight[own, k] * rstd,
                    shift,
                    slope,
                    dx[b, g, k],
                )


@kernel
def group_norm_gradient_planes(grad, x, weight, means, rstds, dx, dw, db, training):
    arrays = grad, x, weight, means, rstds, dx, dw, db, training
    share(group_norm_gradient_chunk, arrays, x.shape[1], pieces(x.shape[1], x.size))
