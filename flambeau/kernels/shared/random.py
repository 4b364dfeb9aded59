"""Fills arrays with random numbers, bit for bit as PyTorch 2.13 does on a CPU.

Every function takes ``out``, a one-dimensional contiguous array in memory order, and the stream of
words to draw from. How many words an element takes, and how they become a number, is part of the
promise, so the order of operations here is not free. Logarithms and the like go through Python's
``math``, which is the C library's: NumPy's own differ from it in the last bit.

Sources: G. Box and M. Muller, "A note on the generation of random normal deviates", 1958;
S. Moshier's Cephes library for the float32 logarithm, sine and cosine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.multiply_add import fma32, fma64, single
from flambeau.kernels.shared.precision import is_half
from flambeau.kernels.shared.words import CHUNK, UNIT64, WordStream, as_units, chunks

Array = Any  #: a NumPy array
SINGLE = np.float32


def store(out: Array, values: Array) -> None:
    """Writes float64 numbers; to half precision they go through float32."""
    out[...] = values.astype(SINGLE) if is_half(out.dtype) else values


def mapped(function: Callable[[float], float], values: Array) -> Array:
    """A function of the C library over float64 numbers."""
    return np.fromiter(map(function, values.tolist()), np.float64, values.size)


# ---- uniform numbers and integers


@compiled(1 << 18, loaded=4096)
def uniform(out: Array, stream: WordStream, low: float, high: float) -> None:
    """Numbers in [low, high): one word each, or two for float64."""
    if low == 0 and high == 1 and out.dtype == SINGLE and out.size <= CHUNK:
        out[...] = stream.units(out.size)
        return
    for part in chunks(out):
        if out.dtype == np.float64:
            part[...] = fma64(stream.long_units(part.size), high - low, low)
        else:
            _uniform_single(part, stream, SINGLE(low), SINGLE(high))


def _uniform_single(out: Array, stream: WordStream, low: Any, high: Any) -> None:
    values = stream.units(out.size)
    if low != 0 or high != 1:
        values = fma32(values.astype(np.float64), float(high - low), float(low))
    out[...] = values.astype(SINGLE, copy=False)
    if is_half(out.dtype):  # rounding may reach the open end of the interval
        out[out == high.astype(out.dtype)] = low.astype(out.dtype)


def integers(out: Array, stream: WordStream, low: int, count: int) -> None:
    """Integers in [low, low + count): one word each, or two where ``count`` is 2**28 or more.

    All 2**64 of them are the words as they are.
    """
    for part in chunks(out):
        drawn = _modulo(stream, part.size, count, long=count >= 1 << 28)
        store_integers(part, drawn if low == 0 or count == 1 << 64 else drawn + np.int64(low))


def _modulo(stream: WordStream, size: int, count: int, long: bool) -> Array:
    """Words modulo ``count`` as int64; all 64 bits when ``count`` is 2**64."""
    if not long:
        return (stream.words(size) % np.uint32(count)).astype(np.int64)
    words = stream.long_words(size)
    return (words if count == 1 << 64 else words % np.uint64(count)).view(np.int64)


def store_integers(out: Array, values: Array) -> None:
    """Writes int64 numbers; to half precision they go through float32."""
    out[...] = values.astype(SINGLE) if is_half(out.dtype) else values


def dtype_integers(out: Array, stream: WordStream, count: int, long: bool) -> None:
    """Non-negative integers below ``count``, the dtype's own limit; ``long`` takes two words."""
    for part in chunks(out):
        store_integers(part, _modulo(stream, part.size, count, long))


LARGE = (1 << 32) // 20  #: places from which a permutation draws two words an exchange


@compiled(1 << 16, loaded=256)
def permutation(out: Array, stream: WordStream) -> None:
    """0 to n - 1 shuffled (R. Fisher and F. Yates), a word for each exchange."""
    order = list(range(out.size))
    if out.size < LARGE:
        _exchange(order, stream)
    else:
        _insert(order, stream)
    store_integers(out, np.array(order, np.int64))


def _exchange(order: list[int], stream: WordStream) -> None:
    """From the front on, each place is exchanged with one that follows, or itself."""
    size = len(order)
    offsets = stream.words(max(size - 1, 0)) % np.arange(size, 1, -1, dtype=np.uint32)
    for place, offset in enumerate(offsets.tolist()):
        other = place + offset
        order[place], order[other] = order[other], order[place]


