"""Keeps NumPy's floating-point warnings away from users, at no cost per call.

PyTorch never warns about ``1 / 0`` or ``log(-1)``. NumPy does, and its error state belongs to the
user, so it is neither changed nor wrapped around calls. Instead the modules that call ufuncs are
made unable to warn: CPython attributes a warning to the calling frame and drops it before any
filter is consulted when that frame's globals have ``__name__ = None``.
"""

from __future__ import annotations

from typing import Any


def silence(module_globals: dict[str, Any]) -> None:
    """Drop every warning raised by functions of this module; call it on the last line."""
    module_globals["__name__"] = None
