"""Streams, the queues of work of a device, and events, places in them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from flambeau.core.device import device as Device
from flambeau.cuda.library import cupy, device_of_index, found, index_of
from flambeau.streams import Event as AnyEvent
from flambeau.streams import Stream as AnyStream

_KIND = 1  # CUDA, in PyTorch's numbers of device types


def _needed(message: str) -> ModuleType:
    library = found()
    if library is None:
        raise RuntimeError(message)
    return library


class Stream:
    """A queue of work: what is put into it happens in order, beside what other queues do.

    ``with stream(s): ...`` puts the operators inside into ``s``.
    """

    __module__ = "torch.cuda"

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        library = _needed("torch.cuda.Stream requires CUDA support")
        index = index_of(device)
        with device_of_index(index):
            self._stream = library.cuda.Stream(non_blocking=True)
        self.device, self.priority = Device("cuda", index), priority

    @classmethod
    def _over(cls, stream: Any, index: int) -> Stream:
        """A stream of CuPy's."""
        made = object.__new__(cls)
        made._stream, made.device, made.priority = stream, Device("cuda", index), 0
        return made

    @property
    def cuda_stream(self) -> int:
        """The address of the stream in CUDA."""
        return self._stream.ptr

    @property
    def stream_id(self) -> int:
        """A number of its own."""
        return self._stream.ptr

    @property
    def device_index(self) -> int:
        """The number of its device."""
        assert self.device.index is not None
        return self.device.index

    @property
    def device_type(self) -> int:
        """1, for CUDA."""
        return _KIND

    def query(self) -> bool:
        """Whether all work in it is done."""
        return self._stream.done

    def synchronize(self) -> None:
        """Waits until all work in it is done."""
        self._stream.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """Records an event, a new one by default."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """What is put into it from now on waits for the event."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """What is put into it from now on waits for what is in another stream."""
        self.wait_event(stream.record_event())

    def is_capturing(self) -> bool:
        """Whether what is put into it is recorded as a graph."""
        return self._stream.is_capturing()

    def native_handle(self) -> int:
        """The address of the stream in CUDA."""
        return self._stream.ptr

    def __enter__(self) -> Stream:
        context = StreamContext(self)
        context.__enter__()
        self._entered = (*getattr(self, "_entered", ()), context)
        return self

    def __exit__(self, *exc: Any) -> None:
        *rest, context = self._entered
        self._entered = tuple(rest)
        context.__exit__(*exc)

    def _keep(self, array: Any) -> _Keeper:
        """What ``Tensor.record_stream`` puts into a tensor over the array."""
        return _Keeper(array, self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return False
        return self.cuda_stream == other.cuda_stream and self.device is other.device

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class ExternalStream(Stream):
    """A stream that another library made, by its address."""

    def __init__(self, stream_ptr: int, device: Any = None, **kwargs: Any) -> None:
        library = _needed("torch.cuda.Stream requires CUDA support")
        index = index_of(device)
        self._stream = library.cuda.ExternalStream(stream_ptr, index)
        self.device, self.priority = Device("cuda", index), 0


class Event:
    """A place in a stream, to wait for and, with ``enable_timing``, to measure from.

    The event is made in CUDA when it is first recorded.
    """

    __module__ = "torch.cuda"

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ) -> None:
        _needed("Tried to instantiate dummy base class Event")
        self._options = (blocking, not enable_timing, interprocess)
        self._event: Any = None
        self.device = Device("cuda")

    def record(self, stream: Stream | None = None) -> None:
        """Puts the event into a stream, the current one by default."""
        stream = current_stream() if stream is None else stream
        if self._event is None:
            self._event = cupy().cuda.Event(*self._options)
        self._event.record(stream._stream)
        self.device = stream.device

    def wait(self, stream: Stream | None = None) -> None:
        """What is put into a stream from now on waits for the event."""
        if self._event is not None:
            (current_stream() if stream is None else stream)._stream.wait_event(self._event)

    def query(self) -> bool:
        """Whether all work recorded by it is done."""
        return self._event is None or self._event.done

    def synchronize(self) -> None:
        """Waits until the work recorded by it is done."""
        if self._event is not None:
            self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """The milliseconds from this event to another, both recorded with ``enable_timing``."""
        for event in (self, end_event):
            if event._options[1]:
                raise ValueError("Both events must be created with argument 'enable_timing=True'.")
            if event._event is None:
                raise ValueError("Both events must be recorded before calculating elapsed time.")
        return cupy().cuda.get_elapsed_time(self._event, end_event._event)

    @property
    def event_id(self) -> int:
        """A number of its own."""
        return self.cuda_event

    @property
    def cuda_event(self) -> int:
        """The address of the event in CUDA; 0 before it is recorded."""
        return 0 if self._event is None else self._event.ptr

    def ipc_handle(self) -> bytes:
        """What another process makes the same event from; needs ``interprocess=True``."""
        if self._event is None:
            self._event = cupy().cuda.Event(*self._options)
        return bytes(cupy().cuda.runtime.ipcGetEventHandle(self._event.ptr))

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: bytes) -> Event:
        """The event of another process."""
        made = cls()
        with device_of_index(index_of(device)):
            made._event = _Foreign(cupy().cuda.runtime.ipcOpenEventHandle(handle))
        return made

    def __repr__(self) -> str:
        if self._event is None:
            return "<torch.cuda.Event uninitialized>"
        return f"<torch.cuda.Event {self.cuda_event:#x}>"


AnyStream.register(Stream)  # what ``torch.Stream("cuda")`` gives is a ``torch.Stream``
AnyEvent.register(Event)


class _Foreign:
    """An event of another process, with the interface of CuPy's events."""

    def __init__(self, ptr: int) -> None:
        self.ptr = ptr

    def record(self, stream: Any) -> None:
        cupy().cuda.runtime.eventRecord(self.ptr, stream.ptr)

    def synchronize(self) -> None:
        cupy().cuda.runtime.eventSynchronize(self.ptr)

    @property
    def done(self) -> bool:
        return cupy().cuda.runtime.eventQuery(self.ptr) == 0


