"""Softmax, and layer, RMS, batch and group normalisation with their gradients.

Variances are summed about the mean. Statistics of half-precision arrays stay in float32. Reductions
call the ufuncs, not the methods of arrays: those warn from within NumPy.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy
import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.precision import optional_wide, rounded, wide

Array = Any
Optional = Any  #: an array or None


def _sum(x: Array, axes: Any) -> Array:
    return xp.add.reduce(x, axes, None, None, True)


def _top(x: Array, dim: int) -> Array:
    """The maximum along ``dim``: by the ufunc, which is faster, where the library has it."""
    if xp is numpy:
        return xp.maximum.reduce(x, dim, None, None, True)
    return x.max(axis=dim, keepdims=True)


TINY = 512  #: elements up to which calls cost more than arithmetic


@lru_cache(64)
def _ones(count: int, dtype: Any) -> Array:
    return numpy.ones((count, 1), dtype)


def _row_sums(x: Array, count: int) -> Array:
    """Sums over the last ``count`` dimensions, kept; a product with ones is the quicker call."""
    if xp is not numpy or x.size > TINY or x.size == 0:
        return _sum(x, _last(count))
    lead = x.shape[: x.ndim - count]
    length = x.shape[-1] if count == 1 else prod(x.shape[x.ndim - count :])
    sums = x.reshape(-1, length).dot(_ones(length, x.dtype))
    return sums.reshape(*lead, *(1,) * count)


# ---- softmax


def _safe_sums(powers: Array, limit: float) -> Array | None:
    """The sums of exponentials along the last dimension; None unless they all lie between
    ``1 / limit`` and ``limit``, so that nothing is lost by not subtracting the maximum first."""
    sums = powers.dot(_ones(powers.shape[-1], powers.dtype))
    flat = sums.ravel().tolist()
    return sums if min(flat) * limit > 1 and max(flat) < limit else None


@compiled(minimum=8192, loaded=256)
def softmax(x: Array, dim: int) -> Array:
    """exp(x) / sum(exp(x)) along ``dim``."""
    if x.ndim == 0:
        return softmax(x.reshape(1), 0).reshape(())
    if x.size == 0:
        return xp.empty_like(x)
    if x.itemsize < 4:
        return softmax(wide(x), dim).astype(x.dtype)
    if not x.flags.c_contiguous:
        x = xp.ascontiguousarray(x)
    if x.size <= TINY and dim == x.ndim - 1 and xp is numpy:
        powers = xp.exp(x)
        sums = _safe_sums(powers, 1e20)
        if sums is not None:
            powers /= sums
            return powers
    result = xp.subtract(x, _top(x, dim))
    xp.exp(result, result)
    result /= xp.add.reduce(result, dim, None, None, True)
    return result


@compiled(minimum=8192, loaded=256)
def softmax_backward(grad: Array, result: Array, dim: int) -> Array:
    """The gradient of ``x`` of ``softmax``."""
    if grad.ndim == 0:
        return softmax_backward(grad.reshape(1), result.reshape(1), 0).reshape(())
    wide_grad, y = wide(grad), wide(result)
    return rounded((wide_grad - _sum(wide_grad * y, dim)) * y, grad.dtype)


@compiled(minimum=8192, loaded=256)
def log_softmax(x: Array, dim: int) -> Array:
    """x - log(sum(exp(x))) along ``dim``."""
    if x.ndim == 0:
        return log_softmax(x.reshape(1), 0).reshape(())
    if x.size == 0:
        return xp.empty_like(x)
    if x.itemsize < 4:
        return log_softmax(wide(x), dim).astype(x.dtype)
    if not x.flags.c_contiguous:
        x = xp.ascontiguousarray(x)
    if x.size <= TINY and dim == x.ndim - 1 and xp is numpy:
        sums = _safe_sums(xp.exp(x), 1e4)
        if sums is not None:
            return x - xp.log(sums)
    shifted = xp.subtract(x, _top(x, dim))
    shifted -= xp.log(xp.add.reduce(xp.exp(shifted), dim, None, None, True))
    return shifted


@compiled(minimum=8192, loaded=256)
def log_softmax_backward(grad: Array, result: Array, dim: int) -> Array:
    """The gradient of ``x`` of ``log_softmax``."""
    if grad.ndim == 0:
        return log_softmax_backward(grad.reshape(1), result.reshape(1), 0).reshape(())
    wide_grad = wide(grad)
    return rounded(wide_grad - xp.exp(wide(result)) * _sum(wide_grad, dim), grad.dtype)


# ---- layer and RMS norm: rows of the last dimensions


def _last(count: int) -> tuple[int, ...]:
    return tuple(range(-count, 0))


@compiled(minimum=8192, loaded=256)
def layer_norm_forward(
    x: Array, weight: Optional, bias: Optional, normalized_ndim: int, eps: float
) -> tuple[Array, Array, Array]:
    """``(x - mean) * rstd * weight + bias`` over the last dimensions, mean and 1 / deviation."""
    length = prod(x.shape[x.ndim - normalized_ndim :])
    values = wide(x if x.flags.c_contiguous else xp.ascontiguousarray(x))
    mean = _row_sums(values, normalized_ndim)
    mean /= length
    centred = values - mean
    rstd = _row_sums(centred * centred, normalized_ndim)
    rstd /= length
    rstd += eps
    rstd = 1 / xp.sqrt(rstd, rstd)
    centred *= rstd
    return rounded(_affine(centred, weight, bias), x.dtype), mean, rstd


@compiled(minimum=8192, loaded=256)
def layer_norm_backward(
    grad: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Optional,
    normalized_ndim: int,
    needs: tuple[bool, bool, bool],
) -> tuple[Optional, Optional, Optional]:
    """The gradients of ``x``, ``weight`` and ``bias``, as far as ``needs`` asks for them."""
    axes, outer = _last(normalized_ndim), tuple(range(x.ndim - normalized_ndim))
    length = prod(x.shape[x.ndim - normalized_ndim :])
    wide_grad, unit = wide(grad), (wide(x) - mean) * rstd
    dx = dw = db = None
    if needs[0]:
        g = wide_grad if weight is None else wide_grad * wide(weight)
        dx = g - _sum(g, axes) / length - unit * (_sum(g * unit, axes) / length)
        dx = rounded(dx * rstd, x.dtype)
    if needs[1]:
        dw = rounded(xp.add.reduce(wide_grad * unit, outer), x.dtype)
    if needs[2]:
        db = rounded(xp.add.reduce(wide_grad, outer), x.dtype)
    return dx, dw, db


@compiled(minimum=8192, loaded=256)
def rms_norm_forward(
    x: Array, weight: Optional, normalized_ndim: int, eps: float
) -> tuple[Array, Array]:
    """``x * rstd * weight`` with ``rstd = 1 / sqrt(mean(x**2) + eps)``, and ``rstd``."""
    values = wide(x if x.flags.c_contiguous else xp.ascontiguousarray(x))
    length = prod(x.shape[x.ndim - normalized_ndim :])
    rstd = 1 / xp.sqrt(_row_sums(values * values, normalized_ndim) / length + eps)
    return rounded(_affine(values * rstd, weight, None), x.dtype), rstd


@compiled(minimum=8192, loaded=256)
def rms_norm_backward(
    grad: Array,
    x: Array,
    rstd: Array,
    weight: Optional,
    normalized_ndim: int,
    needs: tuple[bool, bool],
) -> tuple[Optional, Optional]:
    """The gradients of ``x`` and ``weight``, as far as ``needs`` asks for them."""
    axes, outer = _last(normalized_ndim), tuple(range(x.ndim - normalized_ndim))
    length = prod(x.shape[x.ndim - normalized_ndim :])
    wide_grad, unit = wide(grad), wide(x) * rstd
    dx = dw = None
    if needs[0]:
        g = wide_grad if weight is None else wide_grad * wide(weight)
        dx = rounded((g - unit * (_sum(g * unit, axes) / length)) * rstd, x.dtype)
    if needs[1]:
        dw = rounded(xp.add.reduce(wide_grad * unit, outer), x.dtype)
    return dx, dw


def _affine(unit: Array, weight: Optional, bias: Optional) -> Array:
    """``unit * weight + bias``, written over ``unit``."""
    if weight is not None:
        unit *= weight if weight.dtype == unit.dtype else wide(weight)
    if bias is not None:
        unit += bias if bias.dtype == unit.dtype else wide(bias)
    return unit


# ---- batch norm: a channel over batch and pixels


def _per_channel(vector: Optional, rank: int) -> Optional:
    vector = optional_wide(vector)
    return None if vector is None else vector.reshape(-1, *(1,) * (rank - 2))


def _all_but_channels(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _scaled_by_channel(
    values: Array, weight: Optional, bias: Optional, mean: Array, var: Array, eps: float, dtype: Any
) -> tuple[Array, Array, Array, Optional]:
    """Batch norm with given statistics: one factor and one term for each channel."""
    rstd = 1 / xp.sqrt(var + eps)
    scale = rstd if weight is None else rstd * wide(weight)
    shift = -mean * scale if bias is None else wide(bias) - mean * scale
    result = values * _per_channel(scale, values.ndim)
    result += _per_channel(shift, values.ndim)
    return rounded(result, dtype), mean, rstd, None


@compiled(minimum=8192, loaded=256)
def batch_norm_forward(
    x: Array,
    weight: Optional,
    bias: Optional,
    mean: Optional,
    var: Optional,
    training: bool,
    eps: float,
) -> tuple[Array, Array, Array, Optional]:
    """Normalises ``x`` [N, C, *]: the result, mean [C], 1 / deviation [C] and unbiased variance.

    In training the statistics are the batch's; otherwise they are the given ones, and the last
    value is None.
    """
    values, unbiased = wide(x if x.flags.c_contiguous else xp.ascontiguousarray(x)), None
    if training:
        axes, count = _all_but_channels(x), x.size // max(1, x.shape[1])
        mean = _sum(values, axes) / count
        centred = values - mean
        squares = xp.add.reduce(centred * centred, axes)
        var, mean = squares / count, mean.reshape(-1)
        unbiased = squares / (count - 1) if count > 1 else squares / (squares - squares)
    else:
        return _scaled_by_channel(values, weight, bias, wide(mean), wide(var), eps, x.dtype)
    rstd = 1 / xp.sqrt(var + eps)
    centred *= _per_channel(rstd, x.ndim)
    result = _affine(centred, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))
    return rounded(result, x.dtype), mean, rstd, unbiased


@compiled(minimum=8192, loaded=256)
def batch_norm_backward(
    grad: Array,
    x: Array,
    weight: Optional,
    save_mean: Array,
    save_rstd: Array,
    training: bool,
    needs: tuple[bool, bool, bool],
) -> tuple[Optional, Optional, Optional]:
    """The gradients of ``x``, ``weight`` and ``bias``, as far as ``needs`` asks for them."""
    axes, count = _all_but_channels(x), x.size // max(1, x.shape[1])
    g, rstd = wide(grad), _per_channel(save_rstd, x.ndim)
    unit = (wide(x) - _per_channel(save_mean, x.ndim)) * rstd
    along, direct = _sum(g * unit, axes), _sum(g, axes)
    dx = None
    if needs[0]:
        dx = g - direct / count - unit * (along / count) if training else g
        dx = dx * (rstd if weight is None else rstd * _per_channel(weight, x.ndim))
        dx = rounded(dx, x.dtype)
    dw = rounded(along.reshape(-1), x.dtype) if needs[1] else None
    db = rounded(direct.reshape(-1), x.dtype) if needs[2] else None
    return dx, dw, db


# ---- group norm: an image's channels in groups


@compiled(minimum=8192, loaded=256)
def group_norm_forward(
    x: Array, weight: Optional, bias: Optional, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """Normalises ``x`` [N, C, *] over each group of channels: result, mean and rstd [N, groups]."""
    batch, length = len(x), prod(x.shape[1:]) // groups
    rows = wide(xp.ascontiguousarray(x)).reshape(batch, groups, length)
    mean = _sum(rows, 2) / length
    centred = rows - mean
    rstd = 1 / xp.sqrt(_sum(centred * centred, 2) / length + eps)
    centred *= rstd
    unit = centred.reshape(x.shape)
    result = _affine(unit, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))
    return rounded(result, x.dtype), mean.reshape(batch, groups), rstd.reshape(batch, groups)


@compiled(minimum=8192, loaded=256)
def group_norm_backward(
    grad: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Optional,
    groups: int,
    needs: tuple[bool, bool, bool],
) -> tuple[Optional, Optional, Optional]:
    """The gradients of ``x``, ``weight`` and ``bias``, as far as ``needs`` asks for them."""
    rows = (len(x), groups, prod(x.shape[1:]) // groups)
    g, rstd = wide(grad), rstd.reshape(*rows[:2], 1)
    unit = (wide(x).reshape(rows) - mean.reshape(*rows[:2], 1)) * rstd
    dx = dw = db = None
    if needs[0]:
        h = (g if weight is None else g * _per_channel(weight, x.ndim)).reshape(rows)
        dx = (h - _sum(h, 2) / rows[2] - unit * (_sum(h * unit, 2) / rows[2])) * rstd
        dx = rounded(dx.reshape(x.shape), x.dtype)
    if needs[1]:
        dw = xp.add.reduce(g * unit.reshape(x.shape), _all_but_channels(x))
        dw = rounded(dw, x.dtype)
    if needs[2]:
        db = rounded(xp.add.reduce(g, _all_but_channels(x)), x.dtype)
    return dx, dw, db


silence(globals())
