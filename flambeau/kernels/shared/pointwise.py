"""Pointwise kernels: what one element becomes."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence


def add_scaled(x: Any, y: Any, alpha: Any) -> Any:
    """``x + alpha * y``."""
    return xp.add(x, y if alpha == 1 else xp.multiply(y, alpha))


def subtract_scaled(x: Any, y: Any, alpha: Any) -> Any:
    """``x - alpha * y``."""
    return xp.subtract(x, y if alpha == 1 else xp.multiply(y, alpha))


silence(globals())
