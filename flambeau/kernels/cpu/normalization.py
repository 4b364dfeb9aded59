"""Softmax and normalisation with compiled loops: a row is read from memory once and written once.

See ``shared.normalization`` for what the functions return.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.group_norm import group_norm_gradient_planes, group_norm_planes
from flambeau.kernels.cpu.loops.row_norm import layer_norm_gradient_rows, layer_norm_rows
from flambeau.kernels.cpu.loops.softmax import (
    log_softmax_gradient_rows,
    log_softmax_rows,
    softmax_gradient_rows,
    softmax_rows,
)
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import normalization as shared
from flambeau.kernels.shared.precision import is_half, optional_wide, rounded

Array = Any
Optional = Any  #: an array or None

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
PARTS = 16  #: of the rows, for sums over them


def _rows(x: Array, length: int) -> Array:
    return np.ascontiguousarray(x).reshape(-1, length)


def _along_last(x: Array, dim: int) -> bool:
    """Whether rows along ``dim`` are contiguous and of a dtype with a compiled form."""
    return x.dtype in FLOATS and x.size > 0 and x.ndim > 0 and prod(x.shape[dim:][1:]) == 1


# ---- softmax


def softmax(x: Array, dim: int) -> Array:
    """See ``shared.normalization``."""
    if is_half(x.dtype):
        return rounded(softmax(x.astype(np.float32), dim), x.dtype)
    if not _along_last(x, dim):
        return shared.softmax(x, dim)
    result = np.empty(x.shape, x.dtype)
    softmax_rows(_rows(x, x.shape[dim]), result.reshape(-1, x.shape[dim]))
    return result


def log_softmax(x: Array, dim: int) -> Array:
    """See ``shared.normalization``."""
    if is_half(x.dtype):
        return rounded(log_softmax(x.astype(np.float32), dim), x.dtype)
    if not _along_last(x, dim):
        return shared.log_softmax(x, dim)
    result = np.empty(x.shape, x.dtype)
    log_softmax_rows(_rows(x, x.shape[dim]), result.reshape(-1, x.shape[dim]))
    return result


def softmax_backward(grad: Array, result: Array, dim: int) -> Array:
    """See ``shared.normalization``."""
    if not _along_last(grad, dim) or result.dtype != grad.dtype:
        return shared.softmax_backward(grad, result, dim)
    length, dx = grad.shape[dim], np.empty(grad.shape, grad.dtype)
    softmax_gradient_rows(_rows(grad, length), _rows(result, length), dx.reshape(-1, length))
    return dx


def log_softmax_backward(grad: Array, result: Array, dim: int) -> Array:
    """See ``shared.normalization``."""
    if not _along_last(grad, dim) or result.dtype != grad.dtype:
        return shared.log_softmax_backward(grad, result, dim)
    length, dx = grad.shape[dim], np.empty(grad.shape, grad.dtype)
    log_softmax_gradient_rows(_rows(grad, length), _rows(result, length), dx.reshape(-1, length))
    return dx


# ---- layer and RMS norm: RMS norm is layer norm that does not centre


def _vector(vector: Optional, length: int, dtype: Any, value: int) -> Array:
    if vector is None:
        return np.full(length, value, dtype)
    return np.ascontiguousarray(vector, dtype).reshape(-1)


def _row_norm(
    x: Array, count: int, weight: Optional, bias: Optional, eps: float, centre: bool
) -> tuple[Array, Array, Array]:
    length, lead = prod(x.shape[x.ndim - count :]), x.shape[: x.ndim - count]
    result, dtype = np.empty(x.shape, x.dtype), x.dtype
    mean, rstd = (np.empty((*lead, *(1,) * count), dtype) for _ in range(2))
    weight, bias = _vector(weight, length, dtype, 1), _vector(bias, length, dtype, 0)
    rows, out = _rows(x, length), result.reshape(-1, length)
    layer_norm_rows(
        rows, weight, bias, out, mean.reshape(-1), rstd.reshape(-1), dtype.type(eps), centre
    )
    return result, mean, rstd


def layer_norm_forward(
    x: Array, weight: Optional, bias: Optional, normalized_ndim: int, eps: float
) -> tuple[Array, Array, Array]:
    """See ``shared.normalization``."""
    if is_half(x.dtype) and x.size:
        weight, bias = optional_wide(weight), optional_wide(bias)
        out, *saved = _row_norm(x.astype(np.float32), normalized_ndim, weight, bias, eps, True)
        return out.astype(x.dtype), *saved
    if x.dtype not in FLOATS or x.size == 0:
        return shared.layer_norm_forward(x, weight, bias, normalized_ndim, eps)
    return _row_norm(x, normalized_ndim, weight, bias, eps, True)


def rms_norm_forward(
    x: Array, weight: Optional, normalized_ndim: int, eps: float
) -> tuple[Array, Array]:
    """See ``shared.normalization``."""
    if x.dtype not in FLOATS or x.size == 0:
        return shared.rms_norm_forward(x, weight, normalized_ndim, eps)
    result, _, rstd = _row_norm(x, normalized_ndim, weight, None, eps, False)
    return result, rstd


def _row_norm_backward(
    grad: Array, x: Array, mean: Array, rstd: Array, weight: Optional, affine: bool, centre: bool
) -> tuple[Array, Array, Array]:
    length = x.size // rstd.size
    dx, dtype = np.empty(x.shape, x.dtype), x.dtype
    parts = max(1, min(PARTS, rstd.size // 8))
    dw, db = (np.zeros((parts, length if affine else 0), dtype) for _ in range(2))
    layer_norm_gradient_rows(
        _rows(grad, length),
        _rows(x, length),
        _vector(weight, length, dtype, 1),
        mean.reshape(-1),
        rstd.reshape(-1),
        dx.reshape(-1, length),
        dw,
        db,
        centre,
        affine,
    )
    return dx, np.add.reduce(dw, 0), np.add.reduce(db, 0)


def layer_norm_backward(
    grad: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Optional,
    normalized_ndim: int,
    needs: tuple[bool, bool, bool],
) -> tuple[Optional, Optional, Optional]:
    """See ``shared.normalization``."""
    if x.dtype not in FLOATS or x.size == 0:
        return shared.layer_norm_backward(grad, x, mean, rstd, weight, normalized_ndim, needs)
    affine, shape = needs[1] or needs[2], x.shape[x.ndim - normalized_ndim :]
    dx, dw, db = _row_norm_backward(grad, x, mean, rstd, weight, affine, True)
    return (
        dx if needs[0] else None,
        dw.reshape(shape) if needs[1] else None,
        db.reshape(shape) if needs[2] else None,
    )


def rms_norm_backward(
    grad: Array,
    x: Array,
    rstd: Array,
    weight: Optional,
    normalized_ndim: int,
    needs: tuple[bool, bool],
) -> tuple[Optional, Optional]:
    """See ``shared.normalization``."""
    if x.dtype not in FLOATS or x.size == 0:
        return shared.rms_norm_backward(grad, x, rstd, weight, normalized_ndim, needs)
    mean = np.zeros(rstd.shape, rstd.dtype)
    dx, dw, _ = _row_norm_backward(grad, x, mean, rstd, weight, needs[1], False)
    shape = x.shape[x.ndim - normalized_ndim :]
    return dx if needs[0] else None, dw.reshape(shape) if needs[1] else None


# ---- batch and group norm


LEAST_PLANE = 8  #: pixels below which planes are too short to be rows


def _planes_suit(x: Array) -> bool:
    return x.dtype in FLOATS and x.size > 0 and prod(x.shape[2:]) >= LEAST_PLANE


def batch_norm_forward(
    x: Array,
    weight: Optional,
    bias: Optional,
    mean: Optional,
    var: Optional,
    training: bool,
    eps: float,
) -> tuple[Array, Array, Array, Optional]:
    """See ``shared.normalization``."""
    if not _planes_suit(x):
        return shared.batch_norm_forward(x, weight, bias, mean, var, training, eps)
    batch, channels, dtype = x.shape[0], x.shape[1], x.dtype
    if training:
        mean, rstd = np.empty(channels, dtype), np.empty(channels, dtype)
    else:
        mean = np.ascontiguousarray(mean, dtype)
        rstd = np.ascontiguousarray(1 / np.sqrt(var + eps), dtype)
    squares, result = np.empty(channels), np.empty(x.shape, dtype)
    group_norm_planes(
        np.ascontiguousarray(x).reshape(batch, channels, 1, -1),
        _vector(weight, channels, dtype, 1).reshape(-1, 1),
        _vector(bias, channels, dtype, 0).reshape(-1, 1),
        result.reshape(batch, channels, 1, -1),
        mean,
        rstd,
        squares,
        eps,
        training,
    )
    count = x.size // channels
    return result, mean, rstd, (squares / (count - 1)).astype(dtype) if training else None


def batch_norm_backward(
    grad: Array,
    x: Array,
    weight: Optional,
    save_mean: Array,
    save_rstd: Array,
    training: bool,
    needs: tuple[bool, bool, bool],
) -> tuple[Optional, Optional, Optional]:
    """See ``shared.normalization``."""
    if not _planes_suit(x):
        return shared.batch_norm_backward(grad, x, weight, save_mean, save_rstd, training, needs)
    shape = (x.shape[0], x.shape[1], 1, -1)
    dx, dw, db = _planes_backward(grad, x, shape, weight, 1, save_mean, save_rstd, training)
    return (
        dx if needs[0] else None,
        dw.reshape(-1) if needs[1] else None,
        db.reshape(-1) if needs[2] else None,
    )


def _planes_backward(
    grad: Array,
    x: Array,
    shape: tuple[int, ...],
    weight: Optional,
    members: int,
    mean: Array,
    rstd: Array,
    training: bool,
) -> tuple[Array, Array, Array]:
    dx, dtype = np.empty(x.shape, x.dtype), x.dtype
    dw, db = (np.empty((shape[1], members), dtype) for _ in range(2))
    group_norm_gradient_planes(
        np.ascontiguousarray(grad, dtype).reshape(shape),
        np.ascontiguousarray(x).reshape(shape),
        _vector(weight, x.shape[1], dtype, 1).reshape(-1, members),
        np.ascontiguousarray(mean, dtype).reshape(-1),
        np.ascontiguousarray(rstd, dtype).reshape(-1),
        dx.reshape(shape),
        dw,
        db,
        training,
    )
    return dx, dw, db


def group_norm_forward(
    x: Array, weight: Optional, bias: Optional, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """See ``shared.normalization``."""
    if not _planes_suit(x):
        return shared.group_norm_forward(x, weight, bias, groups, eps)
    batch, channels, dtype = x.shape[0], x.shape[1], x.dtype
    members, shape = channels // groups, (1, batch * groups, channels // groups, -1)
    mean, rstd = (np.empty(batch * groups, dtype) for _ in range(2))
    result = np.empty(x.shape, dtype)
    group_norm_planes(
        np.ascontiguousarray(x).reshape(shape),
        _vector(weight, channels, dtype, 1).reshape(-1, members),
        _vector(bias, channels, dtype, 0).reshape(-1, members),
        result.reshape(shape),
        mean,
        rstd,
        np.empty(batch * groups),
        eps,
        True,
    )
    return result, mean.reshape(batch, groups), rstd.reshape(batch, groups)


def group_norm_backward(
    grad: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Optional,
    groups: int,
    needs: tuple[bool, bool, bool],
) -> tuple[Optional, Optional, Optional]:
    """See ``shared.normalization``."""
    if not _planes_suit(x):
        return shared.group_norm_backward(grad, x, mean, rstd, weight, groups, needs)
    members = x.shape[1] // groups
    shape = (1, len(x) * groups, members, -1)
    dx, dw, db = _planes_backward(grad, x, shape, weight, members, mean, rstd, True)
    dw, db = (np.add.reduce(sums.reshape(len(x), -1), 0) for sums in (dw, db))
    return dx if needs[0] else None, dw if needs[1] else None, db if needs[2] else None


silence(globals())
