"""Samplers that draw until a number is accepted: one number at a time, in plain arithmetic.

The code is compiled as it stands for large fills, with ``uniform`` and ``normal`` taking their
words from arrays instead of a stream; hence no NumPy and no objects here but the source.

Sources: G. Marsaglia and W. Tsang, "A simple method for generating gamma variables", 2000;
W. Hoermann, "The transformed rejection method for generating Poisson random variables", 1993, and
"The generation of binomial random variates", 1993.
"""

from __future__ import annotations

import math
from typing import Any

from flambeau.kernels.shared.random import next_normal as normal
from flambeau.kernels.shared.words import WordStream

Source = Any  #: a stream of words

uniform = WordStream.uniform

SQUEEZE = 0.03310000151395798  #: the float32 nearest to 0.0331


def gamma(source: Source, d: float, boost: float) -> float:
    """A gamma number of unit rate and shape ``d + 1/3``, or of shape ``1 / boost`` below 1."""
    scale = math.pow(1.0 - uniform(source), boost) if boost else 1.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(source)
        y = 1.0 + c * x
        while y <= 0.0:
            x = normal(source)
            y = 1.0 + c * x
        v = y * y * y
        u = 1.0 - uniform(source)
        square = x * x
        if u < 1.0 - SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v


def poisson(source: Source, rate: float) -> float:
    """A Poisson number."""
    if rate == 0.0:
        return 0.0
    return _poisson_large(source, rate) if rate >= 10.0 else _poisson_small(source, rate)


def _poisson_small(source: Source, rate: float) -> float:
    limit, product, count = math.exp(-rate), 1.0, 0
    while True:
        product *= uniform(source)
        if product <= limit:
            return float(count)
        count += 1


def _poisson_large(source: Source, rate: float) -> float:
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = uniform(source) - 0.5
        v = uniform(source)
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= squeeze:
            return float(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if left <= -rate + k * log_rate - math.lgamma(k + 1.0):
            return float(k)


def binomial_small(source: Source, count: float, probability: float) -> float:
    """A binomial number of small mean: adds up the trials between successes."""
    trials, successes, log_failure = 0.0, 0, math.log1p(-probability)
    while True:
        trials += math.ceil(math.log(uniform(source)) / log_failure)
        if trials > count:
            return float(successes)
        successes += 1


def binomial_large(source: Source, count: float, constants: Any) -> float:
    """A binomial number of mean 10 or more, with the constants of `binomial_constants`."""
    a, b, c, alpha, squeeze, odds, mode = constants
    while True:
        u = uniform(source) - 0.5
        v = uniform(source)
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + c)
        if k < 0 or k > count:
            continue
        if us >= 0.07 and v <= squeeze:
            return float(k)
        v = math.log(v * alpha / (a / (us * us) + b))
        if v <= _binomial_bound(count, odds, mode, k):
            return float(k)


def _binomial_bound(count: float, odds: float, mode: float, k: float) -> float:
    """The logarithm of the probability of ``k`` relative to that of the mode."""
    return (
        (mode + 0.5) * math.log((mode + 1.0) / (odds * (count - mode + 1.0)))
        + (count + 1.0) * math.log((count - mode + 1.0) / (count - k + 1.0))
        + (k + 0.5) * math.log(odds * (count - k + 1.0) / (k + 1.0))
        + _stirling_tail(mode)
        + _stirling_tail(count - mode)
        - _stirling_tail(k)
        - _stirling_tail(count - k)
    )


STIRLING = (
    *(0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509),
    *(0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720),
    *(0.00925546218271273, 0.00833056343336287),
)


def _stirling_tail(k: float) -> float:
    """log(k!) less Stirling's approximation."""
    if k <= 9:
        return STIRLING[int(k)]
    square = (k + 1.0) * (k + 1.0)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1.0)


# ---- loops over elements


def gamma_loop(source: Source, d: Any, boost: Any, numbers: Any) -> None:
    for i in range(len(numbers)):
        numbers[i] = gamma(source, d[i], boost[i]) if d[i] > 0.0 else 0.0


def poisson_loop(source: Source, rates: Any, numbers: Any) -> None:
    for i in range(len(numbers)):
        numbers[i] = poisson(source, rates[i])


def binomial_loop(
    source: Source, counts: Any, chances: Any, large: Any, constants: Any, numbers: Any
) -> None:
    for i in range(len(numbers)):
        if large[i]:
            numbers[i] = binomial_large(source, counts[i], constants[i])
        elif counts[i] > 0.0 and chances[i] > 0.0:
            numbers[i] = binomial_small(source, counts[i], chances[i])
