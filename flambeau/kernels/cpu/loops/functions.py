"""Functions of one number that fill the vector unit: plain arithmetic that LLVM vectorises whole.

``np.exp`` inside a compiled loop is a call per number. Rules that keep a polynomial vectorised: no
branch, powers of two by integer arithmetic on the bits, and constants of the number's own type (a
Python float would turn a float32 loop to float64). A comparison that is false for NaN picks the
side that keeps it: ``low if x < low else x``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from flambeau.kernels.cpu.compiler import device

f, d = np.float32, np.float64
OPTIONS = {"fastmath": {"contract", "nsz"}, "error_model": "numpy"}


def by_width(narrow: Callable[..., Any], wide: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one float: ``narrow`` for float32, ``wide`` for float64."""

    def function(x):
        raise TypeError("this function is called by compiled code only")

    @overload(function, jit_options=OPTIONS)
    def choose(x):
        return narrow if x == types.float32 else wide

    return function


def _llvm(name: str, count: int, *flags: str) -> Any:
    """An LLVM intrinsic of one or two floats as a function."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> ir.Value:
        kind = context.get_value_type(signature.return_type)
        suffix = "f32" if signature.return_type == types.float32 else "f64"
        called = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind] * count), f"llvm.{name}.{suffix}"
        )
        return builder.call(called, values, fastmath=flags)

    if count == 1:

        @intrinsic
        def function(typing_context, x):
            return x(x), generate
    else:

        @intrinsic
        def function(typing_context, x, y):
            return x(x, x), generate

    return function


nearest, root, magnitude = _llvm("rint", 1), _llvm("sqrt", 1), _llvm("fabs", 1)
#: For running maxima, which ``maximum`` would not vectorise; NaN is lost and must show elsewhere.
larger = _llvm("maxnum", 2, "nnan", "nsz")


@intrinsic
def bits(typing_context, x):
    """The bits of a float as an integer."""
    integer = types.int32 if x == types.float32 else types.int64

    def generate(context, builder, signature, values):
        return builder.bitcast(values[0], context.get_value_type(integer))

    return integer(x), generate


@intrinsic
def from_bits(typing_context, x):
    """The float with these bits."""
    number = types.float32 if x == types.int32 else types.float64

    def generate(context, builder, signature, values):
        return builder.bitcast(values[0], context.get_value_type(number))

    return number(x), generate


# ---- exponentials: 2^n * exp(r), n = x / ln 2 rounded by adding a number that leaves no fraction

E = tuple(f(1 / factorial(k)) for k in range(8))
E_WIDE = tuple(d(1 / factorial(k)) for k in range(14))
LOG2E, LN2_HIGH, LN2_LOW = f(1.4426950408889634), f(0.693359375), f(-2.12194440e-4)
SHIFT = f(1.5 * 2**23)
LOG2E_WIDE, SHIFT_WIDE = d(1.4426950408889634), d(1.5 * 2**52)
LN2_HIGH_WIDE, LN2_LOW_WIDE = d(6.93145751953125e-1), d(1.42860682030941723212e-6)


@device
def exp_near(x, n):
    """exp(x - n ln 2), for |x - n ln 2| < 0.35."""
    r = x - n * LN2_HIGH - n * LN2_LOW
    p = ((((E[7] * r + E[6]) * r + E[5]) * r + E[4]) * r + E[3]) * r + E[2]
    return p * r * r + r + E[0]


@device
def exp_near_wide(x, n):
    r = x - n * LN2_HIGH_WIDE - n * LN2_LOW_WIDE
    e = E_WIDE
    p = ((((e[13] * r + e[12]) * r + e[11]) * r + e[10]) * r + e[9]) * r + e[8]
    p = (((((p * r + e[7]) * r + e[6]) * r + e[5]) * r + e[4]) * r + e[3]) * r + e[2]
    return p * r * r + r + e[0]


LEAST, LEAST_WIDE = f(-87.3), d(-708.3)
ZERO, ONE, HALF, TWO = f(0), f(1), f(0.5), f(2)


def _exp_negative(x):
    y = LEAST if x < LEAST else x
    t = y * LOG2E + SHIFT
    scale = from_bits(np.int32((bits(t) + 127) << 23))
    value = exp_near(y, t - SHIFT) * scale
    return ZERO if x < LEAST else value


def _exp_negative_wide(x):
    y = LEAST_WIDE if x < LEAST_WIDE else x
    t = y * LOG2E_WIDE + SHIFT_WIDE
    scale = from_bits((bits(t) + 1023) << 52)
    value = exp_near_wide(y, t - SHIFT_WIDE) * scale
    return 0.0 if x < LEAST_WIDE else value


MOST, MOST_WIDE, FLOOR, FLOOR_WIDE = f(89), d(710), f(-104), d(-746)
SHIFT_BITS, SHIFT_BITS_WIDE = SHIFT.view(np.int32), SHIFT_WIDE.view(np.int64)


def _exp(x):
    y = FLOOR if x < FLOOR else x
    y = MOST if y > MOST else y
    t = y * LOG2E + SHIFT
    n = bits(t) - SHIFT_BITS
    half = n >> 1
    first = from_bits(np.int32((half + 127) << 23))
    second = from_bits(np.int32((n - half + 127) << 23))
    return exp_near(y, t - SHIFT) * first * second


def _exp_wide(x):
    y = FLOOR_WIDE if x < FLOOR_WIDE else x
    y = MOST_WIDE if y > MOST_WIDE else y
    t = y * LOG2E_WIDE + SHIFT_WIDE
    n = bits(t) - SHIFT_BITS_WIDE
    half = n >> 1
    first, second = from_bits((half + 1023) << 52), from_bits((n - half + 1023) << 52)
    return exp_near_wide(y, t - SHIFT_WIDE) * first * second


exp = by_width(_exp, _exp_wide)  #: overflows to infinity, underflows gradually
exp_negative = by_width(_exp_negative, _exp_negative_wide)  #: for x <= 0; tiny results are 0
