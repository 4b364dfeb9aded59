"""``torch.cuda.amp``: the names of ``torch.amp`` for CUDA, deprecated since they take no device."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from flambeau import amp
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import float16
from flambeau.cuda.devices import is_available
from flambeau.namespace import module_getattr as _module_getattr

__all__ = ["GradScaler", "amp_definitely_not_available", "autocast", "custom_bwd", "custom_fwd"]


def _deprecated(name: str, instead: str) -> None:
    message = f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `{instead}` instead."
    warnings.warn(message, FutureWarning, stacklevel=3)


def amp_definitely_not_available() -> bool:
    """Whether there is no CUDA device to use mixed precision on."""
    return not is_available()


class autocast(amp.autocast):  # noqa: N801
    """Deprecated: ``torch.amp.autocast("cuda", ...)``."""

    def __init__(
        self, enabled: bool = True, dtype: DType = float16, cache_enabled: bool = True
    ) -> None:
        _deprecated("autocast", "torch.amp.autocast('cuda', args...)")
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """Deprecated: ``torch.amp.GradScaler("cuda", ...)``."""

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        _deprecated("GradScaler", "torch.amp.GradScaler('cuda', args...)")
        super().__init__(
            "cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, cast_inputs: DType | None = None
) -> Callable[..., Any]:
    """Deprecated: ``torch.amp.custom_fwd(..., device_type="cuda")``."""
    _deprecated("custom_fwd", "torch.amp.custom_fwd(args..., device_type='cuda')")
    return amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable[..., Any]) -> Callable[..., Any]:
    """Deprecated: ``torch.amp.custom_bwd(..., device_type="cuda")``."""
    _deprecated("custom_bwd", "torch.amp.custom_bwd(args..., device_type='cuda')")
    return amp.custom_bwd(bwd, device_type="cuda")


__getattr__ = _module_getattr(__name__)
