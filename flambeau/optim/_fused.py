"""When one kernel call can update all parameters, and what a write without operators must do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.errors import site
from flambeau.core.kind import Kind
from flambeau.core.modes import modes
from flambeau.core.tensor import share_version
from flambeau.kernels.select import META, places
from flambeau.kernels.shared import optimizers

SGD_STEP = places(optimizers.sgd_step)
ADAM_STEP = places(optimizers.adam_step)


def common_kind(*lists: Sequence[Any]) -> Kind | None:
    """The kind that all tensors have, if one kernel call can update them; else None.

    They have to be plain, real and floating, on one device, and nothing may be recorded.
    """
    kind = lists[0][0]._kind if lists[0] else None
    if kind is None or modes.grad or not kind.dtype.is_floating_point or kind.place == META:
        return None
    for tensors in lists:
        for tensor in tensors:
            if tensor._kind is not kind:
                return None
    return kind


def arrays(tensors: Sequence[Any]) -> list[Any]:
    """The arrays of tensors."""
    return [tensor._array for tensor in tensors]


def wrote(tensors: Sequence[Any]) -> None:
    """Counts a write to each tensor, so that a backward pass that needs the old values raises."""
    where = site()
    for tensor in tensors:
        version = tensor._writes
        if version is None:
            version = share_version(tensor)
        version.count += 1
        version.site = where


def counted(counters: Sequence[Any]) -> list[float]:
    """Adds one to every step counter (0-dim, on the CPU); the new values."""
    values = []
    for counter in counters:
        array = counter._array
        value = array.item() + 1
        array[()] = value
        values.append(value)
    return values
