"""Paths: the keys that lead from a structure to one of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

K = TypeVar("K")


class KeyEntry(Protocol):
    """One step of a path."""

    def __hash__(self) -> int: ...

    def __eq__(self, other: object) -> bool: ...

    def __str__(self) -> str: ...

    def get(self, parent: Any) -> Any:
        """What the step leads to."""
        ...


@dataclass(frozen=True)
class SequenceKey(Generic[K]):
    """A step into a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """The item at the index."""
        return sequence[self.idx]


@dataclass(frozen=True)
class MappingKey(Generic[K]):
    """A step into a dictionary."""

    key: K

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """The value of the key."""
        return mapping[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """A step to an attribute."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """The attribute."""
        return getattr(obj, self.name)


def keystr(kp: tuple[Any, ...]) -> str:
    """A path as Python writes it: ``['layers'][0].weight``."""
    return "".join([str(key) for key in kp])


def key_get(obj: Any, kp: tuple[Any, ...]) -> Any:
    """What a path leads to."""
    for key in kp:
        obj = key.get(obj)
    return obj
