"""Kernels that copy."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence


def copied(array: Any, src: Any) -> Any:
    """``src`` broadcast to the shape, and converted to the dtype, of ``array``."""
    return xp.broadcast_to(src, array.shape).astype(array.dtype)


def filled(array: Any, value: Any) -> Any:
    """An array like another, full of one value."""
    return xp.full(array.shape, value, array.dtype)


silence(globals())
