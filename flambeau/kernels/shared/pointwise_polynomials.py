"""Orthogonal polynomials by their recurrences; the degrees are an array too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array


STEPS = 20000  # of a recurrence; beyond, values are NaN


def _degrees(n: Array) -> Array:
    """Integral degrees; what no integer holds counts as negative."""
    return xp.where(xp.less(xp.abs(n), 2.0**62), xp.trunc(n), -1)


def _evaluated(n: Array, first: Array, step: Callable[[int, Array, Array], Array]) -> Array:
    """Of degree ``n``: 1, ``first``, then ``step(k, p(k-1), p(k-2))``; 0 for a negative degree."""
    before, current = xp.ones_like(first), first
    result = xp.where(xp.less(n, 0), xp.zeros_like(first), xp.full_like(first, xp.nan))
    result = xp.where(xp.equal(n, 0), before, xp.where(xp.equal(n, 1), first, result))
    for k in range(2, min(int(n.max()), STEPS) + 1 if n.size else 0):
        before, current = current, step(k, current, before)
        result = xp.where(xp.equal(n, k), current, result)
    return result.astype(first.dtype)


def _chebyshev(
    x: Array, n: Array, first: Array, ends: tuple[Array, Array], inside: Callable[[Array], Array]
) -> Array:
    """By the recurrence for low degrees and outside -1 to 1, by a closed form inside; ``ends`` are
    the values at 1 and -1 without the sign of odd degrees."""
    twice = xp.multiply(x, 2)
    closed = xp.logical_and(xp.less(xp.abs(x), 1), xp.greater(n, 8))
    at_end = xp.logical_and(xp.equal(xp.abs(x), 1), xp.greater_equal(n, 0))
    low = xp.where(xp.logical_or(closed, at_end), 0, n)
    value = _evaluated(low, first, lambda k, p, q: xp.subtract(xp.multiply(twice, p), q))
    odd = xp.equal(xp.remainder(n, 2), 1)
    at_minus = xp.where(odd, xp.negative(ends[1]), ends[1])
    value = xp.where(at_end, xp.where(xp.greater(x, 0), ends[0], at_minus), value)
    angle = xp.arccos(xp.where(closed, x, 0))
    return xp.where(closed, inside(angle), value).astype(first.dtype)


def _operands(x: Array, n: Any) -> tuple[Array, Array]:
    n = _degrees(xp.asarray(n, x.dtype))
    return xp.add(x, xp.zeros(n.shape, x.dtype)), xp.add(n, xp.zeros(x.shape, x.dtype))


def chebyshev_t(x: Array, n: Any) -> Array:
    """Of the first kind."""
    x, n = _operands(x, n)
    one = xp.ones_like(x)
    return _chebyshev(x, n, x, (one, one), lambda t: xp.cos(xp.multiply(n, t)))


def chebyshev_u(x: Array, n: Any) -> Array:
    """Of the second kind."""
    x, n = _operands(x, n)
    m = xp.add(n, 1)
    return _chebyshev(
        x, n, xp.multiply(x, 2), (m, m),
        lambda t: xp.divide(xp.sin(xp.multiply(m, t)), xp.sin(t)),
    )  # fmt: skip


def chebyshev_v(x: Array, n: Any) -> Array:
    """Of the third kind."""
    x, n = _operands(x, n)
    m = xp.add(n, 0.5)
    return _chebyshev(
        x, n, xp.subtract(xp.multiply(x, 2), 1), (xp.ones_like(x), xp.multiply(m, 2)),
        lambda t: xp.divide(xp.cos(xp.multiply(m, t)), xp.cos(xp.multiply(t, 0.5))),
    )  # fmt: skip


def chebyshev_w(x: Array, n: Any) -> Array:
    """Of the fourth kind."""
    x, n = _operands(x, n)
    m = xp.add(n, 0.5)
    return _chebyshev(
        x, n, xp.add(xp.multiply(x, 2), 1), (xp.multiply(m, 2), xp.ones_like(x)),
        lambda t: xp.divide(xp.sin(xp.multiply(m, t)), xp.sin(xp.multiply(t, 0.5))),
    )  # fmt: skip


def _shifted(x: Array) -> Array:
    return xp.subtract(xp.multiply(x, 2), 1)


def shifted_chebyshev_t(x: Array, n: Any) -> Array:
    """Of the first kind, at ``2 x - 1``."""
    return chebyshev_t(_shifted(x), n)


def shifted_chebyshev_u(x: Array, n: Any) -> Array:
    """Of the second kind, at ``2 x - 1``."""
    return chebyshev_u(_shifted(x), n)


def shifted_chebyshev_v(x: Array, n: Any) -> Array:
    """Of the third kind, at ``2 x - 1``."""
    return chebyshev_v(_shifted(x), n)


def shifted_chebyshev_w(x: Array, n: Any) -> Array:
    """Of the fourth kind, at ``2 x - 1``."""
    return chebyshev_w(_shifted(x), n)


def _hermite_degrees(x: Array, n: Array) -> Array:
    """Values of higher degrees are NaN, as they soon overflow."""
    return xp.where(xp.greater(n, 128 if x.dtype.itemsize == 4 else 512), STEPS + 1, n)


def hermite_h(x: Array, n: Any) -> Array:
    """The physicists' Hermite polynomials."""
    x, n = _operands(x, n)
    twice = xp.multiply(x, 2)
    return _low(
        x, _hermite_degrees(x, n), twice,
        lambda k, p, q: xp.subtract(xp.multiply(twice, p), xp.multiply(2 * (k - 1), q)),
    )  # fmt: skip


def hermite_he(x: Array, n: Any) -> Array:
    """The probabilists' Hermite polynomials."""
    x, n = _operands(x, n)
    return _low(
        x, _hermite_degrees(x, n), x,
        lambda k, p, q: xp.subtract(xp.multiply(x, p), xp.multiply(k - 1, q)),
    )  # fmt: skip


def _low(x: Array, n: Array, first: Array, step: Callable[[int, Array, Array], Array]) -> Array:
    """The recurrence for those degrees that are within its reach."""
    far = xp.greater(n, STEPS)
    value = _evaluated(xp.where(far, 0, n), first, step)
    return xp.where(far, x.dtype.type(xp.nan), value)


def laguerre_l(x: Array, n: Any) -> Array:
    """The Laguerre polynomials."""
    x, n = _operands(x, n)

    def step(k: int, p: Array, q: Array) -> Array:
        grown = xp.multiply(xp.subtract(2 * k - 1, x), p)
        return xp.divide(xp.subtract(grown, xp.multiply(k - 1, q)), k)

    low = xp.where(xp.logical_and(xp.equal(x, 0), xp.greater(n, 0)), 0, n)
    return _low(x, low, xp.subtract(1, x), step)


def legendre_p(x: Array, n: Any) -> Array:
    """The Legendre polynomials."""
    x, n = _operands(x, n)

    def step(k: int, p: Array, q: Array) -> Array:
        grown = xp.multiply(xp.multiply(2 * k - 1, x), p)
        return xp.divide(xp.subtract(grown, xp.multiply(k - 1, q)), k)

    at_end = xp.logical_and(xp.equal(xp.abs(x), 1), xp.greater(n, 0))
    low = xp.where(at_end, xp.where(xp.greater(x, 0), 0, xp.remainder(n, 2)), n)
    return _low(x, low, x, step)


silence(globals())