def _insert(order: list[int], stream: WordStream) -> None:
    """Each number goes to a place drawn among those before it, whose number moves to its own."""
    for place in range(len(order)):
        other = int(stream.long_words(1)[0]) % (place + 1)
        order[place], order[other] = order[other], place


# ---- normal numbers


def normal_is_blocked(size: int, contiguous: bool) -> bool:
    """Whether a fill is done in blocks of 16; otherwise numbers are drawn in pairs."""
    return contiguous and size >= 16


@compiled(1 << 15, loaded=64)
def normal(out: Array, stream: WordStream, mean: float, std: float) -> None:
    """At least 16 normal numbers, in blocks of 16: a word each, and 16 words more for the rest.

    The last block overlaps the one before it and is drawn anew.
    """
    if mean == 0 and std == 1 and out.dtype == SINGLE and not out.size % 16 and out.size <= CHUNK:
        out[...] = stream.derived(out.size, standard_normals)
        return
    whole = out.size - out.size % 16
    block = _normals_double if out.dtype == np.float64 else _normals_single
    for part in chunks(out[:whole]):
        store(part, block(stream, part.size, mean, std))
    if out.size > whole:
        if not is_half(out.dtype):
            stream.words((out.size - whole) * (2 if out.dtype == np.float64 else 1))
        store(out[-16:], block(stream, 16, mean, std))


def _normals_single(stream: WordStream, size: int, mean: float, std: float) -> Array:
    numbers = stream.derived(size, standard_normals)
    if mean == 0 and std == 1:
        return numbers
    return fma32(numbers.astype(np.float64), float(SINGLE(std)), float(SINGLE(mean)))


def standard_normals(words: Array) -> Array:
    """float32 normal numbers from blocks of 16 words, a pair from words 8 apart."""
    units = as_units(words).reshape(-1, 2, 8)
    radius = np.sqrt(SINGLE(-2) * _log(SINGLE(1) - units[:, 0]))
    sine, cosine = _sine_cosine(SINGLE(2 * math.pi) * units[:, 1])
    return np.stack((radius * cosine, radius * sine), 1).reshape(-1)


def _normals_double(stream: WordStream, size: int, mean: float, std: float) -> Array:
    units = stream.long_units(size).reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * mapped(math.log, 1.0 - units[:, 0].reshape(-1)))
    angle = (2.0 * math.pi) * units[:, 1].reshape(-1)
    pair = radius * mapped(math.cos, angle), radius * mapped(math.sin, angle)
    numbers = np.stack([part.reshape(-1, 8) for part in pair], 1).reshape(-1)
    return fma64(numbers, std, mean)


LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
LOG2_HIGH, LOG2_LOW = 0.693359375, -2.12194440e-4  #: log(2) in two parts
SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
FOUR_OVER_PI = 1.27323954473516
QUARTER_PI = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)  #: in three parts


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value: Any = float(SINGLE(coefficients[0]))
    for coefficient in coefficients[1:]:
        value = fma32(x, value, float(SINGLE(coefficient)))
    return value


def _log(x: Array) -> Array:
    """The float32 logarithm of numbers in (0, 1]."""
    bits = x.view(np.int32)
    exponent = (bits >> 23) - 0x7E
    mantissa = ((bits & 0x7FFFFF) | 0x3F000000).view(SINGLE)  # in [0.5, 1)
    small = mantissa < SINGLE(0.707106781186547524)
    exponent = (exponent - small).astype(np.float64)
    x = (mantissa - SINGLE(1) + np.where(small, mantissa, SINGLE(0))).astype(np.float64)
    square = single(x * x)
    value = single(_polynomial(LOG, x) * x)
    value = fma32(value, square, single(exponent * float(SINGLE(LOG2_LOW))))
    value = fma32(square, -0.5, value)
    return fma32(exponent, LOG2_HIGH, single(x + value)).astype(SINGLE)


def _sine_cosine(x: Array) -> tuple[Array, Array]:
    """The float32 sine and cosine of numbers in [0, 2 pi]."""
    octant = ((x * SINGLE(FOUR_OVER_PI)).astype(np.int32) + 1) & ~1
    multiple, rest = octant.astype(np.float64), x.astype(np.float64)
    for part in QUARTER_PI:
        rest = fma32(multiple, -float(SINGLE(part)), rest)
    square = single(rest * rest)
    cosine = fma32(single(_polynomial(COSINE, square) * square), square, square * -0.5)
    cosine = cosine.astype(SINGLE) + SINGLE(1)
    sine = fma32(single(_polynomial(SINE, square) * square), rest, rest).astype(SINGLE)
    swap = (octant & 2) != 0
    sine, cosine = np.where(swap, cosine, sine), np.where(swap, sine, cosine)
    negative_cosine = ((octant + 2) & 4) != 0
    return np.where((octant & 4) != 0, -sine, sine), np.where(negative_cosine, -cosine, cosine)


