"""``torch.utils.deterministic``: whether memory that nobody has written to is given values.

While ``fill_uninitialized_memory`` is True, as it is at first, and
``torch.use_deterministic_algorithms`` is on, ``empty`` and its kin give NaN, or the greatest
number of an integer dtype, so that a program that reads what it has not written does the same in
every run.
"""

from __future__ import annotations

import sys
from types import ModuleType

from flambeau import settings


class _Deterministic(ModuleType):
    @property
    def fill_uninitialized_memory(self) -> bool:
        """Whether deterministic mode fills memory."""
        return settings.fills_memory()

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise RuntimeError(f"expected a bool, but got {type(mode).__name__}")
        settings.fill_memory(mode)


sys.modules[__name__].__class__ = _Deterministic
