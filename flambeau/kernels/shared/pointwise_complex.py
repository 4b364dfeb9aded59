"""Complex numbers of parts."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array


def conjugate(x: Array) -> Array:
    """The imaginary parts with the other sign."""
    return x.conj() if x.dtype.kind == "c" else x.copy()


def angle(x: Array) -> Array:
    """The angle in radians; of real numbers 0, pi or NaN."""
    if x.dtype.kind == "c":
        return xp.arctan2(x.imag, x.real)
    turned = xp.where(xp.less(x, 0), x.dtype.type(xp.pi), x.dtype.type(0))
    return xp.where(xp.isnan(x), x, turned).copy("C")


def complex_of(real: Array, imag: Array) -> Array:
    """``real + 1j * imag``, without rounding."""
    both = xp.asarray(xp.add(real, imag))  # laid out as operators do
    made = both.astype(f"c{2 * real.itemsize}")
    made.real, made.imag = real, imag
    return made


def polar(length: Array, angle: Array) -> Array:
    """The complex numbers of these lengths and angles."""
    return complex_of(xp.multiply(length, xp.cos(angle)), xp.multiply(length, xp.sin(angle)))


silence(globals())
