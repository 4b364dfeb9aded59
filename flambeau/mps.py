"""``torch.mps``: Apple's GPUs are not used; programs that ask for them find none."""

from __future__ import annotations

from flambeau.absent_devices import questions, refusals
from flambeau.namespace import module_getattr as _module_getattr

_HOOKS = {"empty_cache": "emptyCache", "synchronize": "deviceSynchronize"}  # of PyTorch's messages


def _error(name: str) -> RuntimeError:
    hook = _HOOKS.get(name, "getDefaultGenerator")
    return RuntimeError(f"Cannot execute {hook}() without MPS backend.")


def synchronize() -> None:
    """Raises: there is no MPS device."""
    raise _error("synchronize")


_NAMES = ("empty_cache", "seed", "get_rng_state", "set_rng_state")
globals().update({name: f for name, f in refusals("mps", _error).items() if name in _NAMES})
_NAMES = ("is_available", "device_count", "manual_seed")
globals().update({name: f for name, f in questions().items() if name in _NAMES})

__getattr__ = _module_getattr(__name__)
