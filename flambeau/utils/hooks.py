"""Handles of registered hooks, and helpers for objects that carry hooks."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.handles import RemovableHandle
from flambeau.utils.backward_hooks import BackwardHook

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f: Any) -> Any:
    """Marks a tensor hook as one that saving warns about; usable as a decorator."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warns when a tensor to be saved has hooks that are marked as not to be saved."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                "you can decorate the function with @torch.utils.hooks.unserializable_hook to "
                "suppress this warning",
                stacklevel=2,
            )
