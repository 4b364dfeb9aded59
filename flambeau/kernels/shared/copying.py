"""Kernels that copy."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled


@compiled(minimum=1 << 18, loaded=1 << 14)
def in_order(array: Any, shape: tuple[int, ...]) -> Any:
    """A copy of that shape with the elements in C order."""
    return array.copy(order="C").reshape(shape)


def copied(array: Any, src: Any) -> Any:
    """``src`` broadcast to the shape, and converted to the dtype, of ``array``."""
    return xp.broadcast_to(src, array.shape).astype(array.dtype)


def filled(array: Any, value: Any) -> Any:
    """An array like another, full of one value."""
    return xp.full(array.shape, value, array.dtype)


silence(globals())
