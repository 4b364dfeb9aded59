"""Compiled forms of the large fills of ``kernels.shared.random``, with the same bits.

Every product that PyTorch's compiler fused into an addition is an explicit ``fma`` here, and
nothing else may be contracted, so no kernel is compiled with ``fastmath``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from flambeau.kernels.cpu.compiler import exact
from flambeau.kernels.shared import random as plain
from flambeau.kernels.shared.precision import is_half
from flambeau.kernels.shared.words import STEP, WordStream, chunks

Array = Any  #: a NumPy array

WORD = np.uint32
SINGLE = np.float32
ZERO, ONE, HALF, TWO = SINGLE(0), SINGLE(1), SINGLE(0.5), SINGLE(2)
SHIFT = 397  #: a word of the next step takes in the one this far on
UPPER, LOWER, TWIST = WORD(0x80000000), WORD(0x7FFFFFFF), WORD(0x9908B0DF)
BITS24, UNIT24 = WORD(0xFFFFFF), SINGLE(2.0**-24)
PART = 1024  #: pairs of normal numbers at a time, in the first-level cache
BITS21, UNIT53 = np.uint64(0x1FFFFF), 2.0**-53


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` rounded once, for three numbers of one floating dtype."""
    if not (a == b == c and isinstance(a, types.Float)):
        return None
    return a(a, b, c), lambda context, builder, signature, values: builder.fma(*values)


# ---- words


@exact
def _seed(key: Array, seed: int) -> None:
    value = np.uint64(seed)
    for i in range(STEP):
        key[i] = value
        value = (np.uint64(1812433253) * (value ^ (value >> np.uint64(30)))) + np.uint64(i + 1)
        value &= np.uint64(0xFFFFFFFF)


@exact
def _twisted(this: Any, following: Any, distant: Any) -> Any:
    mixed = (this & UPPER) | (following & LOWER)
    return distant ^ (mixed >> WORD(1)) ^ (WORD(0) - (mixed & WORD(1)) & TWIST)


@exact
def _step(key: Array) -> None:
    """The engine's next 624 words of state, in place; the loops apart so that they vectorise."""
    for i in range(STEP - SHIFT):
        key[i] = _twisted(key[i], key[i + 1], key[i + SHIFT])
    for i in range(STEP - SHIFT, STEP - 1):
        key[i] = _twisted(key[i], key[i + 1], key[i + SHIFT - STEP])
    key[STEP - 1] = _twisted(key[STEP - 1], key[0], key[SHIFT - 1])


@exact
def _words(key: Array, words: Array) -> None:
    for start in range(0, words.size, STEP):
        _step(key)
        for i in range(STEP):
            word = key[i] ^ (key[i] >> WORD(11))
            word ^= (word << WORD(7)) & WORD(0x9D2C5680)
            word ^= (word << WORD(15)) & WORD(0xEFC60000)
            words[start + i] = word ^ (word >> WORD(18))


class CompiledEngine:
    """The Mersenne twister on its own key: three times NumPy's speed."""

    def __init__(self) -> None:
        self._key = np.empty(STEP, WORD)

    def seed(self, seed: int) -> None:
        _seed(self._key, seed)

    def restore(self, key: Array) -> None:
        self._key[:] = key

    def words(self, count: int) -> Array:
        words = np.empty(count, WORD)
        _words(self._key, words)
        return words


def accelerated(stream: WordStream) -> WordStream:
    """The stream, drawing from the compiled engine from here on."""
    if not isinstance(stream.engine, CompiledEngine):
        stream.use(CompiledEngine())
    return stream


@exact
def _long_unit(words: Array, i: int) -> float:
    """The float64 in [0, 1) of the words 2 i and 2 i + 1."""
    high, low = np.uint64(words[2 * i]), np.uint64(words[2 * i + 1])
    return np.float64(np.int64(((high & BITS21) << np.uint64(32)) | low)) * UNIT53


# ---- uniform numbers


@exact
def _uniform_single(words: Array, out: Array, low: float, span: float) -> None:
    for i in range(out.size):
        out[i] = fma(SINGLE(np.int32(words[i] & BITS24)) * UNIT24, span, low)


@exact
def _uniform_double(words: Array, out: Array, low: float, span: float) -> None:
    for i in range(out.size):
        out[i] = fma(_long_unit(words, i), span, low)


def uniform(out: Array, stream: WordStream, low: float, high: float) -> None:
    if is_half(out.dtype):
        return plain.uniform(out, stream, low, high)
    accelerated(stream)
    for part in chunks(out):
        if out.dtype == np.float64:
            _uniform_double(stream.words(2 * part.size), part, float(low), float(high - low))
        else:
            first = SINGLE(low)
            _uniform_single(stream.words(part.size), part, first, SINGLE(high) - first)


# ---- permutations


