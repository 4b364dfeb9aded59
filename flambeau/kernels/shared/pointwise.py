"""Arithmetic of single elements. Arrays have one dtype; the second may be a Python number."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.indexing import is_host
from flambeau.kernels.shared.precision import wide

Array = Any  #: a NumPy or a CuPy array
Number = Any  #: an array, or a Python number


# ---- sums and products


def _scaled(y: Number, alpha: Any, dtype: Any) -> Number:
    """``alpha * y`` in a dtype."""
    if isinstance(alpha, bool) and dtype.kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if dtype.kind in "iub" and isinstance(alpha, float):
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    if dtype.kind != "c" and isinstance(alpha, complex):
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    if alpha == 1:
        return y
    if dtype.kind in "iu":
        return xp.multiply(y, xp.asarray(alpha, xp.int64).astype(dtype))
    return xp.multiply(y, dtype.type(alpha))


def add_scaled(x: Array, y: Number, alpha: Any) -> Array:
    """``x + alpha * y``."""
    return xp.add(x, _scaled(y, alpha, x.dtype))


def subtract_scaled(x: Array, y: Number, alpha: Any) -> Array:
    """``x - alpha * y``."""
    return xp.subtract(x, _scaled(y, alpha, x.dtype))


def subtract_reversed(x: Array, y: Number, alpha: Any = 1) -> Array:
    """``y - alpha * x``."""
    return xp.subtract(y, _scaled(x, alpha, x.dtype))


def _factor(value: Any, dtype: Any) -> Any:
    """A factor of integers is truncated."""
    return int(value) if dtype.kind in "iu" else value


def multiply_add(x: Array, y: Array, z: Array, value: Any) -> Array:
    """``x + value * y * z``."""
    value = _factor(value, x.dtype)
    return xp.add(x, xp.multiply(y, z) if value == 1 else xp.multiply(xp.multiply(y, value), z))


def divide_add(x: Array, y: Array, z: Array, value: Any) -> Array:
    """``x + value * y / z``."""
    return xp.add(x, xp.divide(y if value == 1 else xp.multiply(y, value), z))


def interpolate(x: Array, y: Array, weight: Number) -> Array:
    """``x + weight * (y - x)``, exact at both ends."""
    step = xp.subtract(y, x)
    if xp.__name__ == "numpy" and not weight.ndim:
        if abs(weight) < 0.5:
            return xp.add(x, xp.multiply(step, weight))
        return xp.subtract(y, xp.multiply(step, xp.subtract(1, weight)))
    near = xp.add(x, xp.multiply(step, weight))
    far = xp.subtract(y, xp.multiply(step, xp.subtract(1, weight)))
    return xp.where(xp.less(xp.abs(weight), 0.5), near, far)


# The same into ``x``, for arrays of one shape; only one more array is needed.


def multiply_add_into(x: Array, y: Array, z: Array, value: Any) -> None:
    """``x += value * y * z``."""
    product = xp.multiply(y, z if value == 1 else _factor(value, x.dtype))
    if value != 1:
        xp.multiply(product, z, product)
    xp.add(x, product, x)


def divide_add_into(x: Array, y: Array, z: Array, value: Any) -> None:
    """``x += value * y / z``."""
    if value == 1:
        quotient = xp.divide(y, z)
    else:
        quotient = xp.multiply(y, _factor(value, x.dtype))
        xp.divide(quotient, z, quotient)
    xp.add(x, quotient, x)


def interpolate_into(x: Array, y: Array, weight: Number) -> None:
    """``x += weight * (y - x)`` for one weight."""
    step, weight = xp.subtract(y, x), x.dtype.type(weight)
    if abs(weight) < 0.5:
        xp.add(x, xp.multiply(step, weight, step), x)
    else:
        xp.subtract(y, xp.multiply(step, x.dtype.type(1) - weight, step), x)


# ---- quotients


def _refuse_zero(y: Number) -> None:
    """Integers have no infinity. On CUDA nobody looks, as that would wait for the device."""
    if isinstance(y, int):
        if not y:
            raise ZeroDivisionError
    elif xp.__name__ == "numpy" and y.dtype.kind in "iu" and not y.all():
        raise ZeroDivisionError


def floor_divide(x: Array, y: Number) -> Array:
    """The quotient, rounded down."""
    if x.dtype.kind in "iu":
        _refuse_zero(y)
        return xp.floor_divide(x, y)
    quotient = xp.floor_divide(x, y)
    return xp.where(xp.equal(y, 0), xp.divide(x, y), quotient)


def truncate_divide(x: Array, y: Number) -> Array:
    """The quotient, rounded towards zero."""
    if x.dtype.kind not in "iu":
        return xp.trunc(xp.divide(x, y))
    _refuse_zero(y)
    down = xp.floor_divide(x, y)
    inexact = xp.not_equal(xp.multiply(down, y), x)
    return xp.add(down, xp.logical_and(xp.less(down, 0), inexact), dtype=x.dtype)


def remainder(x: Array, y: Number) -> Array:
    """What floor division leaves: it has the sign of the divisor."""
    if x.dtype.kind in "iu":
        _refuse_zero(y)
        return xp.remainder(x, y)
    rest = xp.fmod(x, y)
    opposite = xp.not_equal(xp.less(y, 0), xp.less(rest, 0))
    return xp.where(xp.logical_and(xp.not_equal(rest, 0), opposite), xp.add(rest, y), rest)


def fmod(x: Array, y: Number) -> Array:
    """What truncating division leaves: it has the sign of the dividend."""
    if x.dtype.kind in "iu":
        _refuse_zero(y)
    return xp.fmod(x, y)


# ---- powers and roots


def power(x: Array, y: Number) -> Array:
    """``x`` to the power of ``y``; integers with negative powers are rounded towards zero."""
    if x.dtype.kind in "iu":
        return _integer_power(x, y)
    if not isinstance(y, (int, float, complex)):
        if y.ndim or xp.__name__ != "numpy" or y.dtype.kind == "c":
            return xp.power(x, y)
        y = float(y)
    special = _POWERS.get(y)
    return xp.power(x, y) if special is None else special(x)


def _integer_power(x: Array, y: Number) -> Array:
    if isinstance(y, int):
        return xp.square(x) if y == 2 else xp.power(x, y)
    if y.dtype.kind == "u":
        return xp.power(x, y)
    value = xp.power(x, xp.maximum(y, 0))
    odd = xp.bitwise_and(y, 1)
    inverse = xp.where(xp.equal(x, 1), 1, xp.where(xp.equal(x, -1), 1 - 2 * odd, 0))
    return xp.where(xp.less(y, 0), inverse, value).astype(x.dtype)


def _square(x: Array) -> Array:
    return xp.square(x)


def _cube(x: Array) -> Array:
    return xp.multiply(xp.square(x), x)


def _root(x: Array) -> Array:
    return xp.sqrt(x)


def reciprocal(x: Array) -> Array:
    """``1 / x``."""
    return xp.divide(1, x) if x.dtype.kind == "c" else xp.reciprocal(x)


def reciprocal_root(x: Array) -> Array:
    """``1 / sqrt(x)``."""
    return reciprocal(xp.sqrt(x))


def _reciprocal_square(x: Array) -> Array:
    return reciprocal(xp.square(x))


_POWERS = {
    2: _square, 3: _cube, 0.5: _root, -1: reciprocal, -0.5: reciprocal_root,
    -2: _reciprocal_square,
}  # fmt: skip


# ---- signs


def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN."""
    if x.dtype.kind in "bu":
        return xp.not_equal(x, 0).astype(x.dtype)
    return xp.subtract(xp.greater(x, 0), xp.less(x, 0), dtype=x.dtype)


