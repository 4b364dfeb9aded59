"""Pools of device memory beside the common one: for recordings, and for what asks for its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from flambeau.cuda.library import cupy, found, index_of

Handle = tuple[int, int]
_numbers = itertools.count(1)
_living: WeakValueDictionary[Handle, Any] = WeakValueDictionary()


class MemPool:
    """Memory that only those allocations share that are made inside ``use_mem_pool``.

    ``use_on_oom`` and ``no_split`` are accepted for compatibility: CuPy's pools do neither.

    Raises:
        RuntimeError: without CUDA; or an ``allocator`` is given, which CuPy takes as a function
            (``cupy.cuda.set_allocator``).
    """

    def __init__(
        self, allocator: Any = None, use_on_oom: bool = False, no_split: bool = False
    ) -> None:
        library = found()
        if library is None:
            raise RuntimeError("Tried to instantiate dummy base class MemPool")
        if allocator is not None:
            raise RuntimeError("allocators of PyTorch cannot be used: see cupy.cuda.set_allocator")
        self._pool = library.cuda.MemoryPool()
        self._id: Handle = (0, next(_numbers))
        _living[self._id] = self

    @property
    def id(self) -> Handle:
        """What graphs and ``memory_snapshot`` know it by."""
        return self._id

    def use_count(self) -> int:
        """How many blocks of it are in use: 1 for the pool itself, more while it holds tensors."""
        return 1 + (self._pool.used_bytes() > 0)

    def snapshot(self, include_traces: bool = True) -> list[dict[str, Any]]:
        """What it holds, as ``memory_snapshot`` tells it."""
        return [_segment(self._pool, index_of(None), self._id)]


def graph_pool_handle() -> Handle:
    """The name of a pool that several graphs may share; it is made when one of them needs it."""
    if found() is None:
        raise RuntimeError("Tried to instantiate dummy base class _graph_pool_handle")
    return (1, next(_numbers))


def pool_of(handle: Handle | None) -> MemPool:
    """The living pool of that name; a new one for a name that has none, or for None."""
    made = _living.get(handle) if handle is not None else None
    if made is None:
        made = MemPool()
        if handle is not None:
            made._id = handle
            _living[handle] = made
    return made


@contextmanager
def use_mem_pool(pool: MemPool, device: Any = None) -> Iterator[None]:
    """What this thread allocates inside, on the current device, is of ``pool``."""
    index = index_of(device)
    with cupy().cuda.Device(index), cupy().cuda.using_allocator(pool._pool.malloc):
        yield


def memory_snapshot(
    mempool_id: Handle | None = None, include_traces: bool = True
) -> list[dict[str, Any]]:
    """How much each pool of each device holds, and how much of that is in use.

    An entry a pool: CuPy does not list the blocks of a pool, and keeps no traces.
    """
    library = cupy()
    if mempool_id is not None:
        return [_segment(pool_of(mempool_id)._pool, index_of(None), mempool_id)]
    found_ = []
    for index in range(library.cuda.runtime.getDeviceCount()):
        with library.cuda.Device(index):
            found_.append(_segment(library.get_default_memory_pool(), index, (0, 0)))
            found_ += [_segment(p._pool, index, p.id) for p in list(_living.values())]
    return found_


def _segment(pool: Any, device: int, handle: Handle) -> dict[str, Any]:
    total, used = pool.total_bytes(), pool.used_bytes()
    return {
        "device": device, "segment_pool_id": handle, "total_size": total, "allocated_size": used,
        "active_size": used, "blocks": [], "device_traces": [],
    }  # fmt: skip