class _Keeper:
    """Lives in a tensor and outlives it: holds its memory until a stream is done with it."""

    def __init__(self, array: Any, stream: Stream) -> None:
        self.array, self.stream = array, stream

    def __del__(self) -> None:
        _kept[:] = [pair for pair in _kept if not pair[0].query()]
        event = self.stream.record_event()
        if not event.query():
            _kept.append((event, self.array))


_kept: list[tuple[Event, Any]] = []  # memory without a tensor that a stream still uses


class StreamContext:
    """Puts the operators inside into a stream of its device; None changes nothing."""

    cur_stream: Stream | None

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self._before: list[tuple[int, Stream]] = []

    def __enter__(self) -> None:
        if self.stream is None:
            return
        library = cupy()
        self._before.append((library.cuda.Device().id, current_stream(self.stream.device)))
        device_of_index(self.stream.device_index).use()
        self.stream._stream.use()

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        if self.stream is None:
            return
        index, before = self._before.pop()
        before._stream.use()
        device_of_index(index).use()


def stream(stream: Stream | None) -> StreamContext:
    """``with stream(s): ...``: puts the operators inside into ``s``."""
    return StreamContext(stream)


def set_stream(stream: Stream | None) -> None:
    """Makes a stream the current one of its device from now on."""
    if stream is not None:
        device_of_index(stream.device_index).use()
        stream._stream.use()


def current_stream(device: Any = None) -> Stream:
    """The stream that operators are put into."""
    library, index = cupy(), index_of(device)
    return Stream._over(library.cuda.get_current_stream(index), index)


def default_stream(device: Any = None) -> Stream:
    """The stream that operators are put into unless told otherwise."""
    library, index = cupy(), index_of(device)
    return Stream._over(library.cuda.Stream.null, index)


def is_current_stream_capturing() -> bool:
    """Whether the current stream records what is put into it, to be replayed."""
    library = _needed("Tried to instantiate dummy base class _cuda_isCurrentStreamCapturing")
    return library.cuda.get_current_stream().is_capturing()


def get_stream_from_external(data_ptr: int, device: Any = None) -> Stream:
    """A stream that another library made, by its address."""
    cupy()
    return ExternalStream(data_ptr, device)


__all__ = [
    "Event", "ExternalStream", "Stream", "StreamContext", "current_stream", "default_stream",
    "get_stream_from_external", "is_current_stream_capturing", "set_stream", "stream",
]  # fmt: skip
