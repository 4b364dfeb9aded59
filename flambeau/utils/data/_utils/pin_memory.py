"""Batches in page-locked memory, for fast copies to a CUDA device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flambeau.core.kind import array_library
from flambeau.core.tensor import Tensor
from flambeau.kernels.select import CUDA


def can_pin() -> bool:
    """Whether there is CUDA, whose driver locks pages."""
    try:
        return array_library(CUDA).cuda.runtime.getDeviceCount() > 0
    except Exception:  # without a driver CuPy raises errors of its own
        return False


def pin_memory(data: Any, device: Any = None) -> Any:
    """The tensors in nested dicts, lists and tuples, and objects with ``pin_memory``, pinned."""
    if isinstance(data, (str, bytes)):
        return data
    if not isinstance(data, Tensor) and isinstance(data, Mapping):
        pinned = {key: pin_memory(value, device) for key, value in data.items()}
        return type(data)(pinned) if type(data) is not dict else pinned  # type: ignore[call-arg]
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(one, device) for one in data))
    if isinstance(data, (tuple, list)):
        return [pin_memory(one, device) for one in data]
    if isinstance(data, Sequence):
        return type(data)([pin_memory(one, device) for one in data])  # type: ignore[call-arg]
    return data.pin_memory() if hasattr(data, "pin_memory") else data
