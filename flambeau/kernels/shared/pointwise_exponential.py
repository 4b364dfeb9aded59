"""Logarithms of sums and products, angles, rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.indexing import is_host

Array = Any  #: a NumPy or a CuPy array
Number = Any  #: an array, or a Python number
_LOG10_2 = xp.asarray(math.log10(2), xp.float32)


# ---- exponentials and logarithms


def exp2(x: Array) -> Array:
    """2 to the power of ``x``."""
    return xp.exp(xp.multiply(x, xp.log(2))).astype(x.dtype) if x.dtype.kind == "c" else xp.exp2(x)


def log2(x: Array) -> Array:
    """The logarithm to base 2."""
    if x.dtype.kind != "c":
        return xp.log2(x)
    return xp.multiply(xp.log(x), 1 / float(xp.log(2.0)))


def log10(x: Array) -> Array:
    """The logarithm to base 10; NumPy's of float32 misses the powers of 10 by a bit, this does
    not."""
    if x.dtype.char != "f" or not is_host():
        return xp.log10(x)
    return xp.multiply(xp.log2(x), _LOG10_2)


def log1p(x: Array) -> Array:
    """``log(1 + x)``, accurate near 0."""
    if x.dtype.kind != "c":
        return xp.log1p(x)
    small = xp.add(xp.multiply(x.real, xp.add(2, x.real)), xp.square(x.imag))
    near = xp.multiply(xp.log1p(small), 0.5)
    far = xp.log(xp.hypot(xp.add(1, x.real), x.imag))
    result = xp.empty_like(x)
    result.real = xp.where(xp.less(xp.abs(small), 0.5), near, far)
    result.imag = xp.arctan2(x.imag, xp.add(1, x.real))
    return result


def log_add_exp(x: Array, y: Array) -> Array:
    """``log(exp(x) + exp(y))`` without overflow."""
    if x.dtype.kind != "c":
        return xp.logaddexp(x, y)
    first = xp.greater_equal(x.real, y.real)
    larger, smaller = xp.where(first, x, y), xp.where(first, y, x)
    apart = xp.add(larger, log1p(xp.exp(xp.subtract(smaller, larger))))
    infinite = xp.logical_and(xp.equal(x, y), xp.isinf(x.real))
    return xp.where(infinite, larger, apart)


def x_log_y(x: Array, y: Number) -> Array:
    """``x * log(y)``, 0 where ``x`` is 0 unless ``y`` is NaN."""
    y = xp.asarray(y, x.dtype)
    product = xp.multiply(x, xp.log(y))
    return xp.where(xp.logical_and(xp.equal(x, 0), xp.equal(y, y)), x.dtype.type(0), product)


def x_log1p_y(x: Array, y: Number) -> Array:
    """``x * log(1 + y)``, 0 where ``x`` is 0 unless ``y`` is NaN."""
    y = xp.asarray(y, x.dtype)
    product = xp.multiply(x, xp.log1p(y))
    return xp.where(xp.logical_and(xp.equal(x, 0), xp.equal(y, y)), x.dtype.type(0), product)


# ---- angles


def sinc(x: Array) -> Array:
    """``sin(pi x) / (pi x)``, 1 at 0."""
    turned = xp.multiply(x, xp.pi)
    return xp.where(xp.equal(x, 0), x.dtype.type(1), xp.divide(xp.sin(turned), turned))


def to_radians(x: Array) -> Array:
    """Degrees as radians."""
    return xp.multiply(x, xp.pi / 180)


def to_degrees(x: Array) -> Array:
    """Radians as degrees."""
    return xp.multiply(x, 180 / xp.pi)


# ---- rounding


def round_to(x: Array, decimals: int) -> Array:
    """The nearest number with that many decimals, the even one of two."""
    if x.dtype.kind in "iu":
        return x.copy()
    if not decimals:
        return xp.rint(x)
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return xp.divide(xp.rint(xp.multiply(x, scale)), scale)
    return xp.multiply(xp.rint(xp.divide(x, scale)), scale)


def fraction(x: Array) -> Array:
    """What truncation leaves."""
    return xp.subtract(x, xp.trunc(x))


def split_exponent(x: Array) -> tuple[Array, Array]:
    """Mantissas in [0.5, 1) and exponents of 2."""
    return xp.frexp(x)


silence(globals())
