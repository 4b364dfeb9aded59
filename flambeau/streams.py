"""``torch.Stream`` and ``torch.Event``: queues of work, and places in them, of any device.

On CUDA they are those of :mod:`flambeau.cuda`. The CPU has one queue, which is always empty: work
is done when the call that asked for it returns.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import Any, NoReturn

import flambeau
from flambeau.core.device import device as Device

_CUDA = 1  # in PyTorch's numbers of device types
_NO_EVENTS = "cpu backend doesn't support events."
_NO_SHARING = "torch.Event ipc is not supported yet: events cannot be shared between processes"


def _place(device: Any) -> Device:
    """The device asked for: by default an accelerator, if there is one."""
    if device is not None:
        return Device(device)
    return Device("cuda" if flambeau.cuda.is_available() else "cpu")


class Stream(metaclass=ABCMeta):
    """A queue of the work of a device; for CUDA a ``torch.cuda.Stream``.

    Given as ``device`` and ``priority``, or as ``stream_id``, ``device_index`` and ``device_type``.

    >>> torch.Stream("cpu").query()
    True
    """

    __module__ = "torch"

    def __new__(
        cls, device: Any = None, device_index: int | None = None, device_type: int | None = None,
        *, priority: int = 0, stream_id: int | None = None,
    ) -> Any:  # fmt: skip
        if device_type is not None:
            return _known_stream(
                device if stream_id is None else stream_id, device_index, device_type
            )
        place = _place(device)
        if place.type == "cuda":
            return flambeau.cuda.Stream(place, priority)
        return _cpu_stream(place)

    device: Device
    stream_id: int

    @property
    def device_index(self) -> int:
        """The number of its device; -1 without one."""
        return -1 if self.device.index is None else self.device.index

    @property
    def device_type(self) -> int:
        """0, for the CPU."""
        return 0

    def query(self) -> bool:
        """Whether all work in it is done."""
        return True

    def synchronize(self) -> None:
        """Waits until all work in it is done."""

    def record_event(self, event: Any = None) -> NoReturn:
        """Raises RuntimeError: the CPU has no events to wait for."""
        raise RuntimeError(_NO_EVENTS)

    def wait_event(self, event: Any) -> None:
        """Waits for an event, which has happened."""

    def wait_stream(self, stream: Any) -> None:
        """Waits for the work of another stream."""
        stream.synchronize()

    def is_capturing(self) -> bool:
        """Whether what is put into it is recorded as a graph."""
        return False

    def native_handle(self) -> NoReturn:
        """Raises RuntimeError: the queue exists by name only."""
        raise RuntimeError("Backend doesn't support getting stream native handle.")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return type(other) is Stream and (self.device, self.stream_id) == (
            other.device,
            other.stream_id,
        )

    def __hash__(self) -> int:
        return hash((self.device, self.stream_id))

    def __repr__(self) -> str:
        return (
            f"torch.Stream device_type={self.device.type}, device_index={self.device_index}, "
            f"stream_id={self.stream_id}"
        )


def _cpu_stream(place: Device, stream_id: int = 0) -> Stream:
    made = object.__new__(Stream)
    made.device, made.stream_id = place, stream_id
    return made


def _known_stream(stream_id: int, device_index: int | None, device_type: int) -> Any:
    """A stream that exists already, by its numbers."""
    if device_type == _CUDA:
        return flambeau.cuda.ExternalStream(stream_id, device_index)
    return _cpu_stream(Device("cpu", device_index or 0), stream_id)


class Event(metaclass=ABCMeta):
    """A place in a stream, to wait for and to measure from; for CUDA a ``torch.cuda.Event``."""

    __module__ = "torch"

    def __new__(
        cls, device: Any = None, *, enable_timing: bool = False, blocking: bool = False,
        interprocess: bool = False,
    ) -> Any:  # fmt: skip
        place = _place(device)
        if place.type == "cuda":
            return flambeau.cuda.Event(enable_timing, blocking, interprocess)
        made = object.__new__(cls)
        made.device, made.event_id, made._flag = place, 0, int(enable_timing)
        return made

    device: Device
    event_id: int
    _flag: int

    def record(self, stream: Any = None) -> None:
        """Raises RuntimeError: the CPU has no events."""
        raise RuntimeError(_NO_EVENTS)

    def wait(self, stream: Any = None) -> None:
        """Waits for nothing: it was not recorded."""

    def query(self) -> bool:
        """Whether the work before it is done."""
        return True

    def synchronize(self) -> None:
        """Waits for nothing: it was not recorded."""

    def elapsed_time(self, other: Any) -> NoReturn:
        """Raises RuntimeError: the CPU has no events."""
        raise RuntimeError(_NO_EVENTS)

    @classmethod
    def from_ipc_handle(cls, device: Any, ipc_handle: bytes) -> NoReturn:
        """Raises NotImplementedError: events are not shared between processes."""
        raise NotImplementedError(_NO_SHARING)

    def ipc_handle(self) -> bytes:
        """Raises NotImplementedError: events are not shared between processes."""
        raise NotImplementedError(_NO_SHARING)

    def __repr__(self) -> str:
        index = -1 if self.device.index is None else self.device.index
        return (
            f"torch.Event device_type={self.device.type}, device_index={index}, "
            f"event_flag={self._flag}, event_id={self.event_id}"
        )
