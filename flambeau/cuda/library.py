"""The way to CuPy: loaded when first asked for, and asked whether there is a device."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.kind import array_library
from flambeau.cuda.peaks import watch
from flambeau.kernels.select import CUDA

NONE = "Torch not compiled with CUDA enabled"
_HINT = "  fix: CUDA needs CuPy: pip install flambeau[cuda12] or flambeau[cuda13]"


class CudaError(RuntimeError):
    """An error of CUDA's runtime library, by its number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"CUDA error number {code}")
        self.code = code


def found() -> ModuleType | None:
    """CuPy, if it is installed and has a device."""
    try:
        cupy = array_library(CUDA)
        count = cupy.cuda.runtime.getDeviceCount()
    except (ImportError, OSError, RuntimeError):
        return None
    return _watched(cupy) if count else None


@cache
def _watched(cupy: ModuleType) -> ModuleType:
    """CuPy, from now on with the memory counted that it hands out."""
    watch(cupy)
    return cupy


def cupy() -> ModuleType:
    """CuPy; AssertionError as of a PyTorch without CUDA where there is none, or no device."""
    library = found()
    if library is None:
        try:
            array_library(CUDA)
        except RuntimeError:
            raise AssertionError(f"{NONE}\n{_HINT}") from None
        raise AssertionError(f"{NONE}\n  CuPy is installed, but sees no CUDA device")
    return library


def index_of(given: Any, optional: bool = True) -> int:
    """The number of the device that an argument names; the current one for None."""
    if given is None and optional:
        return cupy().cuda.Device().id
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    where = given if isinstance(given, Device) else Device(given)
    if where.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {where}")
    return cupy().cuda.Device().id if where.index is None else where.index


def device_of_index(index: int) -> Any:
    """CuPy's device of that number; RuntimeError for one that does not exist."""
    library = cupy()
    if not 0 <= index < library.cuda.runtime.getDeviceCount():
        raise RuntimeError("CUDA error: invalid device ordinal")
    return library.cuda.Device(index)


__all__ = ["CudaError", "cupy", "device_of_index", "found", "index_of"]
