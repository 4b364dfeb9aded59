"""The stream of random 32-bit words behind PyTorch's CPU generator: the Mersenne twister MT19937.

Words are drawn ahead, in whole steps of the engine, so that a small draw is a slice. The exact
state is still always known: what the engine held in a step can be told from the words it gave.

Source: M. Matsumoto and T. Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed
uniform pseudo-random number generator", 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

Array = Any  #: a NumPy array

STEP = 624  #: words an engine makes at a time
AHEAD = 16 * STEP  #: the most words that small draws keep ready
CHUNK = 6 * AHEAD  #: elements that a large fill handles at a time: they stay in the cache
HALF_BITS = np.uint64(32)
UNIT32, BITS32 = np.float32(2.0**-24), np.uint32((1 << 24) - 1)
UNIT64, BITS64 = 2.0**-53, np.uint64((1 << 53) - 1)


class Engine(Protocol):
    """Makes words, in multiples of 624."""

    def seed(self, seed: int) -> None: ...
    def restore(self, key: Array) -> None: ...
    def words(self, count: int) -> Array: ...


class NumpyEngine:
    """NumPy's MT19937."""

    def __init__(self) -> None:
        self._bits = np.random.MT19937(0)
        self._seeder = np.random.RandomState(self._bits)  # seeds as the published init_genrand does

    def seed(self, seed: int) -> None:
        self._seeder.seed(seed)

    def restore(self, key: Array) -> None:
        """Continue after the step whose state was ``key``."""
        state = {"key": key, "pos": STEP}
        self._bits.state = {"bit_generator": "MT19937", "state": state}

    def words(self, count: int) -> Array:
        return self._bits.random_raw(count).astype(np.uint32)


def seed_key(seed: int) -> Array:
    """The engine's 624 words just after seeding."""
    return np.random.RandomState(seed).get_state(legacy=False)["state"]["key"]


def tempered(key: Array) -> Array:
    """The words that a step gives from the engine's state."""
    words = key ^ (key >> 11)
    words ^= (words << 7) & np.uint32(0x9D2C5680)
    words ^= (words << 15) & np.uint32(0xEFC60000)
    return words ^ (words >> 18)


def untempered(words: Array) -> Array:
    """The engine's state in the step that gave these words."""
    key = words ^ (words >> 18)
    key ^= (key << 15) & np.uint32(0xEFC60000)
    mixed = key
    for _ in range(4):  # seven more bits are right each time
        mixed = key ^ ((mixed << 7) & np.uint32(0x9D2C5680))
    return mixed ^ (mixed >> 11) ^ (mixed >> 22)


class WordStream:
    """Words in order, with the normal number that a pair of draws leaves over."""

    __slots__ = ("_block", "_derived", "_engine", "_next", "_origin", "_units", "spare")

    def __init__(self, seed: int) -> None:
        self._engine: Engine = NumpyEngine()
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again from the low 32 bits of ``seed``."""
        self._origin: int | Array = seed & 0xFFFFFFFF  #: the seed or the key all began with
        self._engine.seed(self._origin)
        self._keep(np.empty(0, np.uint32), 0)
        self.spare: float | None = None  #: the second normal of a pair, not yet used

    def _keep(self, block: Array, next: int) -> None:
        self._block = block  #: words made, in whole steps
        self._next = next  #: the first of them not drawn yet
        self._units: Array | None = None  #: the block as float32 numbers in [0, 1)
        self._derived: tuple[Any, int, Array] | None = None  #: see `derived`

    # ---- the state, as the engine's key and a place in its step

    def state(self) -> tuple[Array, int]:
        """The key of the step in hand, and how many of its words are drawn: 0 after a seed."""
        if self._block.size == 0:
            origin = self._origin
            return seed_key(origin) if isinstance(origin, int) else origin.copy(), 0
        start = (self._next - 1) // STEP * STEP if self._next else 0
        return untempered(self._block[start : start + STEP]), self._next - start

    def restore(self, key: Array, next: int) -> None:
        """Continue from a key and a place in its step; the opposite of `state`."""
        self._origin = np.array(key, np.uint32)
        self._engine.restore(self._origin)
        self._keep(tempered(self._origin) if next else np.empty(0, np.uint32), next)

    def use(self, engine: Engine) -> None:
        """Let another engine make the words from here on."""
        if self._block.size:
            engine.restore(untempered(self._block[-STEP:]))
        else:
            engine.restore(self.state()[0])
        self._engine = engine

    @property
    def engine(self) -> Engine:
        return self._engine

    # ---- drawing

    def words(self, count: int) -> Array:
        """The next ``count`` words as uint32. Not to be written to: they may be a part of more."""
        end = self._next + count
        if end <= self._block.size:
            words = self._block[self._next : end]
            self._next = end
            return words
        return self._words_beyond(count)

    def _words_beyond(self, count: int) -> Array:
        """Words from the rest of the block and from a new one, larger the longer this goes on."""
        rest = self._block[self._next :]
        missing = count - rest.size
        size = max(-(-missing // STEP) * STEP, min(2 * self._block.size, AHEAD))
        fresh = self._engine.words(size)
        words = fresh[:missing] if rest.size == 0 else np.concatenate((rest, fresh[:missing]))
        used = 0 if size <= AHEAD else size - STEP
        self._keep(fresh[used:].copy() if used else fresh, missing - used)
        return words

    def long_words(self, count: int) -> Array:
        """The next ``count`` words of 64 bits, two draws each: the first is the high half."""
        pairs = self.words(2 * count).astype("<u4", copy=False).view("<u8")
        return (pairs << HALF_BITS) | (pairs >> HALF_BITS)

    def units(self, count: int) -> Array:
        """The next ``count`` float32 numbers in [0, 1), of 24 bits. Not to be written to."""
        end = self._next + count
        if end > self._block.size:
            return as_units(self._words_beyond(count))
        if self._units is None:
            self._units = as_units(self._block)
        units = self._units[self._next : end]
        self._next = end
        return units

    def derived(self, count: int, function: Callable[[Array], Array]) -> Array:
        """``function`` of the next ``count`` words, which it takes in groups of 16.

        A small draw computes what it can of the whole block, and keeps it for the draws to come.
        """
        phase, end = self._next % 16, self._next + count
        last = self._block.size - (self._block.size - phase) % 16
        if end > last:
            return function(self.words(count))
        if self._derived is None or self._derived[:2] != (function, phase):
            self._derived = function, phase, function(self._block[phase:last])
        values = self._derived[2][self._next - phase : end - phase]
        self._next = end
        return values

    def long_units(self, count: int) -> Array:
        """The next ``count`` float64 numbers in [0, 1), multiples of 2**-53."""
        return (self.long_words(count) & BITS64) * UNIT64

    def uniform(self) -> float:
        """The next float64 in [0, 1), as a Python float."""
        high, low = self.words(2).tolist()
        return ((high & 0x1FFFFF) << 32 | low) * UNIT64


def as_units(words: Array) -> Array:
    """Words as float32 numbers in [0, 1): their low 24 bits."""
    return (words & BITS32).astype(np.float32) * UNIT32


def chunks(out: Array) -> Iterable[Array]:
    """Consecutive parts of a one-dimensional array that stay in the cache."""
    if out.size <= CHUNK:
        return (out,)
    return (out[start : start + CHUNK] for start in range(0, out.size, CHUNK))
