"""OpenMP: kernels share their work among threads of their own, without it."""

from __future__ import annotations


def is_available() -> bool:
    """Whether kernels use OpenMP: no."""
    return False
