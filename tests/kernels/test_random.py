"""The stream of words, the emulated multiply-add, and the compiled fills against the plain ones."""

from __future__ import annotations

import importlib
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flambeau.kernels.select import numba_available
from flambeau.kernels.shared import random, random_each
from flambeau.kernels.shared.multiply_add import fma32, fma64
from flambeau.kernels.shared.words import WordStream, seed_key, tempered, untempered

HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
FLOATS = (np.dtype(np.float32), np.dtype(np.float64), *HALVES)


def reference_words(seed: int, count: int) -> np.ndarray:
    engine = np.random.MT19937(0)
    np.random.RandomState(engine).seed(seed)
    return engine.random_raw(count).astype(np.uint32)


# ---- words


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([0, 1, 2, 15, 100, 623, 624, 3000])))
def test_words_come_in_order_from_every_state(seed: int, counts: list[int]) -> None:
    expected = reference_words(seed, sum(counts) + 7)
    stream, at = WordStream(seed), 0
    for count in counts:
        assert np.array_equal(stream.words(count), expected[at : at + count])
        at += count
        restored = WordStream(0)
        restored.restore(*stream.state())
        assert np.array_equal(restored.words(7), expected[at : at + 7])


def test_tempering_is_undone() -> None:
    words = reference_words(3, 624)
    assert np.array_equal(tempered(untempered(words)), words)


def test_a_fresh_state_is_the_untwisted_key() -> None:
    key, place = WordStream(5489).state()
    assert place == 0 and key[:3].tolist() == [5489, 1301868182, 2938499221]
    assert np.array_equal(key, seed_key(5489))


def test_units_and_derived_numbers_do_not_depend_on_how_they_are_cut() -> None:
    whole, cut = WordStream(9), WordStream(9)
    for draw in ("units", "long_units"):
        expected = getattr(whole, draw)(5000)
        parts = [getattr(cut, draw)(n) for n in (1, 16, 607, 2376, 2000)]
        assert np.array_equal(np.concatenate(parts), expected)
    expected = whole.derived(4800, random.standard_normals)
    parts = [cut.derived(n, random.standard_normals) for n in (16, 32, 608, 2544, 1600)]
    assert np.array_equal(np.concatenate(parts), expected)


# ---- multiply-add


def nearest(value: Fraction, dtype: type) -> float:
    """The float nearest to an exact value, ties to even: float64 first rounds exactly."""
    near = dtype(float(value))
    around = [np.nextafter(near, dtype(-np.inf)), near, np.nextafter(near, dtype(np.inf))]
    bits = np.int32 if dtype is np.float32 else np.int64
    return min(around, key=lambda c: (abs(Fraction(float(c)) - value), int(c.view(bits)) & 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_multiply_add_rounds_once(dtype: type) -> None:
    rng = np.random.default_rng(5)
    bits = 12 if dtype is np.float32 else 27  # short factors make ties and exact sums frequent
    a = rng.integers(1, 1 << bits, 400).astype(dtype)
    b, c = dtype((1 << bits) - 3), dtype(2.0**-2)
    for scale in (1.0, 3.0, 2.0**bits, 2.0 ** (2 * bits)):
        term = float(dtype(c * scale))
        if dtype is np.float32:
            found = fma32(a.astype(np.float64), float(b), term).astype(np.float32)
        else:
            found = fma64(a, float(b), term)
        expected = [
            nearest(Fraction(float(x)) * Fraction(float(b)) + Fraction(term), dtype) for x in a
        ]
        assert np.array_equal(found, np.array(expected, dtype))


# ---- compiled forms

SIZES = (16, 17, 1000, 5003)
FILLS = {
    "uniform": (FLOATS, [(0.0, 1.0), (-0.3, 0.8)]),
    "normal": (FLOATS, [(0.0, 1.0), (0.3, 0.7)]),
    "serial_normal": (FLOATS, [(0.0, 1.0), (0.3, 0.7)]),
    "bernoulli": ((*FLOATS, np.dtype(np.int64), np.dtype(bool)), [(0.3,)]),
    "dropout_noise": (FLOATS, [(0.7, 1.5)]),
    "exponential": (FLOATS, [(0.37,)]),
    "permutation": ((np.dtype(np.int64), np.dtype(np.int16), np.dtype(np.float32)), [()]),
}


def drawn(module: object, name: str, dtype: np.dtype, size: int, arguments: tuple) -> list:
    """The bytes of a fill after an odd draw, and where it leaves the stream."""
    stream = WordStream(size)
    random.serial_normal(np.empty(1), stream, 0.0, 1.0)
    out = np.empty(size, dtype)
    getattr(module, name)(out, stream, *arguments)
    key, place = stream.state()
    return [out.tobytes(), key.tolist(), place, stream.spare]


@pytest.mark.skipif(not numba_available(), reason="needs Numba")
@pytest.mark.parametrize("name", FILLS)
def test_compiled_fills_have_the_same_bits(name: str) -> None:
    fast = importlib.import_module("flambeau.kernels.cpu.random")
    dtypes, arguments = FILLS[name]
    for dtype in dtypes:
        for size in SIZES:
            for given_ in arguments:
                plain = drawn(random, name, dtype, size, given_)
                assert drawn(fast, name, dtype, size, given_) == plain, (dtype, size, given_)


@pytest.mark.skipif(not numba_available(), reason="needs Numba")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_samplers_have_the_same_bits(dtype: type) -> None:
    fast = importlib.import_module("flambeau.kernels.cpu.random_each")
    rates = np.linspace(0, 60, 700).astype(dtype)
    chances = np.linspace(0, 1, 700).astype(dtype)
    counts = np.arange(700).astype(dtype)
    for name, arguments in (
        ("poisson", (rates,)), ("standard_gamma", (rates / 10,)), ("binomial", (counts, chances)),
    ):  # fmt: skip
        plain = drawn(random_each, name, np.dtype(dtype), 700, arguments)
        assert drawn(fast, name, np.dtype(dtype), 700, arguments) == plain


@pytest.mark.skipif(not numba_available(), reason="needs Numba")
def test_a_million_normals() -> None:
    fast = importlib.import_module("flambeau.kernels.cpu.random")
    one, two = np.empty(10**6, np.float32), np.empty(10**6, np.float32)
    random.normal(one, WordStream(7), -0.3, 0.8)
    fast.normal(two, WordStream(7), -0.3, 0.8)
    assert np.array_equal(one, two)
