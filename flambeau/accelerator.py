"""``torch.accelerator``: the accelerator of this machine, whatever it is. Here that is CUDA.

Without one, only the questions whether there is one have an answer; the rest raises RuntimeError.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import flambeau
from flambeau.core.device import device as Device

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream",
    "device_count", "device_index", "empty_cache", "empty_host_cache", "get_device_capability",
    "get_memory_info", "is_available", "max_memory_allocated", "max_memory_reserved",
    "memory_allocated", "memory_reserved", "memory_stats", "reset_accumulated_memory_stats",
    "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether there is an accelerator that works.

    >>> torch.accelerator.is_available() == torch.cuda.is_available()
    True
    """
    return flambeau.cuda.is_available()


def current_accelerator(check_available: bool = False) -> Device | None:
    """The kind of accelerator, ``device("cuda")``; None without one."""
    return Device("cuda") if is_available() else None


def device_count() -> int:
    """How many accelerators there are."""
    return flambeau.cuda.device_count()


def _cuda() -> Any:
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    return flambeau.cuda


def _index(device: Any) -> int:
    """The number of a device given as a number, a name or a ``torch.device``."""
    if device is None or isinstance(device, int):
        return _cuda().current_device() if device is None else device
    place = Device(device)
    if place.type != "cuda":
        raise ValueError(
            f"{place.type} doesn't match the current accelerator {current_accelerator()}."
        )
    return _cuda().current_device() if place.index is None else place.index


# ---- the current device


def current_device_index() -> int:
    """The number of the device on which new tensors are made."""
    return _cuda().current_device()


def set_device_index(device: Any) -> None:
    """Makes a device the one on which new tensors are made."""
    _cuda().set_device(_index(device))


current_device_idx, set_device_idx = current_device_index, set_device_index


class device_index:
    """``with device_index(1): ...``: another current device inside; None changes nothing."""

    def __init__(self, device: int | None) -> None:
        self.idx = device
        self._guard = None if device is None else _cuda().device(device)

    def __enter__(self) -> None:
        if self._guard is not None:
            self._guard.__enter__()

    def __exit__(self, *exc: object) -> None:
        if self._guard is not None:
            self._guard.__exit__(*exc)


def get_device_capability(device: Any = None) -> dict[str, Any]:
    """What a device can do: ``{"supported_dtypes": {...}}``."""
    _cuda().get_device_properties(_index(device))
    numbers = [of for of in vars(flambeau).values() if isinstance(of, flambeau.dtype)]
    return {"supported_dtypes": {of for of in numbers if of.rank >= 0}}


# ---- streams


def current_stream(device: Any = None) -> Any:
    """The stream that operators go to."""
    return _cuda().current_stream(_index(device))


def set_stream(stream: Any) -> None:
    """Makes a stream the one that operators go to."""
    if not isinstance(stream, flambeau.Stream):
        raise TypeError(f"set_stream(): expected a torch.Stream, got {type(stream).__name__}")
    _cuda().set_stream(stream)


def synchronize(device: Any = None) -> None:
    """Waits until a device has done all that was asked of it."""
    _cuda().synchronize(_index(device))


# ---- memory


def empty_cache() -> None:
    """Gives back the blocks that no tensor holds."""
    _cuda().empty_cache()


def empty_host_cache() -> None:
    """Gives back pinned blocks of the host that no tensor holds: none are kept."""
    _cuda()


def get_memory_info(device_index: Any = None) -> tuple[int, int]:
    """The free and the total bytes of a device."""
    return _cuda().mem_get_info(_index(device_index))


def memory_allocated(device_index: Any = None) -> int:
    """The bytes that tensors hold."""
    return _cuda().memory_allocated(_index(device_index))


def max_memory_allocated(device_index: Any = None) -> int:
    """The most bytes that tensors have held."""
    return _cuda().max_memory_allocated(_index(device_index))


def memory_reserved(device_index: Any = None) -> int:
    """The bytes that the pool holds."""
    return _cuda().memory_reserved(_index(device_index))


def max_memory_reserved(device_index: Any = None) -> int:
    """The most bytes that the pool has held."""
    return _cuda().max_memory_reserved(_index(device_index))


def memory_stats(device_index: Any = None) -> OrderedDict[str, Any]:
    """Statistics of the pool by name."""
    return _cuda().memory_stats(_index(device_index))


def reset_peak_memory_stats(device_index: Any = None) -> None:
    """Counts what was most from now on."""
    _cuda().reset_peak_memory_stats(_index(device_index))


def reset_accumulated_memory_stats(device_index: Any = None) -> None:
    """Counts sums from now on."""
    _cuda().reset_accumulated_memory_stats(_index(device_index))
