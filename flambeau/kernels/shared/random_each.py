"""Fills arrays with random numbers whose distribution differs from element to element.

As in ``random``, ``out`` and the parameters are one-dimensional, in the order of drawing. What is
computed in the parameters' own dtype, and what in float64, is part of the promise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared import samplers
from flambeau.kernels.shared.precision import wide
from flambeau.kernels.shared.random import exponential, store
from flambeau.kernels.shared.words import WordStream

Array = Any  #: a NumPy array


def _doubles(*arrays: Array) -> list[list[float]]:
    return [array.astype(np.float64).tolist() for array in arrays]


def gamma_parameters(shapes: Array) -> tuple[Array, Array]:
    """What `samplers.gamma` takes, computed in the dtype of the shapes; ``d`` is 0 for shape 0."""
    one, third = shapes.dtype.type(1), shapes.dtype.type(np.float32(1) / np.float32(3))
    small = shapes < one
    d = np.where(shapes == 0, 0, np.where(small, shapes + one, shapes) - third)
    return d, np.where(small, one / shapes, 0)


@compiled(1 << 12)
def standard_gamma(out: Array, stream: WordStream, shapes: Array) -> None:
    """Gamma numbers of unit rate, at least the dtype's smallest normal number."""
    d, boost = _doubles(*gamma_parameters(shapes))
    numbers = [0.0] * out.size
    samplers.gamma_loop(stream, d, boost, numbers)
    store_gamma(out, np.array(numbers))


def store_gamma(out: Array, numbers: Array) -> None:
    store(out, numbers)
    np.maximum(out, np.finfo(out.dtype).tiny, out=out)


@compiled(1 << 12)
def poisson(out: Array, stream: WordStream, rates: Array) -> None:
    """Poisson numbers."""
    numbers = [0.0] * out.size
    samplers.poisson_loop(stream, _doubles(rates)[0], numbers)
    store(out, np.array(numbers))


def binomial_parameters(counts: Array, chances: Array) -> tuple[Array, ...]:
    """Counts, the rarer outcome's chances, which means are large, and the constants for those."""
    rare = np.where(chances > 0.5, 1 - chances, chances)
    large = counts * rare >= 10
    return counts, rare, large, binomial_constants(counts, rare)


def binomial_constants(n: Array, p: Array) -> Array:
    """The constants of Hoermann's BTRS: a, b, c, alpha, squeeze, odds and mode of each element."""
    dtype = p.dtype
    deviation = np.sqrt(n * p * (1 - p)).astype(np.float64)
    b = (1.15 + 2.53 * deviation).astype(dtype).astype(np.float64)
    a = -0.0873 + 0.0248 * b + 0.01 * p.astype(np.float64)
    c = (n * p).astype(np.float64) + 0.5
    alpha, squeeze = (2.83 + 5.1 / b) * deviation, 0.92 - 4.2 / b
    odds, mode = p / (1 - p), np.floor((n + 1) * p)
    rows = [value.astype(dtype) for value in (a, b, c, alpha, squeeze, odds, mode)]
    return np.stack(rows, 1).astype(np.float64)


@compiled(1 << 12)
def binomial(out: Array, stream: WordStream, counts: Array, chances: Array) -> None:
    """The number of successes in ``counts`` trials; no trial or no chance gives 0."""
    counts_, rare, large, constants = binomial_parameters(counts, chances)
    numbers = [0.0] * out.size
    arguments = (*_doubles(counts_, rare), large.tolist(), constants.tolist())
    samplers.binomial_loop(stream, *arguments, numbers)
    store_binomial(out, np.array(numbers), counts, chances)


def store_binomial(out: Array, numbers: Array, counts: Array, chances: Array) -> None:
    """Counts failures back to successes; a chance that is no number stays so."""
    numbers = np.where((chances > 0.5) & (counts > 0), counts - numbers, numbers)
    store(out, np.where(np.isnan(chances) & (counts > 0), np.nan, numbers))


def choices(out: Array, stream: WordStream, weights: Array) -> None:
    """Categories drawn with replacement: a row of ``out`` for each row of weights."""
    for row, weight in zip(out, weights, strict=True):
        sums = np.add.accumulate(wide(weight))
        limits = (sums / sums[-1]).astype(np.float64)
        limits[-1] = 1.0
        row[...] = np.searchsorted(limits, stream.long_units(row.size))


def selections(out: Array, stream: WordStream, weights: Array) -> None:
    """Different categories: those with the largest weights over exponential numbers.

    Source: P. Efraimidis and P. Spirakis, "Weighted random sampling with a reservoir", 2006.
    """
    waits = np.empty_like(weights)
    in_memory = waits if waits.flags.c_contiguous else waits.T
    exponential(in_memory.reshape(-1), stream, 1.0)
    scores = weights / waits
    if out.shape[1] == 1:
        out[:, 0] = scores.argmax(1)
    else:
        out[...] = (-scores).argsort(1, kind="stable")[:, : out.shape[1]]


silence(globals())
