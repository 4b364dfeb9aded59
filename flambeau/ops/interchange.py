"""Exchange with other libraries: DLPack, and CUDA's array interface."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.device import device
from flambeau.core.flips import elements
from flambeau.core.kind import CPU_KINDS, family
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor, wrap
from flambeau.kernels.select import CUDA


@method("__dlpack__")
def _dlpack(self: Tensor, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
            copy: bool | None = None) -> Any:  # fmt: skip
    """A capsule through which another library sees this tensor's memory."""
    if self.requires_grad:  # type: ignore[attr-defined]
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self.kind.device.type == "meta":
        raise BufferError("Can't export tensors on the meta device: they have no data")
    if self.is_conj():  # type: ignore[attr-defined]
        raise BufferError("Can't export tensors with the conjugate bit set")
    array = elements(self)
    array = array.copy() if copy and array is self._array else array
    return array.__dlpack__() if self.kind.place != CUDA else array.__dlpack__(stream=stream)


@method("__dlpack_device__")
def _dlpack_device(self: Tensor) -> tuple[int, int]:
    """The kind and index of the device, in DLPack's numbers."""
    if self.kind.place == CUDA:
        return 2, self.device.index or 0
    if self.device.type == "meta":
        raise ValueError("Unknown device type meta for Dlpack")
    return 1, 0


class _Capsule:
    """What NumPy asks of an exporter, for the capsule that `to_dlpack` makes of CPU memory."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


class _Writable:
    """The memory of a capsule, which cannot say whether it may be written: it may."""

    def __init__(self, array: numpy.ndarray) -> None:
        self.array = array
        description = array.__array_interface__
        self.__array_interface__ = {**description, "data": (description["data"][0], False)}


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array or tensor.

    Any object with ``__dlpack__``, on the CPU or on CUDA, or a capsule of CPU memory; ``copy``
    gives it memory of its own.

    >>> import numpy
    >>> torch.from_dlpack(numpy.arange(3))
    tensor([0, 1, 2])
    """
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    if isinstance(ext_tensor, Tensor) and device is None:
        return ext_tensor.clone() if copy else ext_tensor.data  # type: ignore[attr-defined]
    where = ext_tensor.__dlpack_device__()[0] if hasattr(ext_tensor, "__dlpack_device__") else 1
    if where == 2:
        import cupy

        array = cupy.from_dlpack(ext_tensor)
        result = wrap(array, family(_cuda(array))[array.dtype])
    else:
        array = numpy.from_dlpack(ext_tensor)
        if not array.flags.writeable:
            capsule = isinstance(ext_tensor, _Capsule)
            array = numpy.asarray(_Writable(array)) if capsule else array.copy()
        result = wrap(array, CPU_KINDS[array.dtype])
    if copy:
        result = result.clone()  # type: ignore[attr-defined]
    return result if device is None else result.to(device)  # type: ignore[attr-defined]


def _cuda(array: Any) -> device:
    return device("cuda", array.device.id)


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule through which another library sees the tensor's memory.

    >>> torch.from_dlpack(torch.to_dlpack(torch.ones(2)))
    tensor([1., 1.])
    """
    return tensor.__dlpack__()  # type: ignore[attr-defined]


def _cuda_array_interface(self: Tensor) -> Any:
    """The description of CUDA memory that Numba and CuPy read."""
    if self.kind.place != CUDA:
        raise AttributeError(
            "Can't get __cuda_array_interface__ on non-CUDA tensor type: "
            f"{self.kind.type_name} If CUDA "
            "data is required use tensor.cuda() to copy tensor to device memory."
        )
    if self.requires_grad:  # type: ignore[attr-defined]
        raise RuntimeError(
            "Can't get __cuda_array_interface__ on Variable that requires grad. If gradients "
            "aren't "
            "required, use var.detach() to get Variable that doesn't require grad."
        )
    return self._array.__cuda_array_interface__


Tensor.__cuda_array_interface__ = property(_cuda_array_interface)  # type: ignore[attr-defined]


@method("__delitem__")
def _delitem(self: Tensor, index: Any) -> None:
    """Tensors have no elements to delete."""
    raise TypeError("Tensor does not support deleting items")


@method("__setstate__")
def _setstate(self: Tensor, state: Any) -> None:
    """Takes the state of a pickle made by an early version of PyTorch: tensor and requires_grad."""
    if len(state) == 4:
        self.set_(*state)  # type: ignore[attr-defined]
        return
    self.requires_grad_(state[0])  # type: ignore[attr-defined]


__all__ = exported(globals())
