"""Starting and stopping NVIDIA's profilers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flambeau.cuda.library import cupy

__all__ = ["profile", "start", "stop"]


def start() -> None:
    """Starts the profiler that watches this process."""
    cupy().cuda.profiler.start()


def stop() -> None:
    """Stops the profiler that watches this process."""
    cupy().cuda.profiler.stop()


@contextmanager
def profile() -> Iterator[None]:
    """The profiler runs inside the block."""
    start()
    try:
        yield
    finally:
        stop()
