"""Settings of saving and loading, and where storages go."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

from flambeau.core.device import as_device
from flambeau.core.kind import array_library
from flambeau.core.untyped_storage import UntypedStorage
from flambeau.kernels.select import CUDA


class LoadEndianness(Enum):
    """The byte order to assume of a file that does not say its own."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Settings:
    endianness: LoadEndianness | None = None
    mmap_flags: int = getattr(mmap, "MAP_PRIVATE", 2)
    crc32: bool = True
    skipping: bool = False


_settings = _Settings()


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order assumed of files that do not say; None means this machine's."""
    return _settings.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Sets the byte order to assume of files that do not say."""
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _settings.endianness = endianness


def assumed_byteorder() -> str | None:
    """``"little"``, ``"big"`` or None, from the setting."""
    if _settings.endianness is None:
        return None
    if _settings.endianness is LoadEndianness.NATIVE:
        return sys.byteorder
    return _settings.endianness.name.lower()


def get_default_mmap_options() -> int | None:
    """The flags of ``load(mmap=True)``: ``MAP_PRIVATE`` or ``MAP_SHARED``."""
    return _settings.mmap_flags


class set_default_mmap_options:  # noqa: N801 - the public name
    """Sets the flags of ``load(mmap=True)``; as a context manager, for the block.

    With ``mmap.MAP_SHARED`` writes to loaded tensors go to the file.
    """

    def __init__(self, flags: int) -> None:
        if flags not in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
            raise ValueError(
                f"Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE "
                f"or mmap.MAP_SHARED, but got {flags}"
            )
        self.prev = _settings.mmap_flags
        _settings.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _settings.mmap_flags = self.prev


def maps_shared() -> bool:
    """Whether mapped files are written through."""
    return _settings.mmap_flags == getattr(mmap, "MAP_SHARED", 1)


def get_crc32_options() -> bool:
    """Whether ``save`` computes the checksums of its records; here it always does."""
    return _settings.crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Says that checksums may be left out; files have them all the same."""
    _settings.crc32 = compute_crc32


def skipping() -> bool:
    """Whether the data of storages is left out."""
    return _settings.skipping


def set_skipping(value: bool) -> None:
    """Says whether the data of storages is left out."""
    _settings.skipping = value


# ---- where storages go

Tagger = Callable[[Any], str | None]
Deserializer = Callable[[Any, str], Any]
_packages: list[tuple[int, Tagger, Deserializer]] = []


def register_package(priority: int, tagger: Tagger, deserializer: Deserializer) -> None:
    """Adds a kind of place where storages live.

    ``tagger(storage)`` names the place or returns None, ``deserializer(storage, location)`` moves
    a loaded storage there or returns None; the lowest priority is asked first.
    """
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda package: package[0])


def location_tag(storage: Any) -> str:
    """The name of the place where a storage lives: ``cpu``, ``cuda:0``, ``meta``."""
    for _, tagger, _ in _packages:
        location = tagger(storage)
        if location:
            return location
    raise RuntimeError(f"don't know how to determine data location of {storage.type()}")


def default_restore_location(storage: Any, location: str) -> Any:
    """A loaded storage, moved to the place that the file or ``map_location`` names."""
    for _, _, deserializer in _packages:
        result = deserializer(storage, location)
        if result is not None:
            return result
    raise RuntimeError(
        f"don't know how to restore data location of {storage.type()} (tagged with {location})"
    )


def validate_cuda_device(location: str) -> int:
    """The index of a CUDA device; RuntimeError where there is no such device."""
    index = as_device(location).index or 0
    count = cuda_devices()
    if count == 0:
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
            "False. If you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        )
    if index >= count:
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {index} but "
            f"torch.cuda.device_count() is {count}. Please use torch.load with map_location to "
            "map your storages to an existing device."
        )
    return index


def validate_hpu_device(location: str) -> int:
    """RuntimeError: there are no such devices here."""
    raise RuntimeError(
        "Attempting to deserialize object on a HPU device but torch.hpu.is_available() is False. "
        "If you are running on a CPU-only machine, please use torch.load with "
        "map_location=torch.device('cpu') to map your storages to the CPU."
    )


def cuda_devices() -> int:
    """The number of CUDA devices that can be used."""
    try:
        return array_library(CUDA).cuda.runtime.getDeviceCount()
    except Exception:  # without a driver CuPy raises errors of its own
        return 0


def _tag(kind: str) -> Tagger:
    def tagger(storage: Any) -> str | None:
        return str(storage.device) if storage.device.type == kind else None

    return tagger


def _to_cpu(storage: Any, location: str) -> Any:
    return storage if location == "cpu" else None


def _to_cuda(storage: Any, location: str) -> Any:
    if not location.startswith("cuda"):
        return None
    return storage.cuda(validate_cuda_device(location))


def _to_meta(storage: Any, location: str) -> Any:
    return UntypedStorage(storage.nbytes(), device="meta") if location == "meta" else None


def _to_hpu(storage: Any, location: str) -> Any:
    return validate_hpu_device(location) if location.startswith("hpu") else None


register_package(10, _tag("cpu"), _to_cpu)
register_package(20, _tag("cuda"), _to_cuda)
register_package(22, _tag("meta"), _to_meta)
register_package(24, _tag("hpu"), _to_hpu)
