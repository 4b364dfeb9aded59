"""Marks for NVIDIA's profilers; they are CuPy's, and do nothing unless a profiler watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flambeau.cuda.library import found

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]
_depth: list[str] = []


def _nvtx() -> Any:
    library = found()
    if library is None or not library.cuda.nvtx.available:
        raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")
    return library.cuda.nvtx


def range_push(msg: str) -> int:
    """Opens a range inside the open ones; returns how many were open."""
    _nvtx().RangePush(msg)
    _depth.append(msg)
    return len(_depth) - 1


def range_pop() -> int:
    """Closes the innermost range; returns how many are open."""
    _nvtx().RangePop()
    if _depth:
        _depth.pop()
    return len(_depth)


def range_start(msg: str) -> int:
    """Opens a range that may overlap others; returns its number."""
    return _nvtx().RangeStart(msg)


def range_end(range_id: int) -> None:
    """Closes the range of that number."""
    _nvtx().RangeEnd(range_id)


def mark(msg: str) -> None:
    """Marks a moment."""
    _nvtx().Mark(msg)


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A range from the beginning to the end of a block; ``msg.format(*args)`` names it."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
