"""Levels of nested transforms: the innermost has the highest number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flambeau.core.modes import modes


@contextmanager
def new_level() -> Iterator[int]:
    """The level of a transform that is entered; it ends with the block."""
    modes.level += 1
    try:
        yield modes.level
    finally:
        modes.level -= 1


def level_of(tensor: Any) -> int:
    """The level of the transform that a tensor belongs to; 0 for other tensors."""
    return getattr(tensor, "level", 0)
