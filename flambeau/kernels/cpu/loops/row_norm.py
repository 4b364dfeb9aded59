"""Layer norm and RMS norm, which is layer norm that does not centre, along rows.

Weight gradients are summed in a fixed number of parts, so that results never depend on timing.
"""

from __future__ import annotations

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.functions import root
from flambeau.kernels.cpu.loops.rows import squares_about, total
from flambeau.kernels.cpu.parallel import pieces, share


@body
def normalize_row(row, mean, rstd, weight, bias, out):
    for i in range(out.size):
        out[i] = (row[i] - mean) * rstd * weight[i] + bias[i]


@body
def layer_norm_chunk(arrays, first, last, thread):
    x, weight, bias, y, means, rstds, eps, centre = arrays
    n, one = x.dtype.type(x.shape[1]), x.dtype.type(1)
    for r in range(first, last):
        mean = total(x[r]) / n if centre else x.dtype.type(0)
        means[r], rstds[r] = mean, one / root(squares_about(x[r], mean) / n + eps)
        normalize_row(x[r], mean, rstds[r], weight, bias, y[r])


@kernel
def layer_norm_rows(x, weight, bias, y, means, rstds, eps, centre):
    arrays = x, weight, bias, y, means, rstds, eps, centre
    share(layer_norm_chunk, arrays, x.shape[0], pieces(x.shape[0], x.size))


@body
def layer_norm_sums(grad, row, mean, rstd, weight):
    direct, along = row.dtype.type(0), row.dtype.type(0)
    for i in range(row.size):
        g = grad[i] * weight[i]
        direct += g
        along += g * (row[i] - mean) * rstd
    return direct, along


@body
def layer_norm_gradient_row(grad, row, mean, rstd, weight, direct, along, dx):
    for i in range(dx.size):
        dx[i] = (grad[i] * weight[i] - direct - (row[i] - mean) * rstd * along) * rstd


@body
def layer_norm_weight_row(grad, row, mean, rstd, dw, db):
    for i in range(dw.size):
        dw[i] += grad[i] * (row[i] - mean) * rstd
        db[i] += grad[i]


@body
def layer_norm_gradient_chunk(arrays, first, last, thread):
    """One item is one part of the rows."""
    grad, x, weight, means, rstds, dx, dw, db, centre, affine = arrays
    rows, parts, n = x.shape[0], dw.shape[0], x.dtype.type(x.shape[1])
    for part in range(first, last):
        for r in range(rows * part // parts, rows * (part + 1) // parts):
            direct, along = layer_norm_sums(grad[r], x[r], means[r], rstds[r], weight)
            direct = direct / n if centre else x.dtype.type(0)
            layer_norm_gradient_row(
                grad[r], x[r], means[r], rstds[r], weight, direct, along / n, dx[r]
            )
            if affine:
                layer_norm_weight_row(grad[r], x[r], means[r], rstds[r], dw[part], db[part])


@kernel
def layer_norm_gradient_rows(grad, x, weight, means, rstds, dx, dw, db, centre, affine):
    arrays = grad, x, weight, means, rstds, dx, dw, db, centre, affine
    share(layer_norm_gradient_chunk, arrays, dw.shape[0], pieces(dw.shape[0], x.size))