def unit(x: Array) -> Array:
    """The sign; of a complex number, the number of length 1 in its direction."""
    if x.dtype.kind != "c":
        return sign(x)
    length = xp.abs(x)
    return xp.where(xp.equal(length, 0), 0, xp.divide(x, length)).astype(x.dtype)


def sign_bit(x: Array) -> Array:
    """Whether a number is negative; -0.0 and negative NaN are."""
    return xp.signbit(x) if x.dtype.kind == "f" else xp.less(x, 0)


def next_after(x: Array, y: Array) -> Array:
    """The next number after ``x`` in the direction of ``y``."""
    if is_host() or x.dtype.kind != "V":
        return xp.nextafter(x, y)
    near, far, bits = wide(x), wide(y), x.view(xp.int16)  # CuPy has none for bfloat16
    moved = bits + xp.where((far > near) == (near > 0), 1, -1)
    moved = xp.where(near == 0, xp.where(far > 0, 1, -0x7FFF), moved)
    moved = xp.where(xp.isnan(near) | xp.isnan(far), 0x7FC0, moved)
    return xp.where(near == far, y.view(xp.int16), moved).astype(xp.int16).view(x.dtype)


def step(x: Array, values: Array) -> Array:
    """0 below zero, 1 above, ``values`` at zero."""
    return xp.where(xp.equal(x, 0), values, xp.greater(x, 0)).astype(x.dtype)


# ---- choices


@compiled(65536, 4096)
def where(mask: Array, x: Array, y: Array) -> Array:
    """``x`` where the mask holds, ``y`` elsewhere."""
    return xp.where(mask, x, y)


def clamp(x: Array, low: Number, high: Number) -> Array:
    """The nearest value between two bounds, either of which may be None; NaN stays."""
    if low is not None:
        x = xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


def finite(x: Array, nan: float, posinf: float, neginf: float) -> Array:
    """NaN and infinities replaced; in complex numbers, in both parts."""
    if x.dtype.kind in "iub":
        return x.copy()
    return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


silence(globals())
