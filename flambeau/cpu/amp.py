"""``torch.cpu.amp``: the names of ``torch.amp`` for the CPU, deprecated."""

from __future__ import annotations

import warnings

from flambeau import amp
from flambeau.core.dtype import bfloat16
from flambeau.core.dtype import dtype as DType

__all__ = ["GradScaler", "autocast"]


def _deprecated(name: str) -> None:
    message = (
        f"`torch.cpu.amp.{name}(args...)` is deprecated. Please use "
        f"`torch.amp.{name}('cpu', args...)` instead."
    )
    warnings.warn(message, FutureWarning, stacklevel=3)


class autocast(amp.autocast):  # noqa: N801
    """Deprecated: ``torch.amp.autocast("cpu", ...)``."""

    def __init__(
        self, enabled: bool = True, dtype: DType = bfloat16, cache_enabled: bool = True
    ) -> None:
        _deprecated("autocast")
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """Deprecated: ``torch.amp.GradScaler("cpu", ...)``."""

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        _deprecated("GradScaler")
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
