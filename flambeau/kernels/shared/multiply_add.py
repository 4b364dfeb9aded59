"""``a * b + c`` rounded once, as a processor's fused multiply-add gives it, in plain NumPy.

Random numbers repeat bit for bit only if every step rounds as PyTorch's kernels do, and those are
compiled to fused instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy array

DROPPED = np.int64((1 << 29) - 1)  #: bits of a float64 that a float32 has no place for
MIDPOINT = np.int64(1 << 28)  #: those bits, halfway between two float32 numbers
SPLIT = 2.0**27 + 1
LARGE = 2.0**900  #: beyond this the exact product overflows


def single(values: Array) -> Array:
    """float64 values rounded to float32, still held as float64."""
    return values.astype(np.float32).astype(np.float64)


def fma32(a: Array, b: Array | float, c: Array | float) -> Array:
    """``a * b + c`` of float32 numbers held as float64; the result, rounded once, is held alike.

    The product is exact in float64. Rounding the sum to float64 and then to float32 is one
    rounding too many only where the first lands halfway between two float32 numbers.
    """
    product = a * b
    total = product + c
    halfway = (total.view(np.int64) & DROPPED) == MIDPOINT
    if halfway.any():
        total = np.where(halfway, _nudged(product, c, total), total)
    return single(total)


def _nudged(product: Array, c: Array | float, total: Array) -> Array:
    """The sum moved a last bit towards its exact value, where it is not exact."""
    error = two_sum_error(product, c, total)
    moved = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where(error != 0, moved, total)


def two_sum_error(a: Array, b: Array | float, total: Array) -> Array:
    """What rounding took from ``a + b``: D. Knuth's TwoSum."""
    part = total - a
    return (a - (total - part)) + (b - part)


def _halves(a: Array) -> tuple[Array, Array]:
    """A float64 as a sum of two numbers of 26 bits (T. Dekker, 1971)."""
    scaled = SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high


def fma64(a: Array, b: float, c: float) -> Array:
    """``a * b + c`` of float64 numbers, rounded once.

    Source: S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved
    algorithms using rounding to odd", 2008.
    """
    product = a * b
    if c == 0 or abs(b) > LARGE or abs(c) > LARGE:
        return product + c
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(np.float64(b))
    low = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    tail = c + low
    tail_error = two_sum_error(np.float64(c), low, tail)
    total = product + tail
    total_error = two_sum_error(product, tail, total)
    return total + _sum_to_odd(total_error, tail_error)


def _sum_to_odd(a: Array, b: Array) -> Array:
    """``a + b``, rounded to the neighbour with an odd last bit where it is not exact."""
    total = a + b
    error = two_sum_error(a, b, total)
    even = (error != 0) & ((np.asarray(total).view(np.int64) & 1) == 0)
    moved = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where(even, moved, total)


silence(globals())
