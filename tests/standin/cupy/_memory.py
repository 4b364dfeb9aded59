"""Device memory: blocks that a pool hands out, and pointers into them."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy

BLOCK = 512  # the pool hands out multiples of this
DEVICES = 2


class _Current(threading.local):
    device = 0
    allocator: Any = None  # of `using_allocator`: a pool's malloc
    hooks: tuple[Any, ...] = ()


class MemoryHook:
    """Told of each block that is handed out or given back while it is entered."""

    name = "MemoryHook"

    def __enter__(self) -> MemoryHook:
        if any(hook.name == self.name for hook in current.hooks):
            raise KeyError(f"memory hook {self.name} already exists")
        current.hooks = (*current.hooks, self)
        return self

    def __exit__(self, *exc: object) -> None:
        current.hooks = tuple([hook for hook in current.hooks if hook is not self])

    def malloc_postprocess(self, **what: Any) -> None:
        pass

    def free_postprocess(self, **what: Any) -> None:
        pass


current = _Current()
_BLOCKS: weakref.WeakValueDictionary[int, Memory] = weakref.WeakValueDictionary()


class Memory:
    """A block of device memory; ``buffer`` is where the stand-in keeps its bytes."""

    def __init__(self, size: int) -> None:
        self.size = -(-size // BLOCK) * BLOCK
        self.buffer = numpy.full(self.size, 0xFF, numpy.uint8)
        self.ptr = self.buffer.ctypes.data if size else 0
        self.device_id = current.device
        _BLOCKS[id(self.buffer)] = self
        self.pool = pool if current.allocator is None else current.allocator.__self__
        self.pool.take(self)
        for hook in current.hooks:
            hook.malloc_postprocess(
                device_id=self.device_id, size=size, mem_size=self.size, mem_ptr=self.ptr, pmem_id=0
            )

    def __del__(self) -> None:
        self.pool.give(self)
        for hook in current.hooks:
            hook.free_postprocess(
                device_id=self.device_id, mem_size=self.size, mem_ptr=self.ptr, pmem_id=0
            )


class MemoryPointer:
    """A place in a block of memory; adding a number moves it by as many bytes."""

    def __init__(self, mem: Memory, offset: int) -> None:
        self.mem, self.ptr = mem, mem.ptr + offset

    @property
    def device_id(self) -> int:
        return self.mem.device_id

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + offset)

    __radd__ = __add__

    def __sub__(self, offset: int) -> MemoryPointer:
        return self + -offset


class MemoryPool:
    """What the allocator knows of the blocks of all devices."""

    def __init__(self) -> None:
        self._used, self._held = [0] * DEVICES, [0] * DEVICES

    def take(self, memory: Memory) -> None:
        device = memory.device_id
        self._used[device] += memory.size
        self._held[device] = max(self._held[device], self._used[device])

    def give(self, memory: Memory) -> None:
        self._used[memory.device_id] -= memory.size

    def malloc(self, size: int) -> MemoryPointer:
        with using_allocator(self.malloc):
            return MemoryPointer(Memory(size), 0)

    def used_bytes(self) -> int:
        return self._used[current.device]

    def total_bytes(self) -> int:
        return self._held[current.device]

    def free_bytes(self) -> int:
        return self.total_bytes() - self.used_bytes()

    def n_free_blocks(self) -> int:
        return int(self.free_bytes() > 0)

    def free_all_blocks(self, stream: Any = None) -> None:
        self._held[current.device] = self._used[current.device]

    def get_limit(self) -> int:
        return 0

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        raise NotImplementedError("the stand-in has no limit")


pool = MemoryPool()


class using_allocator:
    """Memory is of another pool inside, in this thread."""

    def __init__(self, allocator: Any = None) -> None:
        self.allocator = allocator

    def __enter__(self) -> None:
        self.before, current.allocator = current.allocator, self.allocator

    def __exit__(self, *exc: object) -> None:
        current.allocator = self.before


def memory_of(host: numpy.ndarray) -> Memory | None:
    """The block that an array of the stand-in's bytes lies in; None for any other array."""
    base: Any = host
    while isinstance(base, numpy.ndarray):
        found = _BLOCKS.get(id(base))
        if found is not None and found.buffer is base:
            return found
        base = base.base
    return None