def serial_normals(stream: WordStream, size: int, mean: float, std: float) -> Array:
    """Normal numbers as float64, drawn in pairs; half a pair is kept for the next call."""
    numbers = [next_normal(stream) for _ in range(size)]
    if mean == 0 and std == 1:
        return np.array(numbers)
    return fma64(np.array(numbers), std, mean)


def next_normal(stream: WordStream) -> float:
    """The next standard normal: four words, or none for the second of a pair."""
    spare = stream.spare
    if spare is not None:
        stream.spare = None
        return spare
    high, low, other_high, other_low = stream.words(4).tolist()
    angle = 2.0 * math.pi * (((high & 0x1FFFFF) << 32 | low) * UNIT64)
    radius = math.sqrt(-2.0 * math.log1p(-((other_high & 0x1FFFFF) << 32 | other_low) * UNIT64))
    stream.spare = radius * math.sin(angle)
    return radius * math.cos(angle)


@compiled(1 << 15, loaded=256)
def serial_normal(out: Array, stream: WordStream, mean: float, std: float) -> None:
    """Normal numbers of fewer than 16 elements, or of a tensor that is not contiguous."""
    store(out, serial_normals(stream, out.size, mean, std))


# ---- other distributions with one formula


@compiled(1 << 18, loaded=2048)
def bernoulli(out: Array, stream: WordStream, probability: float) -> None:
    """1 with the given probability, else 0: two words each."""
    for part in chunks(out):
        part[...] = stream.long_units(part.size) < probability


@compiled(1 << 18, loaded=512)
def dropout_noise(out: Array, stream: WordStream, probability: float, value: Any) -> None:
    """``value`` with the given probability, else 0: two words each."""
    for part in chunks(out):
        part[...] = np.where(stream.long_units(part.size) < probability, value, out.dtype.type(0))


@compiled(1 << 18, loaded=16384)
def bernoulli_each(out: Array, stream: WordStream, probability: Array) -> None:
    """1 with a probability for each element: one word each, two for float64 probabilities."""
    draw = stream.long_units if probability.dtype == np.float64 else stream.units
    if is_half(probability.dtype):
        probability = probability.astype(SINGLE)
    for part, chance in zip(chunks(out), chunks(probability), strict=True):
        part[...] = draw(part.size) < chance


@compiled(1 << 15, loaded=256)
def exponential(out: Array, stream: WordStream, rate: float) -> None:
    """Exponential numbers, by inversion: two words each."""
    for part in chunks(out):
        logs = mapped(math.log1p, -stream.long_units(part.size))
        store(part, (-1.0 / rate) * logs)


def cauchy(out: Array, stream: WordStream, median: float, sigma: float) -> None:
    """Cauchy numbers, by inversion: two words each."""
    for part in chunks(out):
        angles = math.pi * (stream.long_units(part.size) - 0.5)
        store(part, fma64(mapped(math.tan, angles), sigma, median))


def geometric(out: Array, stream: WordStream, probability: float) -> None:
    """The number of trials up to the first success, by inversion: two words each."""
    for part in chunks(out):
        units = stream.long_units(part.size)
        logs = mapped(_log_or_infinity, units)
        store(part, np.ceil(logs / math.log1p(-probability)))


def _log_or_infinity(x: float) -> float:
    return math.log(x) if x else -math.inf


def log_normal(out: Array, stream: WordStream, mean: float, std: float) -> None:
    """The exponential of normal numbers drawn in pairs."""
    store(out, mapped(_exp_or_infinity, serial_normals(stream, out.size, mean, std)))


def _exp_or_infinity(x: float) -> float:
    return math.exp(x) if x < 709.78 else float(np.exp(x))


def long_uniform(out: Array, stream: WordStream, low: float, high: float) -> None:
    """Numbers in [low, high), always from float64 steps, each rounded: two words each."""
    for part in chunks(out):
        store(part, stream.long_units(part.size) * (high - low) + low)


silence(globals())
