"""Special functions: SciPy's, or CuPy's on CUDA, loaded at first use."""

from __future__ import annotations

import math
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.airy import airy

Array = Any  #: a NumPy or a CuPy array

_WITHOUT_SCIPY = {"erf": math.erf, "erfc": math.erfc, "gammaln": math.lgamma}


@cache
def special(name: str, library: str) -> Any:
    """A special function of an array library: ``special("erf", "numpy")``."""
    if library == "cupy":
        found = getattr(import_module("cupyx.scipy.special"), name, None)
        if found is None:
            raise NotImplementedError(f"CuPy has no function {name}: move the tensor to the CPU")
        return found
    if find_spec("scipy") is None:
        return _of_single_numbers(name)
    return getattr(import_module("scipy.special"), name)


def _of_single_numbers(name: str) -> Any:
    """A function of the standard library, applied to one number after the other."""
    if name not in _WITHOUT_SCIPY:
        raise NotImplementedError(f"the function {name} needs SciPy: pip install scipy")
    each = xp.frompyfunc(_WITHOUT_SCIPY[name], 1, 1)
    return lambda x: each(x).astype(x.dtype)


@compiled(minimum=65536, loaded=1024)
def erf(x: Array) -> Array:
    """The error function."""
    return special("erf", xp.__name__)(x)


def erfc(x: Array) -> Array:
    """``1 - erf(x)``, accurate for large ``x``."""
    return special("erfc", xp.__name__)(x)


def erfinv(x: Array) -> Array:
    """The inverse of the error function."""
    return special("erfinv", xp.__name__)(x)


def lgamma(x: Array) -> Array:
    """The logarithm of the absolute value of the gamma function."""
    value = special("gammaln", xp.__name__)(x)
    return xp.where(xp.isinf(x), x.dtype.type(xp.inf), value)


# ---- gamma functions


def digamma(x: Array) -> Array:
    """The derivative of ``lgamma``; -inf at 0.0, inf at -0.0."""
    value = special("psi", xp.__name__)(x)
    return xp.where(xp.equal(x, 0), xp.copysign(x.dtype.type(xp.inf), xp.negative(x)), value)


def polygamma(x: Array, n: int) -> Array:
    """The n-th derivative of ``digamma``."""
    if n == 0:
        return digamma(x)
    if n == 1:
        return _trigamma(x)
    factor = math.factorial(n) * (-1) ** (n + 1)
    return xp.multiply(zeta(xp.asarray(n + 1, x.dtype), x), factor).astype(x.dtype)


def _trigamma(x: Array) -> Array:
    """By reflection below 1/2."""
    low = xp.less(x, 0.5)
    value = zeta(xp.asarray(2, x.dtype), xp.where(low, xp.subtract(1, x), x))
    mirror = xp.square(xp.divide(xp.pi, xp.sin(xp.multiply(x, xp.pi))))
    return xp.where(low, xp.subtract(mirror, value), value).astype(x.dtype)


def zeta(x: Array, q: Array) -> Array:
    """The Hurwitz zeta function: the sum of ``(k + q) ** -x``."""
    return special("zeta", xp.__name__)(x, xp.asarray(q, x.dtype)).astype(x.dtype)


def gammainc(a: Array, x: Array) -> Array:
    """The regularized lower incomplete gamma function."""
    value = special("gammainc", xp.__name__)(a, x)
    return xp.where(xp.logical_and(xp.isinf(a), xp.isfinite(x)), x.dtype.type(0), value)


def gammaincc(a: Array, x: Array) -> Array:
    """The regularized upper incomplete gamma function."""
    value = special("gammaincc", xp.__name__)(a, x)
    return xp.where(xp.logical_and(xp.isinf(a), xp.isfinite(x)), x.dtype.type(1), value)


# ---- the normal distribution


def erfcx(x: Array) -> Array:
    """``exp(x ** 2) * erfc(x)``."""
    return special("erfcx", xp.__name__)(x)


def ndtr(x: Array) -> Array:
    """The normal distribution function."""
    return special("ndtr", xp.__name__)(x)


def log_ndtr(x: Array) -> Array:
    """The logarithm of the normal distribution function."""
    return special("log_ndtr", xp.__name__)(x)


def ndtri(x: Array) -> Array:
    """The quantiles of the normal distribution."""
    return special("ndtri", xp.__name__)(x)


def entropy(x: Array) -> Array:
    """``-x log(x)``; 0 at 0, -inf below."""
    return special("entr", xp.__name__)(x)


def logit(x: Array, eps: float | None) -> Array:
    """``log(x / (1 - x))``, with ``x`` brought between ``eps`` and ``1 - eps``."""
    if eps is not None:
        x = xp.minimum(xp.maximum(x, x.dtype.type(eps)), x.dtype.type(1 - eps))
    return xp.log(xp.divide(x, xp.subtract(1, x)))


# ---- Bessel functions


def bessel_j0(x: Array) -> Array:
    """The Bessel function of the first kind, of order 0."""
    return special("j0", xp.__name__)(x)


def bessel_j1(x: Array) -> Array:
    """The Bessel function of the first kind, of order 1."""
    return special("j1", xp.__name__)(x)


def bessel_y0(x: Array) -> Array:
    """The Bessel function of the second kind, of order 0."""
    return special("y0", xp.__name__)(x)


def bessel_y1(x: Array) -> Array:
    """The Bessel function of the second kind, of order 1."""
    return special("y1", xp.__name__)(x)


def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind, of order 0."""
    return special("i0", xp.__name__)(x)


def i0e(x: Array) -> Array:
    """``exp(-|x|) * i0(x)``."""
    return special("i0e", xp.__name__)(x)


def i1(x: Array) -> Array:
    """The modified Bessel function of the first kind, of order 1."""
    return special("i1", xp.__name__)(x)


def i1e(x: Array) -> Array:
    """``exp(-|x|) * i1(x)``."""
    return special("i1e", xp.__name__)(x)


def k0(x: Array) -> Array:
    """The modified Bessel function of the second kind, of order 0."""
    return special("k0", xp.__name__)(x)


def k0e(x: Array) -> Array:
    """``exp(x) * k0(x)``."""
    return special("k0e", xp.__name__)(x)


def k1(x: Array) -> Array:
    """The modified Bessel function of the second kind, of order 1."""
    return special("k1", xp.__name__)(x)


def k1e(x: Array) -> Array:
    """``exp(x) * k1(x)``."""
    return special("k1e", xp.__name__)(x)


def spherical_j0(x: Array) -> Array:
    """``sin(x) / x``, 1 at 0 and 0 at infinity."""
    value = xp.where(xp.equal(x, 0), x.dtype.type(1), xp.divide(xp.sin(x), x))
    return xp.where(xp.isinf(x), x.dtype.type(0), value)


def airy_ai(x: Array) -> Array:
    """The Airy function Ai."""
    try:
        found = special("airy", xp.__name__)
    except NotImplementedError:
        return airy(x)
    return found(x)[0].astype(x.dtype)


silence(globals())
