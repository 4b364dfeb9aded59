"""The fast path of ``nn.TransformerEncoder`` for inference: Flambeau has one path for all cases."""

from __future__ import annotations

_enabled = True


def get_fastpath_enabled() -> bool:
    """What ``set_fastpath_enabled`` was last told."""
    return _enabled


def set_fastpath_enabled(value: bool) -> None:
    """Whether the fast path may be taken: remembered, as there is none."""
    global _enabled
    _enabled = value
