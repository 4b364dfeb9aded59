"""``torch.xpu``: there are no Intel GPUs here; programs that ask for them find none."""

from __future__ import annotations

from typing import Any

from flambeau.absent_devices import nothing, questions, refusals
from flambeau.namespace import module_getattr as _module_getattr

globals().update(
    refusals("xpu", lambda name: AssertionError("Torch not compiled with XPU enabled"))
)
globals().update(questions())
empty_cache, seed = nothing("empty_cache"), nothing("seed")


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no device."""
    return False


def set_rng_state(new_state: Any, device: Any = "xpu") -> None:
    """Does nothing: there is no generator."""


__getattr__ = _module_getattr(__name__)
