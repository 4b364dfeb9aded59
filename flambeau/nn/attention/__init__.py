"""Which implementations of attention may run: a wish, as Flambeau has one for all cases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any

__all__ = [
    "WARN_FOR_UNFUSED_KERNELS",
    "SDPBackend",
    "activate_flash_attention_impl",
    "current_flash_attention_impl",
    "list_flash_attention_impls",
    "register_flash_attention_impl",
    "restore_flash_attention_impl",
    "sdpa_kernel",
]

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(IntEnum):
    """The implementations that PyTorch chooses from in ``scaled_dot_product_attention``."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __repr__(self) -> str:
        return f"<SDPBackend.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"SDPBackend.{self.name}"


_allowed: list[SDPBackend] = [
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
    SDPBackend.OVERRIDEABLE,
]


def _cur_sdpa_kernel_backends(with_priority: bool = False) -> list[SDPBackend]:
    """The implementations that are allowed now."""
    return list(_allowed)


@contextlib.contextmanager
def sdpa_kernel(
    backends: list[SDPBackend] | SDPBackend, set_priority: bool = False
) -> Iterator[dict[Any, Any]]:
    """Allows only some implementations of attention while the context lasts.

    Args:
        backends: one, or several.
        set_priority: whether their order is a preference.

    Example::

        with sdpa_kernel(SDPBackend.MATH):
            F.scaled_dot_product_attention(query, key, value)
    """
    global _allowed
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    before = _allowed
    _allowed = [backends] if isinstance(backends, SDPBackend) else list(dict.fromkeys(backends))
    try:
        yield {}
    finally:
        _allowed = before


_flash: dict[str, Callable[..., Any]] = {}
_active: str | None = None


def register_flash_attention_impl(impl: str, *, register_fn: Callable[..., Any]) -> None:
    """Makes an implementation of flash attention known; ``register_fn()`` puts it to use."""
    _flash[impl] = register_fn


def list_flash_attention_impls() -> list[str]:
    """The names of the registered implementations."""
    return sorted(_flash)


def current_flash_attention_impl() -> str | None:
    """The name of the implementation in use, None for the library's own."""
    return _active


def activate_flash_attention_impl(impl: str) -> None:
    """Puts a registered implementation to use.

    Raises:
        ValueError: there is none of that name.
    """
    global _active
    if impl not in _flash:
        raise ValueError(
            f"Unknown flash attention impl '{impl}'. Available implementations: "
            f"{list_flash_attention_impls()}"
        )
    _flash[impl]()
    _active = impl


def restore_flash_attention_impl(_raise_warn: bool = True) -> None:
    """Goes back to the library's own implementation."""
    global _active
    _active = None
