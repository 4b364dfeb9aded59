"""Orthogonal polynomials by their recurrences; the degrees are an array too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array


def _evaluated(n: Array, first: Array, step: Callable[[int, Array, Array], Array]) -> Array:
    """Of degree ``n``: 1, ``first``, then ``step(k, p(k-1), p(k-2))``; 0 for a negative degree."""
    n = xp.trunc(n)
    before, current = xp.ones_like(first), first
    result = xp.where(xp.equal(n, 0), before, xp.where(xp.less(n, 0), xp.zeros_like(first), first))
    for k in range(2, int(n.max()) + 1 if n.size else 0):
        before, current = current, step(k, current, before)
        result = xp.where(xp.equal(n, k), current, result)
    return result.astype(first.dtype)


def _chebyshev(x: Array, n: Array, first: Array) -> Array:
    twice = xp.multiply(x, 2)
    return _evaluated(n, first, lambda k, p, q: xp.subtract(xp.multiply(twice, p), q))


def _aligned(x: Array, n: Array) -> Array:
    return xp.add(x, xp.zeros(n.shape, x.dtype))


def chebyshev_t(x: Array, n: Array) -> Array:
    """Of the first kind."""
    x = _aligned(x, n)
    return _chebyshev(x, n, x)


def chebyshev_u(x: Array, n: Array) -> Array:
    """Of the second kind."""
    x = _aligned(x, n)
    return _chebyshev(x, n, xp.multiply(x, 2))


def chebyshev_v(x: Array, n: Array) -> Array:
    """Of the third kind."""
    x = _aligned(x, n)
    return _chebyshev(x, n, xp.subtract(xp.multiply(x, 2), 1))


def chebyshev_w(x: Array, n: Array) -> Array:
    """Of the fourth kind."""
    x = _aligned(x, n)
    return _chebyshev(x, n, xp.add(xp.multiply(x, 2), 1))


def _shifted(x: Array) -> Array:
    return xp.subtract(xp.multiply(x, 2), 1)


def shifted_chebyshev_t(x: Array, n: Array) -> Array:
    """Of the first kind, at ``2 x - 1``."""
    return chebyshev_t(_shifted(x), n)


def shifted_chebyshev_u(x: Array, n: Array) -> Array:
    """Of the second kind, at ``2 x - 1``."""
    return chebyshev_u(_shifted(x), n)


def shifted_chebyshev_v(x: Array, n: Array) -> Array:
    """Of the third kind, at ``2 x - 1``."""
    return chebyshev_v(_shifted(x), n)


def shifted_chebyshev_w(x: Array, n: Array) -> Array:
    """Of the fourth kind, at ``2 x - 1``."""
    return chebyshev_w(_shifted(x), n)


def hermite_h(x: Array, n: Array) -> Array:
    """The physicists' Hermite polynomials."""
    twice = xp.multiply(_aligned(x, n), 2)
    return _evaluated(
        n, twice,
        lambda k, p, q: xp.subtract(xp.multiply(twice, p), xp.multiply(2 * (k - 1), q)),
    )  # fmt: skip


def hermite_he(x: Array, n: Array) -> Array:
    """The probabilists' Hermite polynomials."""
    x = _aligned(x, n)
    return _evaluated(
        n, x, lambda k, p, q: xp.subtract(xp.multiply(x, p), xp.multiply(k - 1, q))
    )  # fmt: skip


def laguerre_l(x: Array, n: Array) -> Array:
    """The Laguerre polynomials."""
    x = _aligned(x, n)

    def step(k: int, p: Array, q: Array) -> Array:
        grown = xp.multiply(xp.subtract(2 * k - 1, x), p)
        return xp.divide(xp.subtract(grown, xp.multiply(k - 1, q)), k)

    return _evaluated(n, xp.subtract(1, x), step)


def legendre_p(x: Array, n: Array) -> Array:
    """The Legendre polynomials."""
    x = _aligned(x, n)

    def step(k: int, p: Array, q: Array) -> Array:
        grown = xp.multiply(xp.multiply(2 * k - 1, x), p)
        return xp.divide(xp.subtract(grown, xp.multiply(k - 1, q)), k)

    return _evaluated(n, x, step)


silence(globals())
