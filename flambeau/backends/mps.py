"""Apple's Metal, which Flambeau does not use."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["get_core_count", "get_name", "is_available", "is_built", "is_macos13_or_newer",
           "is_macos_or_newer"]  # fmt: skip


def is_built() -> bool:
    """Whether there is support for Metal: no."""
    return False


def is_available() -> bool:
    """Whether tensors can be on a device of Metal: no."""
    return False


def is_macos_or_newer(major: int, minor: int) -> NoReturn:
    """Raises RuntimeError: the system is asked through Metal."""
    raise RuntimeError("Cannot execute isOnMacOSorNewer() without MPS backend.")


def is_macos13_or_newer(minor: int = 0) -> NoReturn:
    """Raises RuntimeError: the system is asked through Metal."""
    is_macos_or_newer(13, minor)


def get_name() -> NoReturn:
    """Raises RuntimeError: there is no device of Metal."""
    raise RuntimeError("Cannot tell the name of the GPU without MPS backend.")


def get_core_count() -> NoReturn:
    """Raises RuntimeError: there is no device of Metal."""
    raise RuntimeError("Cannot count the cores of the GPU without MPS backend.")
