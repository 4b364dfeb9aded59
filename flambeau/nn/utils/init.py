"""Modules made without initial values."""

from __future__ import annotations

import inspect
from typing import Any

from flambeau.nn.modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters are not initialised: for values that are loaded anyway.

    Args:
        module_cls: the class; its constructor takes ``device``.
        args: for the constructor.
        kwargs: for the constructor.

    Raises:
        RuntimeError: ``module_cls`` is no module class, or takes no ``device``.

    >>> nn.utils.skip_init(nn.Linear, 5, 1).weight.shape
    torch.Size([1, 5])
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    final = kwargs.pop("device", "cpu")
    return module_cls(*args, **kwargs, device="meta").to_empty(device=final)
