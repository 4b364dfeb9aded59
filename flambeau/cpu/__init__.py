"""``torch.cpu``: the interface of ``torch.cuda`` for the CPU, whose work is done when a call
returns; so streams and events only keep code that is written for any device running."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from numpy._core._multiarray_umath import __cpu_features__

from flambeau.cpu import amp
from flambeau.namespace import module_getattr as _module_getattr

__all__ = [
    "Event", "Stream", "StreamContext", "amp", "current_device", "current_stream", "device_count",
    "get_capabilities", "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """True: there is a CPU."""
    return True


def is_initialized() -> bool:
    """True: there is nothing to initialise."""
    return True


def synchronize(device: Any = None) -> None:
    """Waits for the work on the CPU, which is done."""


def device_count() -> int:
    """1: all CPUs are one device."""
    return 1


def current_device() -> str:
    """The device that tensors are made on: ``"cpu"``."""
    return "cpu"


def set_device(device: Any) -> None:
    """Does nothing: there is one device."""


class Stream:
    """A queue of work that is always empty."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Waits for the work of another stream, which is done."""

    def record_event(self) -> None:
        """Marks a place in the queue."""

    def wait_event(self, event: Any) -> None:
        """Waits for an event, which has happened."""


class Event:
    """A mark in a queue, reached as soon as it is made."""

    def query(self) -> bool:
        """True: all work before the mark is done."""
        return True

    def record(self, stream: Any = None) -> None:
        """Makes the mark."""

    def synchronize(self) -> None:
        """Waits for the mark, which is reached."""

    def wait(self, stream: Any = None) -> None:
        """Makes a stream wait for the mark, which is reached."""


_default_cpu_stream = Stream()
_current_stream = _default_cpu_stream


def current_stream(device: Any = None) -> Stream:
    """The stream that was entered last, else the default one."""
    return _current_stream


class StreamContext(AbstractContextManager):  # type: ignore[type-arg]
    """Makes ``stream`` the current one inside; None changes nothing."""

    cur_stream: Stream | None

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self.prev_stream = _default_cpu_stream

    def __enter__(self) -> None:
        global _current_stream
        if self.stream is not None:
            self.prev_stream, _current_stream = _current_stream, self.stream

    def __exit__(self, *exc: object) -> None:
        global _current_stream
        if self.stream is not None:
            _current_stream = self.prev_stream


def stream(stream: Stream | None) -> AbstractContextManager:  # type: ignore[type-arg]
    """A context manager in which ``stream`` is the current one."""
    return StreamContext(stream)


_FEATURES = {
    "sse": "SSE", "sse2": "SSE2", "sse3": "SSE3", "ssse3": "SSSE3", "sse4_1": "SSE41",
    "sse4_2": "SSE42", "avx": "AVX", "f16c": "F16C", "fma3": "FMA3", "avx2": "AVX2",
    "avx512_f": "AVX512F", "avx512_cd": "AVX512CD", "avx512_bw": "AVX512BW",
    "avx512_dq": "AVX512DQ", "avx512_vl": "AVX512VL", "avx512_vnni": "AVX512VNNI",
    "avx512_bf16": "AVX512BF16", "avx512_fp16": "AVX512FP16", "neon": "NEON", "sve": "SVE",
}  # fmt: skip


def get_capabilities() -> Mapping[str, Any]:
    """What is known about the CPU: its architecture, its cores, and the instructions it has."""
    known = __cpu_features__
    found = {name: known[key] for name, key in _FEATURES.items() if key in known}
    about = {"architecture": platform.machine(), "num_logical_cores": os.cpu_count()}
    return MappingProxyType(about | found)


__getattr__ = _module_getattr(__name__)
