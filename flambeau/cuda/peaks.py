"""How much device memory is in use, and the most that was: CuPy's pool knows no peaks."""

from __future__ import annotations

import threading
from collections import defaultdict
from types import ModuleType
from typing import Any


class Usage:
    """The memory that one device's pool has handed out."""

    __slots__ = ("allocations", "frees", "now", "peak", "total")

    def __init__(self) -> None:
        self.now = self.peak = self.total = self.allocations = self.frees = 0

    def take(self, size: int) -> None:
        self.now += size
        self.total += size
        self.allocations += 1
        self.peak = max(self.peak, self.now)

    def give(self, size: int) -> None:
        self.now -= size
        self.frees += 1


USAGE: defaultdict[int, Usage] = defaultdict(Usage)
_lock = threading.Lock()


def watch(cupy: ModuleType) -> None:
    """Counts what this thread allocates from now on; earlier blocks count as in use."""
    for index in range(cupy.cuda.runtime.getDeviceCount()):
        with cupy.cuda.Device(index):
            USAGE[index].now = USAGE[index].peak = cupy.get_default_memory_pool().used_bytes()

    class Watch(cupy.cuda.MemoryHook):
        """Called by CuPy at each allocation and each release."""

        name = "flambeau.cuda"

        def malloc_postprocess(self, **what: Any) -> None:
            with _lock:
                USAGE[what["device_id"]].take(what["mem_size"])

        def free_postprocess(self, **what: Any) -> None:
            with _lock:
                USAGE[what["device_id"]].give(what["mem_size"])

    Watch().__enter__()