@exact
def _exchange(order: Array, words: Array, first: int) -> None:
    """The exchanges from place ``first`` on, a word for each."""
    size = WORD(order.size)
    for i in range(words.size):
        place = first + i
        other = place + np.int64(words[i] % (size - WORD(place)))
        order[place], order[other] = order[other], order[place]


@exact
def _insert(order: Array, words: Array, first: int) -> None:
    """The numbers from ``first`` on, two words for each."""
    for i in range(words.size // 2):
        place = first + i
        word = (np.uint64(words[2 * i]) << np.uint64(32)) | np.uint64(words[2 * i + 1])
        other = np.int64(word % np.uint64(place + 1))
        order[place] = order[other]
        order[other] = place


def permutation(out: Array, stream: WordStream) -> None:
    size = out.size
    order = np.empty(size, np.int64) if out.dtype != np.int64 else out
    order[:] = np.arange(size)
    accelerated(stream)
    few = size < plain.LARGE
    first = 0
    for part in chunks(order[: max(size - few, 0)]):
        if few:
            _exchange(order, stream.words(part.size), first)
        else:
            _insert(order, stream.words(2 * part.size), first)
        first += part.size
    if order is not out:
        plain.store_integers(out, order)


# ---- normal numbers


@exact
def _log(x: Any) -> Any:
    """The float32 logarithm of a number in (0, 1], as in the plain form."""
    bits = np.float32(x).view(np.int32)
    exponent = SINGLE((bits >> np.int32(23)) - np.int32(0x7E))
    mantissa = np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    small = mantissa < SINGLE(0.707106781186547524)
    exponent -= ONE if small else ZERO
    x = (mantissa - ONE) + (mantissa if small else ZERO)
    square = x * x
    value = SINGLE(plain.LOG[0])
    value = fma(value, x, SINGLE(plain.LOG[1]))
    value = fma(value, x, SINGLE(plain.LOG[2]))
    value = fma(value, x, SINGLE(plain.LOG[3]))
    value = fma(value, x, SINGLE(plain.LOG[4]))
    value = fma(value, x, SINGLE(plain.LOG[5]))
    value = fma(value, x, SINGLE(plain.LOG[6]))
    value = fma(value, x, SINGLE(plain.LOG[7]))
    value = fma(value, x, SINGLE(plain.LOG[8])) * x
    value = fma(value, square, exponent * SINGLE(plain.LOG2_LOW))
    value = fma(-square, HALF, value)
    return fma(exponent, SINGLE(plain.LOG2_HIGH), x + value)


@exact
def _sine_cosine(x: Any) -> Any:
    """The float32 sine and cosine of a number in [0, 2 pi], as in the plain form."""
    octant = (np.int32(x * SINGLE(plain.FOUR_OVER_PI)) + np.int32(1)) & np.int32(~1)
    multiple = SINGLE(octant)
    rest = fma(multiple, SINGLE(-plain.QUARTER_PI[0]), x)
    rest = fma(multiple, SINGLE(-plain.QUARTER_PI[1]), rest)
    rest = fma(multiple, SINGLE(-plain.QUARTER_PI[2]), rest)
    square = rest * rest
    cosine = fma(SINGLE(plain.COSINE[0]), square, SINGLE(plain.COSINE[1]))
    cosine = fma(cosine, square, SINGLE(plain.COSINE[2])) * square
    cosine = fma(cosine, square, -(square * HALF)) + ONE
    sine = fma(SINGLE(plain.SINE[0]), square, SINGLE(plain.SINE[1]))
    sine = fma(sine, square, SINGLE(plain.SINE[2])) * square
    sine = fma(sine, rest, rest)
    swap = (octant & np.int32(2)) != 0
    result_sine = cosine if swap else sine
    result_cosine = sine if swap else cosine
    if (octant & np.int32(4)) != 0:
        result_sine = -result_sine
    if ((octant + np.int32(2)) & np.int32(4)) != 0:
        result_cosine = -result_cosine
    return result_sine, result_cosine


@exact
def _radii(units: Array) -> None:
    for i in range(units.size):
        units[i] = math.sqrt(-TWO * _log(ONE - units[i]))


@exact
def _polar(radii: Array, angles: Array) -> None:
    """Radius and angle, as a part of the circle, to ``radius * cosine`` and ``radius * sine``."""
    for i in range(radii.size):
        sine, cosine = _sine_cosine(SINGLE(2 * math.pi) * angles[i])
        radius = radii[i]
        radii[i] = radius * cosine
        angles[i] = radius * sine


@exact
def _normals_single(words: Array, out: Array, mean: float, std: float) -> None:
    """Blocks of 16: the two halves are laid apart, so that the long loops vectorise."""
    radii, angles = np.empty(PART, np.float32), np.empty(PART, np.float32)
    for first in range(0, out.size, 2 * PART):
        size = min(PART, (out.size - first) // 2)
        for start in range(0, size, 8):
            for i in range(start, start + 8):
                word = first + start + i
                radii[i] = SINGLE(np.int32(words[word] & BITS24)) * UNIT24
                angles[i] = SINGLE(np.int32(words[word + 8] & BITS24)) * UNIT24
        _radii(radii[:size])
        _polar(radii[:size], angles[:size])
        for start in range(0, size, 8):
            for i in range(start, start + 8):
                out[first + start + i] = fma(radii[i], std, mean)
                out[first + start + i + 8] = fma(angles[i], std, mean)


@exact
def _normals_double(words: Array, out: Array, mean: float, std: float) -> None:
    for start in range(0, out.size, 16):
        for i in range(start, start + 8):
            radius = math.sqrt(-2.0 * math.log(1.0 - _long_unit(words, i)))
            angle = 2.0 * math.pi * _long_unit(words, i + 8)
            out[i] = fma(radius * math.cos(angle), std, mean)
            out[i + 8] = fma(radius * math.sin(angle), std, mean)


def normal(out: Array, stream: WordStream, mean: float, std: float) -> None:
    accelerated(stream)
    whole = out.size - out.size % 16
    for part in chunks(out[:whole]):
        _normal_blocks(part, stream, mean, std)
    if out.size > whole:
        if not is_half(out.dtype):
            stream.words((out.size - whole) * (2 if out.dtype == np.float64 else 1))
        _normal_blocks(out[-16:], stream, mean, std)


def _normal_blocks(out: Array, stream: WordStream, mean: float, std: float) -> None:
    if out.dtype == np.float64:
        return _normals_double(stream.words(2 * out.size), out, float(mean), float(std))
    numbers = np.empty(out.size, SINGLE) if is_half(out.dtype) else out
    _normals_single(stream.words(out.size), numbers, SINGLE(mean), SINGLE(std))
    if numbers is not out:
        out[:] = numbers


@exact
def _pairs(words: Array, out: Array) -> None:
    """Standard normal numbers from four words a pair."""
    for i in range(out.size // 2):
        angle = 2.0 * math.pi * _long_unit(words, 2 * i)
        radius = math.sqrt(-2.0 * math.log1p(-_long_unit(words, 2 * i + 1)))
        out[2 * i] = radius * math.cos(angle)
        out[2 * i + 1] = radius * math.sin(angle)


@exact
def _scale(numbers: Array, mean: float, std: float) -> None:
    for i in range(numbers.size):
        numbers[i] = fma(numbers[i], std, mean)


def serial_normal(out: Array, stream: WordStream, mean: float, std: float) -> None:
    for part in chunks(out):
        plain.store(part, _serial_normals(accelerated(stream), part.size, mean, std))


def _serial_normals(stream: WordStream, size: int, mean: float, std: float) -> Array:
    first = 0 if stream.spare is None else 1
    pairs = -(-(size - first) // 2)
    numbers = np.empty(first + 2 * pairs)
    if first:
        numbers[0] = stream.spare
    _pairs(stream.words(4 * pairs), numbers[first:])
    stream.spare = float(numbers[-1]) if numbers.size > size else None
    _scale(numbers, float(mean), float(std))
    return numbers[:size]


# ---- other distributions


@exact
def _below(words: Array, out: Array, probability: float) -> None:
    for i in range(out.size):
        out[i] = _long_unit(words, i) < probability


def bernoulli(out: Array, stream: WordStream, probability: float) -> None:
    accelerated(stream)
    hits = np.empty(min(out.size, plain.CHUNK), np.bool_)
    for part in chunks(out):
        _below(stream.words(2 * part.size), hits[: part.size], float(probability))
        part[...] = hits[: part.size]


def bernoulli_each(out: Array, stream: WordStream, probability: Array) -> None:
    plain.bernoulli_each(out, accelerated(stream), probability)


@exact
def _noise(words: Array, out: Array, probability: float, value: float) -> None:
    for i in range(out.size):
        out[i] = value if _long_unit(words, i) < probability else value - value


def dropout_noise(out: Array, stream: WordStream, probability: float, value: Any) -> None:
    if is_half(out.dtype):
        return plain.dropout_noise(out, accelerated(stream), probability, value)
    accelerated(stream)
    for part in chunks(out):
        _noise(stream.words(2 * part.size), part, float(probability), out.dtype.type(value))


@exact
def _exponentials(words: Array, out: Array, factor: float) -> None:
    for i in range(out.size):
        out[i] = factor * math.log1p(-_long_unit(words, i))


def exponential(out: Array, stream: WordStream, rate: float) -> None:
    accelerated(stream)
    numbers = np.empty(min(out.size, plain.CHUNK))
    for part in chunks(out):
        some = numbers[: part.size]
        _exponentials(stream.words(2 * part.size), some, -1.0 / rate)
        plain.store(part, some)
