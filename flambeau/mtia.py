"""``torch.mtia``: there are no such accelerators here; programs that ask for them find none."""

from __future__ import annotations

from typing import Any

from flambeau.absent_devices import nothing, questions, refusals
from flambeau.core.device import device as _Device
from flambeau.namespace import module_getattr as _module_getattr

_LIBRARY = (
    "Torch not compiled with MTIA enabled. Ensure you have `import "
    "mtia.host_runtime.torch_mtia.dynamic_library` in your python src file and include "
    "`//mtia/host_runtime/torch_mtia:torch_mtia` as your target dependency!"
)
_HOOKS = {"empty_cache": "emptyCache", "set_device": "setCurrentDevice"}  # of PyTorch's messages


def _error(name: str) -> Exception:
    if name in ("initial_seed", "get_rng_state"):
        return AssertionError(_LIBRARY)
    return RuntimeError(
        f"Cannot execute {_HOOKS.get(name, 'getCurrentDevice')}() without MTIA backend."
    )


globals().update(refusals("mtia", _error))
globals().update(questions())
seed = nothing("seed")


def set_device(device: Any) -> None:
    """Raises: there is no MTIA device; negative numbers do nothing."""
    index = device if isinstance(device, int) else _Device(device).index
    if index is None:
        raise ValueError(
            "Expected a torch.device with a specified index or an integer, but got: "
            f"{_Device(device)}"
        )
    if index >= 0:
        raise _error("set_device")


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """True, as PyTorch says without a device too."""
    return True


__getattr__ = _module_getattr(__name__)
