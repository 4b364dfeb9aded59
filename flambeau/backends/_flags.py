"""Modules whose attributes are settings of certain types."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class FlagModule(ModuleType):
    """A module that checks what is assigned to the settings named in its ``_KINDS``."""

    def __setattr__(self, name: str, value: Any) -> None:
        kind = self.__dict__.get("_KINDS", {}).get(name)
        if kind is not None and not isinstance(value, kind):
            module = self.__name__.rpartition(".")[2]
            raise RuntimeError(
                f"set_{name}_{module} expects a {kind.__name__}, but got {type(value).__name__}"
            )
        super().__setattr__(name, value)


def checked(module: str, kinds: dict[str, type]) -> dict[str, type]:
    """Makes a module one that checks its settings; gives back ``kinds``, its ``_KINDS``."""
    sys.modules[module].__class__ = FlagModule
    return kinds


def exchange(module: str, values: dict[str, Any]) -> dict[str, Any]:
    """Assigns the settings whose value is not None; what they were."""
    place = sys.modules[module]
    before = {name: getattr(place, name) for name in values}
    for name, value in values.items():
        if value is not None:
            setattr(place, name, value)
    return before


@contextmanager
def exchanged(module: str, values: dict[str, Any]) -> Iterator[None]:
    """Other settings for a while."""
    before = exchange(module, values)
    try:
        yield
    finally:
        exchange(module, before)
