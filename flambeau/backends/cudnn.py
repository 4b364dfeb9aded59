"""cuDNN, which Flambeau does not use: the settings are kept and change nothing.

Convolutions on CUDA are CuPy's and deterministic, and float32 is computed in float32, whatever
``benchmark``, ``deterministic`` and ``allow_tf32`` say.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from flambeau.backends._flags import checked, exchange, exchanged
from flambeau.core.tensor import Tensor

enabled = allow_tf32 = True
benchmark = deterministic = False
benchmark_limit = 10
fp32_precision = "none"
_KINDS = checked(
    __name__,
    {"enabled": bool, "allow_tf32": bool, "benchmark": bool, "deterministic": bool,
     "benchmark_limit": int},
)  # fmt: skip


def is_available() -> bool:
    """Whether cuDNN is used: no."""
    return False


def version() -> int | None:
    """The version of cuDNN: None."""
    return None


def is_acceptable(tensor: Tensor) -> bool:
    """Whether cuDNN computes with a tensor: no."""
    return False


def set_flags(
    _enabled: bool | None = None, _benchmark: bool | None = None,
    _benchmark_limit: int | None = None, _deterministic: bool | None = None,
    _allow_tf32: bool | None = None, _fp32_precision: str = "none",
    _depthwise_kernel: str | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """Assigns the settings that are not None; what they were, in this order."""
    return tuple(
        exchange(
            __name__,
            {"enabled": _enabled, "benchmark": _benchmark, "benchmark_limit": _benchmark_limit,
             "deterministic": _deterministic, "allow_tf32": _allow_tf32,
             "fp32_precision": _fp32_precision},
        ).values()
    )  # fmt: skip


def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int = 10,
    deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none",
    depthwise_kernel: str = "auto",
) -> AbstractContextManager[None]:  # fmt: skip
    """``with flags(...): ...``: other settings inside."""
    return exchanged(
        __name__,
        {"enabled": enabled, "benchmark": benchmark, "benchmark_limit": benchmark_limit,
         "deterministic": deterministic, "allow_tf32": allow_tf32,
         "fp32_precision": fp32_precision},
    )  # fmt: skip
