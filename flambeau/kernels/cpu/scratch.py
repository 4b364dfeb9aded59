"""Memory that kernels work in, kept from call to call: fresh pages cost more than what fills them.

Each Python thread has its own, so that two threads may convolve at once. ``Scratch`` hands out
arrays one after the other; the next ``Scratch`` of the thread reuses the memory.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

LINE = 16  #: float32 numbers of a cache line; vectors that straddle two cost a fifth
KEPT = 1 << 25  #: numbers that a thread keeps at most

_local = threading.local()


class Scratch:
    """Arrays of float32 that start on a cache line; they hold anything at first."""

    def __init__(self) -> None:
        self.memory = getattr(_local, "memory", None)
        self.used = 0

    def take(self, *shape: int) -> Any:
        """An array of this shape, valid until the next ``Scratch`` of this thread."""
        size = -(-prod(shape) // LINE) * LINE
        if self.memory is None or self.used + size > len(self.memory):
            self.memory, self.used = _fresh(max(size, 1 << 16, 2 * self.used)), 0
            if len(self.memory) <= KEPT:
                _local.memory = self.memory
        start, self.used = self.used, self.used + size
        return self.memory[start : start + prod(shape)].reshape(shape)


def _fresh(size: int) -> Any:
    flat = np.empty(size + LINE, np.float32)
    start = -flat.ctypes.data // 4 % LINE
    return flat[start : start + size]
