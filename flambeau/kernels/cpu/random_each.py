"""The samplers of ``kernels.shared.samplers``, compiled for large fills.

Their code is compiled as it stands; only what draws a uniform or a normal number is put in its
place here, and takes words from a key instead of a stream.
"""

from __future__ import annotations

import math
from types import FunctionType
from typing import Any

import numpy as np

from flambeau.kernels.cpu.compiler import exact
from flambeau.kernels.cpu.random import STEP, _long_unit, _words
from flambeau.kernels.shared import random_each as plain
from flambeau.kernels.shared import samplers
from flambeau.kernels.shared.words import WordStream, tempered

Array = Any  #: a NumPy array
Source = Any  #: the key, its words, the next of them, and the spare normal behind a flag


@exact
def uniform(source: Source) -> float:
    """The next float64 in [0, 1)."""
    key, words, place, _ = source
    at = place[0]
    pair = np.empty(2, np.uint32)
    for i in range(2):
        if at == STEP:
            _words(key, words)
            at = 0
        pair[i] = words[at]
        at += 1
    place[0] = at
    return _long_unit(pair, 0)


@exact
def normal(source: Source) -> float:
    """The next standard normal number, as `random.next_normal`."""
    spare = source[3]
    if spare[0] != 0.0:
        spare[0] = 0.0
        return spare[1]
    angle = 2.0 * math.pi * uniform(source)
    radius = math.sqrt(-2.0 * math.log1p(-uniform(source)))
    spare[0], spare[1] = 1.0, radius * math.sin(angle)
    return radius * math.cos(angle)


def _compiled() -> dict[str, Any]:
    """Every function of `samplers`, in the order in which they are written."""
    names = {**vars(samplers), "uniform": uniform, "normal": normal}
    for name, function in vars(samplers).items():
        if isinstance(function, FunctionType) and function.__module__ == samplers.__name__:
            twin = FunctionType(function.__code__, names, name)
            twin.__module__ = __name__
            names[name] = exact(twin)
    return names


LOOPS = _compiled()


def _run(name: str, stream: WordStream, *arrays: Array) -> Array:
    """Runs a loop of `samplers` on arrays, from the stream's state and back."""
    key, place = stream.state()
    spare = np.array([stream.spare is not None, stream.spare or 0.0])
    words, place = (tempered(key), place) if place else (np.empty(STEP, np.uint32), STEP)
    source = (key, words, np.array([place]), spare)
    numbers = np.zeros(arrays[0].size)
    LOOPS[name](source, *arrays, numbers)
    stream.restore(key, int(source[2][0]))
    stream.spare = float(spare[1]) if spare[0] else None
    return numbers


def standard_gamma(out: Array, stream: WordStream, shapes: Array) -> None:
    d, boost = plain.gamma_parameters(shapes)
    arrays = d.astype(np.float64), boost.astype(np.float64)
    plain.store_gamma(out, _run("gamma_loop", stream, *arrays))


def poisson(out: Array, stream: WordStream, rates: Array) -> None:
    plain.store(out, _run("poisson_loop", stream, rates.astype(np.float64)))


def binomial(out: Array, stream: WordStream, counts: Array, chances: Array) -> None:
    trials, rare, large, constants = plain.binomial_parameters(counts, chances)
    arrays = trials.astype(np.float64), rare.astype(np.float64), large, constants
    plain.store_binomial(out, _run("binomial_loop", stream, *arrays), counts, chances)
