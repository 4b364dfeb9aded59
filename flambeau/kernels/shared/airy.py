"""The Airy function Ai by its integral, for array libraries that have none.

Numbers of equations are those of the Digital Library of Mathematical Functions (https://dlmf.nist.gov).
The trapezoidal rule converges exponentially on such an integral (L. N. Trefethen and
J. A. C. Weideman, The exponentially convergent trapezoidal rule, SIAM Review, 2014).
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array

_NEAR = 2.5  # where the series still has all digits, and the integral already has
_TERMS = 16
_STEP, _STEPS = 0.25, 28
_AT_0 = 1 / (3 ** (2 / 3) * math.gamma(2 / 3))
_SLOPE_AT_0 = -1 / (3 ** (1 / 3) * math.gamma(1 / 3))
_TURN = cmath.exp(1j * math.pi / 6)  # the square root of the turn that makes numbers positive


def airy(x: Array) -> Array:
    """Ai, computed in float64; NaN at the infinities, as PyTorch's."""
    given = x.astype(xp.float64)
    size = xp.maximum(xp.abs(given), _NEAR)
    zeta, scale = size**1.5 * (2 / 3), size**-0.25 / math.pi
    right = xp.exp(-zeta) * scale * _integral(size, 1.0).real
    wave, phase = _integral(size, _TURN), math.pi / 3 - zeta  # by (9.2.14)
    left = 2 * scale * (xp.cos(phase) * wave.real - xp.sin(phase) * wave.imag)
    far = xp.where(given > 0, right, left)
    value = xp.where(xp.abs(given) < _NEAR, _series(given), far)
    return xp.where(xp.isinf(given), xp.nan, value).astype(x.dtype)


def _series(x: Array) -> Array:
    """The sum of powers (9.4.1)."""
    even, odd, cube = xp.full_like(x, _AT_0), x * _SLOPE_AT_0, x**3
    value = even + odd
    for k in range(3, 3 * _TERMS, 3):
        even, odd = even * cube / (k * (k - 1)), odd * cube / (k * (k + 1))
        value = value + even + odd
    return value


def _integral(size: Array, turn: complex) -> Array:
    """The integral of (9.5.7) in units of ``size ** -0.25``, where ``turn * size ** 0.5`` is the
    factor of the square."""
    bend, total = size**-0.75 / 3, 0.5 + 0j
    for k in range(1, _STEPS):
        t = k * _STEP
        total = total + cmath.exp(-turn * t * t) * xp.cos(bend * t**3)
    return total * _STEP


silence(globals())
