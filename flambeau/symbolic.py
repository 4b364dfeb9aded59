"""Numbers that a tracer may not know yet, and functions that take them.

Programs name ``SymInt`` and its kin in annotations and ``isinstance`` tests, which tell them from
plain numbers; sizes are plain numbers here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


class SymInt(int):
    """An integer that stands for a size in a traced program; it behaves as its value."""

    __module__ = "torch"
    __slots__ = ()


class SymFloat(float):
    """A number that stands for itself in a traced program; it behaves as its value."""

    __module__ = "torch"
    __slots__ = ()


class SymBool(int):
    """A truth value that stands for itself in a traced program; it behaves as its value."""

    __module__ = "torch"
    __slots__ = ()


def sym_int(a: Any) -> int:
    """The integer part of a number."""
    return int(a)


def sym_float(a: Any) -> float:
    """A number as a float."""
    return float(a)


def sym_not(a: Any) -> bool:
    """Whether a truth value is false."""
    return not a


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """``t`` if ``b`` is true, else ``f``."""
    return t if b else f


def sym_sum(args: Iterable[Any]) -> Any:
    """The sum of numbers."""
    return sum(args)


def sym_sqrt(a: Any) -> float:
    """The square root of a number."""
    return math.sqrt(a)


def sym_max(a: Any, b: Any) -> Any:
    """The greater of two numbers; a float if either is one."""
    return _promoted(max(a, b), a, b)


def sym_min(a: Any, b: Any) -> Any:
    """The lesser of two numbers; a float if either is one."""
    return _promoted(min(a, b), a, b)


def _promoted(found: Any, a: Any, b: Any) -> Any:
    return float(found) if isinstance(a, float) or isinstance(b, float) else found


__all__ = [
    "SymBool", "SymFloat", "SymInt", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min",
    "sym_not", "sym_sqrt", "sym_sum",
]  # fmt: skip
