"""NNPACK, which Flambeau does not use: the setting is kept and changes nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flambeau.backends._flags import checked, exchange, exchanged

__all__ = ["flags", "is_available", "set_flags"]

enabled = True
_KINDS = checked(__name__, {"enabled": bool})


def is_available() -> bool:
    """Whether NNPACK is used: no."""
    return False


def set_flags(_enabled: bool) -> tuple[bool]:
    """Whether NNPACK may be used; what it was."""
    return (exchange(__name__, {"enabled": _enabled})["enabled"],)


def flags(enabled: bool = False) -> AbstractContextManager[None]:
    """``with flags(...): ...``: another setting inside."""
    return exchanged(__name__, {"enabled": enabled})
