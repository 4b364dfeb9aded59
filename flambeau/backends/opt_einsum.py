"""The package ``opt_einsum``: in which order ``torch.einsum`` contracts three tensors and more.

``enabled`` says whether it is asked, ``strategy`` what it does: ``"auto"``, ``"greedy"`` or
``"optimal"``.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any

from flambeau.backends._flags import FlagModule, checked, exchange, exchanged
from flambeau.ops.einsum import planning

_STRATEGIES = ("auto", "greedy", "optimal")


def is_available() -> bool:
    """Whether the package is installed."""
    return find_spec("opt_einsum") is not None


def get_opt_einsum() -> Any:
    """The package, None without it."""
    return importlib.import_module("opt_einsum") if is_available() else None


class _Module(FlagModule):
    """The module with its settings where ``einsum`` looks for them."""

    @property
    def enabled(self) -> bool:
        return planning["enabled"] and is_available()

    @enabled.setter
    def enabled(self, value: bool) -> None:
        if value and not is_available():
            raise ValueError(
                "opt_einsum is not available, so setting `enabled` to True will not reap the "
                "benefits of calculating einsum in an optimized fashion; install it first."
            )
        planning["enabled"] = value

    @property
    def strategy(self) -> str | None:
        return planning["strategy"] if is_available() else None

    @strategy.setter
    def strategy(self, value: str | None) -> None:
        if value not in (None, *_STRATEGIES):
            raise ValueError(
                f"`strategy` must be one of the following: [auto, greedy, optimal] but is {value}"
            )
        planning["strategy"] = value or "auto"


_KINDS = checked(__name__, {"enabled": bool})
sys.modules[__name__].__class__ = _Module


def set_flags(_enabled: bool | None = None, _strategy: str | None = None) -> tuple[Any, Any]:
    """Assigns the settings that are not None; what they were."""
    before = exchange(__name__, {"enabled": _enabled, "strategy": _strategy})
    return before["enabled"], before["strategy"]


def flags(enabled: bool | None = None, strategy: str | None = None) -> AbstractContextManager[None]:
    """``with flags(...): ...``: other settings inside."""
    return exchanged(__name__, {"enabled": enabled, "strategy": strategy})
