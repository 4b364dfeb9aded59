"""A name of one's own for ``privateuseone``, the type of device that PyTorch keeps for extensions.

Flambeau computes on the CPU, on CUDA and, without data, on ``meta``: a renamed type can be named,
and asked for with ``is_<name>``; making tensors on it raises.
"""

from __future__ import annotations

from typing import Any

from flambeau.core import device as devices
from flambeau.core.tensor import Tensor
from flambeau.core.typed_storage import TypedStorage
from flambeau.core.untyped_storage import UntypedStorage
from flambeau.nn.modules.module import Module
from flambeau.nn.utils.rnn import PackedSequence

__all__ = ["generate_methods_for_privateuse1_backend", "rename_privateuse1_backend"]

_name = "privateuseone"


def rename_privateuse1_backend(backend_name: str) -> None:
    """Names the type of device: ``torch.device("foo")`` is one from now on; once per process."""
    global _name
    if _name not in ("privateuseone", backend_name):
        raise RuntimeError(
            "torch.register_privateuse1_backend() has already been set! Current backend: " + _name
        )
    devices.TYPES[devices.TYPES.index(_name)] = _name = backend_name


def generate_methods_for_privateuse1_backend(
    for_tensor: bool = True,
    for_module: bool = True,
    for_packed_sequence: bool = True,
    for_storage: bool = False,
    unsupported_dtype: list[Any] | None = None,
) -> None:
    """Gives classes the attribute ``is_<name>`` and the method ``<name>()``, which moves there."""
    if for_tensor:
        _give(Tensor, property(lambda self: self.device.type == _name), _moved)
    if for_storage:
        for cls in (TypedStorage, UntypedStorage):
            _give(cls, property(lambda self: self.device.type == _name), _moved)
    if for_module:
        _give(Module, None, lambda self, device=None: self.to(_place(device)))
    if for_packed_sequence:
        _give(PackedSequence, property(lambda self: self.data.device.type == _name), _moved)


def _give(cls: Any, question: property | None, move: Any) -> None:
    if hasattr(cls, f"is_{_name}") or (question is None and hasattr(cls, _name)):
        raise RuntimeError(
            f"The custom device module of {cls} has already been registered with is_{_name}"
        )
    if question is not None:
        setattr(cls, f"is_{_name}", question)
    setattr(cls, _name, move)


def _moved(self: Any, device: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """The same on the device."""
    return self.to(_place(device), non_blocking=non_blocking, **kwargs)


def _place(device: Any) -> devices.device:
    return (
        devices.device(_name, device)
        if isinstance(device, int)
        else devices.device(_name if device is None else device)
    )
