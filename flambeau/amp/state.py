"""The functions of ``torch`` that read and set the state of autocast in this thread."""

from __future__ import annotations

import warnings

from flambeau.core import autocast as core
from flambeau.core.device import device
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import float16

TYPES = ("cpu", "cuda", "ipu", "xpu", "hpu", "maia", "xla", "mps", "mtia", "privateuseone")


def device_type(name: str) -> str:
    """The type of device that a string names; RuntimeError for unknown ones."""
    return device(name).type


def supported(name: str) -> str:
    """The type of device, which must be one that autocast knows."""
    kind = device_type(name)
    if kind not in TYPES:
        raise RuntimeError("unsupported scalarType")
    return kind


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is open for a type of device.

    >>> with torch.autocast("cpu"):
    ...     print(torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled())
    True False
    """
    return core.is_enabled(supported(device_type))


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Opens or closes autocast for a type of device, "cuda" if only ``enabled`` is given."""
    if enabled is None:
        device_type, enabled = "cuda", device_type  # type: ignore[assignment]
    if not isinstance(enabled, bool):
        raise TypeError(
            "set_autocast_enabled(): argument 'enabled' (position 1) must be bool, not "
            f"{type(enabled).__name__}"
        )
    core.set_enabled(supported(device_type), enabled)  # type: ignore[arg-type]


def get_autocast_dtype(device_type: str) -> DType:
    """The type that autocast computes in on a type of device."""
    return core.state.types.get(supported(device_type), float16)


def set_autocast_dtype(device_type: str, dtype: DType) -> None:
    """Chooses the type that autocast computes in on a type of device."""
    if not isinstance(dtype, DType):
        raise TypeError(
            "set_autocast_dtype(): argument 'dtype' (position 2) must be torch.dtype, not "
            f"{type(dtype).__name__}"
        )
    core.set_dtype(supported(device_type), dtype)


def is_autocast_cache_enabled() -> bool:
    """Whether the casts of parameters are kept until the outermost region ends."""
    return core.state.caching


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Chooses whether the casts of parameters are kept."""
    core.state.caching = enabled


def clear_autocast_cache() -> None:
    """Forgets the casts of parameters."""
    core.state.cache.clear()


def autocast_increment_nesting() -> int:
    """Counts one more open region; returns how many there are."""
    core.state.nesting += 1
    return core.state.nesting


def autocast_decrement_nesting() -> int:
    """Counts one open region less; returns how many there are."""
    core.state.nesting -= 1
    return core.state.nesting


def _deprecated(old: str, new: str) -> None:
    message = f"torch.{old} is deprecated. Please use torch.{new} instead."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def is_autocast_cpu_enabled() -> bool:
    """Deprecated: ``is_autocast_enabled("cpu")``."""
    _deprecated("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Deprecated: ``set_autocast_enabled("cpu", enabled)``."""
    _deprecated("set_autocast_cpu_enabled(enabled)", "set_autocast_enabled('cpu', enabled)")
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> DType:
    """Deprecated: ``get_autocast_dtype("cpu")``."""
    _deprecated("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: DType) -> None:
    """Deprecated: ``set_autocast_dtype("cpu", dtype)``."""
    _deprecated("set_autocast_cpu_dtype(dtype)", "set_autocast_dtype('cpu', dtype)")
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> DType:
    """Deprecated: ``get_autocast_dtype("cuda")``."""
    _deprecated("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: DType) -> None:
    """Deprecated: ``set_autocast_dtype("cuda", dtype)``."""
    _deprecated("set_autocast_gpu_dtype(dtype)", "set_autocast_dtype('cuda', dtype)")
    set_autocast_dtype("cuda", dtype)
