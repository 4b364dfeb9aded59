"""Comparisons, logic and bits of single elements."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array
Number = Any  #: an array, or a Python number


def is_near(x: Array, y: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    """``|x - y| <= atol + rtol * |y|`` for finite numbers, else equality."""
    near = xp.equal(x, y)
    if equal_nan and x.dtype.kind in "fc":
        near = xp.logical_or(near, xp.logical_and(xp.isnan(x), xp.isnan(y)))
    if rtol == 0 and atol == 0:
        return near
    if x.dtype.kind in "iub":
        x, y = x.astype(xp.float64), y.astype(xp.float64)
    distance = xp.abs(xp.subtract(x, y))
    allowed = xp.add(atol, xp.abs(xp.multiply(rtol, y)))
    return xp.logical_or(
        near, xp.logical_and(xp.isfinite(distance), xp.less_equal(distance, allowed))
    )


def is_positive_infinity(x: Array) -> Array:
    """Whether elements are plus infinity."""
    return xp.equal(x, xp.inf) if x.dtype.kind == "f" else xp.zeros(x.shape, bool)


def is_negative_infinity(x: Array) -> Array:
    """Whether elements are minus infinity."""
    return xp.equal(x, -xp.inf) if x.dtype.kind == "f" else xp.zeros(x.shape, bool)


def is_real(x: Array) -> Array:
    """Whether imaginary parts are zero."""
    return xp.equal(x.imag, 0) if x.dtype.kind == "c" else xp.ones_like(x, bool)


# ---- bits


def _beyond(x: Array, y: Number) -> Any:
    """Whether shifts are negative or as wide as the number."""
    return xp.logical_or(xp.less(y, 0), xp.greater(y, 8 * x.dtype.itemsize - 1))


def shift_left(x: Array, y: Number) -> Array:
    """``x * 2 ** y``; 0 where ``y`` is negative or as large as the number of bits."""
    if x.dtype.kind not in "iu":
        raise TypeError("ufunc 'left_shift' not supported for the input types")
    beyond = _beyond(x, y)
    return xp.where(beyond, 0, xp.left_shift(x, xp.where(beyond, 0, y).astype(x.dtype))).astype(
        x.dtype
    )


def shift_right(x: Array, y: Number) -> Array:
    """``x / 2 ** y`` rounded down; the sign where ``y`` is negative or too large."""
    widest = 8 * x.dtype.itemsize - 1
    bits = xp.where(_beyond(x, y), widest, y).astype(x.dtype)
    shifted = xp.right_shift(x, bits)
    if x.dtype.kind == "u":
        shifted = xp.where(_beyond(x, y), 0, shifted).astype(x.dtype)
    return shifted


silence(globals())
