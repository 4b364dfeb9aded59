"""Devices, streams and events. Everything has happened as soon as it is asked for."""

from __future__ import annotations

import mmap
import threading
import time
from typing import Any

from cupy._memory import (
    DEVICES,
    Memory,
    MemoryHook,
    MemoryPointer,
    MemoryPool,
    current,
    using_allocator,
)

from cupy.cuda import nvtx, profiler, runtime


class Device:
    """A device; as a context manager it is the current one inside."""

    def __init__(self, device: int | Device | None = None) -> None:
        self.id = current.device if device is None else int(device)
        self._before: list[int] = []

    def __int__(self) -> int:
        return self.id

    def use(self) -> None:
        runtime.setDevice(self.id)

    def __enter__(self) -> Device:
        self._before.append(current.device)
        self.use()
        return self

    def __exit__(self, *exc: object) -> None:
        current.device = self._before.pop()

    def synchronize(self) -> None:
        runtime.check(self.id)

    @property
    def compute_capability(self) -> str:
        runtime.check(self.id)
        return "90"

    @property
    def pci_bus_id(self) -> str:
        return f"0000:0{self.id}:00.0"

    @property
    def mem_info(self) -> tuple[int, int]:
        with self:
            return runtime.memGetInfo()

    @property
    def attributes(self) -> dict[str, int]:
        return {"MultiProcessorCount": 4, "ConcurrentKernels": 1, "WarpSize": 32}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


class _Streams(threading.local):
    stack: tuple[Any, ...] = ()


_streams = _Streams()


class Stream:
    """A queue of work."""

    null: Stream

    def __init__(
        self,
        null: bool = False,
        non_blocking: bool = False,
        ptds: bool = False,
        *,
        priority: Any = None,
    ) -> None:
        self.ptr = 0 if null else id(self)
        self.device_id = -1 if null else current.device
        self.priority = 0 if priority is None else priority
        self.is_non_blocking = non_blocking

    def use(self) -> Stream:
        _streams.stack = (*_streams.stack[:-1], self)
        return self

    def __enter__(self) -> Stream:
        _streams.stack = (*_streams.stack, self)
        return self

    def __exit__(self, *exc: object) -> None:
        _streams.stack = _streams.stack[:-1]

    @property
    def done(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass

    def record(self, event: Event | None = None) -> Event:
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        pass

    def begin_capture(self, mode: int | None = None) -> None:
        if self.ptr == 0:
            raise runtime.CUDARuntimeError(
                900, "cudaErrorStreamCaptureUnsupported: not permitted on the default stream"
            )
        self._graph: Graph | None = Graph(mode)

    def end_capture(self) -> Graph:
        graph, self._graph = self._graph, None
        assert graph is not None
        return graph

    def is_capturing(self) -> bool:
        return getattr(self, "_graph", None) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.ptr == self.ptr

    def __hash__(self) -> int:
        return hash(self.ptr)


class Graph:
    """A recording. What is recorded here has run already, and a launch only counts."""

    def __init__(self, mode: int | None) -> None:
        self.mode, self.launches = mode, 0
        self.graph, self.graphExec = id(self), id(self) + 1

    def launch(self, stream: Stream | None = None) -> None:
        self.launches += 1


class ExternalStream(Stream):
    """A queue that somebody else made."""

    def __init__(self, ptr: int, device_id: int = -1) -> None:
        super().__init__()
        self.ptr, self.device_id = ptr, device_id


Stream.null = Stream(null=True)


class Event:
    """A place in a stream."""

    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self.ptr, self._timed, self._at = id(self), not disable_timing, None

    def record(self, stream: Stream | None = None) -> None:
        self._at = time.perf_counter()  # type: ignore[assignment]

    def synchronize(self) -> None:
        pass

    @property
    def done(self) -> bool:
        return True


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Milliseconds between two events."""
    if start_event._at is None or end_event._at is None or not start_event._timed:
        raise runtime.CUDARuntimeError(
            400, "cudaErrorInvalidResourceHandle: invalid resource handle"
        )
    return 1000 * (end_event._at - start_event._at)


def get_current_stream(device_id: int = -1) -> Stream:
    """The stream that work goes to."""
    return _streams.stack[-1] if _streams.stack else Stream.null


def get_device_id() -> int:
    """The number of the current device."""
    return current.device


def is_available() -> bool:
    """Whether there is a device."""
    return DEVICES > 0


class PinnedMemoryPointer(mmap.mmap):
    """Page-locked memory of the host."""


def alloc_pinned_memory(size: int) -> PinnedMemoryPointer:
    """Page-locked memory of at least so many bytes."""
    return PinnedMemoryPointer(-1, max(size, 1))


def alloc(size: int) -> MemoryPointer:
    """New device memory."""
    return MemoryPointer(Memory(size), 0)


def get_local_runtime_version() -> int:
    """The version of CUDA's runtime library."""
    return runtime.runtimeGetVersion()
