"""Bytes on a device: where storages get their memory from."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import IO, Any

import numpy

from flambeau.core import storage as memory
from flambeau.core.device import device
from flambeau.core.kind import array_library
from flambeau.kernels.select import CUDA

Array = Any


class Shared(mmap.mmap):
    """Memory that other processes see too."""


def is_shared(array: Array) -> bool:
    """Whether the bytes are in memory that other processes see."""
    base = memory.root(array).base
    return isinstance(base.obj if isinstance(base, memoryview) else base, Shared)


def owner(array: Array) -> Any:
    """What arrays over one memory share: the owning array, or the memory object on CUDA."""
    return memory.root(array) if isinstance(array, numpy.ndarray) else array.data.mem


def allocate(size: int, where: device) -> Array:
    """New bytes on a device; None on the meta device."""
    if size < 0:
        raise RuntimeError(f"a storage cannot have a negative size, but got {size} bytes")
    if where.type == "meta":
        return None
    if where.type == "cuda":
        xp = array_library(CUDA)
        with xp.cuda.Device(where.index):
            return xp.empty(size, numpy.uint8)
    if where.type != "cpu":
        raise RuntimeError(f"torch.UntypedStorage(): Storage device not recognized: {where.type}")
    return numpy.empty(size, numpy.uint8)


def moved(array: Array, where: device) -> Array:
    """The bytes as an array of the library of a device."""
    if where.type == "cuda":
        xp = array_library(CUDA)
        with xp.cuda.Device(where.index):
            return xp.asarray(array)
    return None if where.type == "meta" else on_host(array)


def on_host(array: Array) -> Array:
    """The bytes as a NumPy array."""
    return array if isinstance(array, numpy.ndarray) else array.get()


def opened(path: str, mode: str) -> IO[bytes]:
    """A file; RuntimeError where it cannot be opened."""
    try:
        return open(path, mode)
    except OSError as error:
        way = "read-only" if mode == "rb" else "read-write"
        raise RuntimeError(
            f"unable to open file <{path}> in {way} mode: {error.strerror} ({error.errno})"
        ) from error


def is_pinned(array: Array) -> bool:
    """Whether the bytes are in page-locked memory."""
    owner = memory.root(array).base
    return type(owner).__name__ == "PinnedMemoryPointer" or (
        isinstance(owner, memoryview) and type(owner.obj).__name__ == "PinnedMemoryPointer"
    )


def pinned(size: int) -> Array:
    """New bytes in page-locked memory."""
    try:
        xp = array_library(CUDA)
    except RuntimeError as error:
        raise RuntimeError("Cannot access accelerator device when none is available.") from error
    return numpy.frombuffer(xp.cuda.alloc_pinned_memory(max(size, 1)), numpy.uint8, size)


def from_sequence(data: Any) -> Array:
    """The numbers of a sequence as bytes."""
    if not isinstance(data, Sequence) and not hasattr(data, "__len__"):
        raise TypeError(f"torch.UntypedStorage(): cannot make a storage of {type(data).__name__}")
    for item in data:
        if not isinstance(item, int):
            raise RuntimeError(
                "torch.UntypedStorage(): tried to construct a storage from a sequence "
                f"({type(data).__name__}), but one of the items was of type "
                f"{type(item).__name__} instead of int"
            )
    return numpy.array([item & 255 for item in data], numpy.uint8)


def check_byte(value: Any) -> None:
    """TypeError for what cannot be a byte."""
    if not isinstance(value, int):
        raise TypeError(
            f"can only set storage content with a int types, but got {type(value).__name__} instead"
        )


def part(raw: memoryview, count: int, offset: int, itemsize: int) -> memoryview:
    """``count`` elements from byte ``offset`` on; all of them where the count is negative."""
    length = len(raw)
    if length and not 0 <= offset < length:
        raise ValueError(
            f"offset must be non-negative and no greater than buffer length ({offset}) , but got "
            f"{length}"
        )
    if count >= 0:
        if offset + count * itemsize > length:
            raise ValueError(
                f"buffer has only {length - offset} elements after offset {offset}, but "
                f"specified a size of {count}"
            )
        return raw[offset : offset + count * itemsize]
    if (length - offset) % itemsize:
        raise ValueError(f"buffer size ({length}) must be a multiple of element size ({itemsize})")
    return raw[offset:]
