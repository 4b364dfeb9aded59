"""oneDNN, which Flambeau does not use: the settings are kept and change nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from flambeau.backends._flags import checked, exchange, exchanged

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2
enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"
_KINDS = checked(__name__, {"enabled": bool, "deterministic": bool, "allow_tf32": bool})


def is_available() -> bool:
    """Whether oneDNN is used: no."""
    return False


def is_acl_available() -> bool:
    """Whether Arm's compute library is used: no."""
    return False


class verbose:
    """``with verbose(VERBOSE_ON): ...``: oneDNN would tell what it does."""

    def __init__(self, level: int) -> None:
        self.level = level

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def set_flags(
    _enabled: bool | None = None, _deterministic: bool | None = None,
    _allow_tf32: bool | None = None, _fp32_precision: str = "none",
) -> tuple[Any, ...]:  # fmt: skip
    """Assigns the settings that are not None; what they were, in this order."""
    return tuple(
        exchange(
            __name__,
            {"enabled": _enabled, "deterministic": _deterministic, "allow_tf32": _allow_tf32,
             "fp32_precision": _fp32_precision},
        ).values()
    )  # fmt: skip


def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> AbstractContextManager[None]:  # fmt: skip
    """``with flags(...): ...``: other settings inside."""
    return exchanged(
        __name__,
        {"enabled": enabled, "deterministic": deterministic, "allow_tf32": allow_tf32,
         "fp32_precision": fp32_precision},
    )  # fmt: skip
