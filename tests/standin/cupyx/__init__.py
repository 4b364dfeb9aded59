"""The part of CuPy beyond NumPy."""

from __future__ import annotations

from typing import Any

import cupy


def rsqrt(x: Any) -> Any:
    """``1 / sqrt(x)``."""
    return cupy.reciprocal(cupy.sqrt(x))


def scatter_add(a: Any, slices: Any, value: Any) -> None:
    """``a[slices] += value``, with repeated indices counted each time."""
    a.scatter_add(slices, value)


def scatter_max(a: Any, slices: Any, value: Any) -> None:
    """``a[slices] = maximum(a[slices], value)``."""
    a.scatter_max(slices, value)


def scatter_min(a: Any, slices: Any, value: Any) -> None:
    """``a[slices] = minimum(a[slices], value)``."""
    a.scatter_min(slices, value)
