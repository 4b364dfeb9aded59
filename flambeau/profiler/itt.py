"""Marks for Intel's VTune: never available here; each function says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

__all__ = ["is_available", "mark", "range", "range_pop", "range_push"]


def is_available() -> bool:
    """Whether marks can be emitted: no."""
    return False


def _missing(*args: Any) -> NoReturn:
    raise RuntimeError("ITT functions not installed. Are you sure you have a ITT build?")


def range_push(msg: str) -> NoReturn:
    """RuntimeError: marks cannot be emitted."""
    _missing()


def range_pop() -> NoReturn:
    """RuntimeError: marks cannot be emitted."""
    _missing()


def mark(msg: str) -> NoReturn:
    """RuntimeError: marks cannot be emitted."""
    _missing()


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """RuntimeError: marks cannot be emitted."""
    _missing()
    yield
