"""``torch.quasirandom``: sequences that fill the unit cube evenly."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import default
from flambeau.core.dtype import dtype as DType
from flambeau.core.generator import Generator
from flambeau.core.tensor import Tensor
from flambeau.ops.from_data import from_numpy
from flambeau.ops.random import randint

Words = Any  # a NumPy array of int64


class SobolEngine:
    """Points of a Sobol sequence in the unit cube of ``dimension`` dimensions.

    With ``scramble``, a random linear map and a random shift of their binary digits (from ``seed``,
    or the shared generator) make the points random and keep them evenly spread. Direction numbers
    are those of Joe and Kuo (2008), which SciPy brings.

    >>> SobolEngine(2).draw(3).tolist()
    [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25]]
    """

    __module__ = "torch.quasirandom"
    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]"
            )
        self.seed, self.scramble, self.dimension = seed, scramble, dimension
        self.num_generated = 0
        directions, shift = _directions(dimension, self.MAXBIT), numpy.zeros(dimension, numpy.int64)
        if scramble:
            directions, shift = self._scrambled(directions)
        self.sobolstate, self.shift = from_numpy(directions), from_numpy(shift)

    def _scrambled(self, directions: Words) -> tuple[Words, Words]:
        generator = None if self.seed is None else Generator().manual_seed(self.seed)
        bits = self.MAXBIT
        size = (self.dimension, bits)
        powers = 1 << numpy.arange(bits)
        shift = _bits(size, generator) @ powers
        lower = numpy.tril(_bits((*size, bits), generator), -1) + numpy.eye(bits, dtype=numpy.int64)
        rows = lower @ powers[::-1]
        made = numpy.zeros_like(directions)
        for place in range(bits):  # one binary digit of all direction numbers at a time
            digit = numpy.bitwise_count(rows[:, place, None] & directions).astype(numpy.int64) & 1
            made |= digit << (bits - 1 - place)
        return made, shift

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """The next ``n`` points, as rows."""
        if n < (0 if self.num_generated else 1):
            size = n if self.num_generated else n - 1
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {size}: "
                f"[{size}, {self.dimension}]"
            )
        words = self._words(self.num_generated, n)
        self.num_generated += n
        points: Any = from_numpy(words).to(dtype or default.dtype) * 2.0**-self.MAXBIT  # type: ignore
        if out is None:
            return points
        return out.resize_(points.shape).copy_(points)  # type: ignore[attr-defined]

    def _words(self, start: int, n: int) -> Words:
        """The points from number ``start`` on, times ``2 ** MAXBIT``."""
        index = numpy.arange(start, start + n)
        code, directions = index ^ (index >> 1), self.sobolstate.numpy()  # type: ignore
        words = numpy.tile(self.shift.numpy(), (n, 1))  # type: ignore[attr-defined]
        for bit in range(int(start + n).bit_length()):
            words ^= (code >> bit & 1)[:, None] * directions[:, bit]
        return words

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """The next ``2 ** m`` points; ValueError unless a power of two is then drawn in all."""
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Starts again from the first point."""
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Passes over ``n`` points."""
        self.num_generated += n
        return self

    @property
    def quasi(self) -> Tensor:
        """The last point, times ``2 ** MAXBIT``."""
        return from_numpy(self._words(max(self.num_generated - 1, 0), 1)[0])

    def __repr__(self) -> str:
        told = [f"dimension={self.dimension}"]
        if self.scramble:
            told.append("scramble=True")
        if self.seed is not None:
            told.append(f"seed={self.seed}")
        return f"SobolEngine({', '.join(told)})"


def _bits(size: tuple[int, ...], generator: Generator | None) -> Words:
    return randint(2, size, generator=generator).numpy()  # type: ignore[attr-defined]


def _directions(dimension: int, bits: int) -> Words:
    from scipy.stats.qmc import Sobol

    # SciPy shows them by no public name; drawing points to find them takes 2 ** 29 steps.
    return Sobol(dimension, scramble=False, bits=bits)._sv.astype(numpy.int64)


__all__ = ["SobolEngine"]
