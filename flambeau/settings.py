"""Settings of the whole process: threads, determinism, precision of matrix products, warnings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.dtype import bfloat16, float16, float32, float64, set_default_dtype
from flambeau.core.modes import flags
from flambeau.core.tensor import Tensor
from flambeau.kernels import threads

_state: dict[str, Any] = {
    "deterministic": False, "warn_only": False, "precision": "highest", "warn_always": False,
    "interop": 1, "fills": True,
}  # fmt: skip

_FLOATING = {
    "HalfTensor": float16, "BFloat16Tensor": bfloat16, "FloatTensor": float32,
    "DoubleTensor": float64,
}  # fmt: skip

# What NumPy and SciPy bring: LAPACK and Fourier transforms always, MKL never by this name.
has_lapack = has_spectral = True
has_mkl = has_openmp = False


def get_num_threads() -> int:
    """How many threads kernels and matrix products use."""
    return threads.get_threads()


def set_num_threads(num: int) -> None:
    """Runs kernels and matrix products on ``num`` threads from now on."""
    if not isinstance(num, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    threads.set_threads(num)


def get_num_interop_threads() -> int:
    """How many operators run at once: what was set, though they run one after the other here."""
    return _state["interop"]


def set_num_interop_threads(num: int) -> None:
    """Accepted for compatibility: operators run one after the other."""
    if num < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop"] = num


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Asks for operators that give the same result each time; all of Flambeau's do already."""
    _state["deterministic"], _state["warn_only"] = bool(mode), bool(warn_only)
    flags.fills = _state["deterministic"] and _state["fills"]


def fill_memory(mode: bool) -> None:
    """Whether memory that nobody has written to is given values while the former is on."""
    _state["fills"] = mode
    flags.fills = _state["deterministic"] and mode


def fills_memory() -> bool:
    """What ``fill_memory`` was last told."""
    return _state["fills"]


def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was last told."""
    return _state["deterministic"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether ``use_deterministic_algorithms`` was told to warn only."""
    return _state["warn_only"]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """``"default"``, ``"warn"`` or ``"error"``, or 0, 1, 2: determinism by another name."""
    names = {"default": 0, "warn": 1, "error": 2}
    mode = names.get(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(
            "invalid value of debug_mode, expected `default`, `warn`, or `error`, but got "
            f"{debug_mode}"
            if isinstance(debug_mode, str)
            else f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 (warn) or 2 (error)."""
    if not _state["deterministic"]:
        return 0
    return 1 if _state["warn_only"] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """``"highest"``, ``"high"`` or ``"medium"``: remembered; products are always of full
    precision."""
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"{precision!r} is not one of 'highest', 'high', or 'medium'")
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` was last told."""
    return _state["precision"]


def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers cannot be flushed to zero from Python."""
    return False


def set_warn_always(b: bool) -> None:
    """Whether warnings that are given once are given each time: remembered."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What ``set_warn_always`` was last told."""
    return _state["warn_always"]


def compiled_with_cxx11_abi() -> bool:
    """True, as of every current PyTorch; nothing is compiled here."""
    return True


def get_device_module(device: Any = None) -> Any:
    """``torch.cuda`` or ``torch.cpu``, of a device; by default that of CUDA where there is one."""
    if not (device is None or isinstance(device, (str, Device))):
        raise RuntimeError(f"Invalid value of device '{device}', expect torch.device, str, or None")
    if device is None:
        device = "cuda" if import_module("flambeau.cuda").is_available() else "cpu"
    kind = device.type if isinstance(device, Device) else Device(device).type
    if kind not in ("cpu", "cuda"):
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        )
    return import_module(f"flambeau.{kind}")


def init_num_threads() -> None:
    """Does nothing: threads start with the first kernel that uses them."""


def set_default_tensor_type(t: Any, /) -> None:
    """Sets the default dtype by the name of a floating tensor type (``torch.DoubleTensor``, or the
    class itself); deprecated, see ``set_default_dtype``."""
    name = t if isinstance(t, str) else getattr(t, "__name__", "")
    found = _FLOATING.get(name.rpartition(".")[2])
    if found is None:
        raise TypeError(
            "invalid type object: only floating-point types are supported as the default type"
        )
    set_default_dtype(found)


def typename(obj: Any, /) -> str:
    """The name of a tensor's type, or of any object's class with its module."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[attr-defined]
    cls = obj if isinstance(obj, type) else type(obj)
    named = obj if hasattr(obj, "__qualname__") else cls
    module = getattr(named, "__module__", "") or ""
    name = getattr(named, "__qualname__", cls.__qualname__)
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


__all__ = [
    name
    for name, value in globals().items()
    if name.startswith("has_") or getattr(value, "__module__", None) == __name__
]
