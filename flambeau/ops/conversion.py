"""Copies and conversions: to another memory format, dtype or device."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core import device as devices
from flambeau.core import storage
from flambeau.core.dispatch import cast, dispatch
from flambeau.core.dtype import ALL, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.flips import elements
from flambeau.core.graph import record
from flambeau.core.kind import Kind, kind_of
from flambeau.core.layout import channels_last, channels_last_3d, contiguous_format, preserve_format
from flambeau.core.modes import flags, modes
from flambeau.core.op import LINEAR, Op
from flambeau.core.publish import exported, method
from flambeau.core.sparse import wrap_any
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.kernels.shared import copying
from flambeau.kernels.shared.sparse import parts as sparse_parts
from flambeau.kernels.shared.sparse.arrays import SparseArray

# ---- copies


def _laid_out(array: Any, memory_format: Any) -> Any:
    """A copy of an array: its own memory order (None) or that of a memory format."""
    if memory_format is None or memory_format is preserve_format:
        return storage.copied(array)
    if memory_format is contiguous_format:
        return array.copy(order="C")
    return storage.filled_from(array, storage.channels_last_strides(array.shape))


def _laid_out_shape(array: Any, memory_format: Any, of: Any = None) -> Any:
    of = array.dtype if of is None else of
    if 0 in array.shape or memory_format is contiguous_format:
        return array.shape, of
    if memory_format is None or memory_format is preserve_format:
        strides = storage.preserved_strides(array)
    else:
        strides = storage.channels_last_strides(array.shape)
    return array.shape, of, tuple([step * of.itemsize for step in strides])


_clone = Op("clone", _laid_out, params=("memory_format",), vjp={"input": lambda grad: grad},
            jvp=LINEAR, shape=_laid_out_shape,
            batch=lambda op, input, memory_format: op(input, memory_format))  # fmt: skip


_in_order = Op("contiguous", copying.in_order, params=("shape",), node="Clone", jvp=LINEAR,
    vjp={"input": lambda grad: grad}, shape=lambda array, shape: shape,
    batch=lambda op, input, shape: op(input, (input.shape[0], *shape)))  # fmt: skip
_clone.sparse = _clone.form(sparse_parts.copied)


@method("clone")
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy of ``input`` in memory of its own; gradients flow back to ``input``.

    The memory order is kept unless ``memory_format`` asks for another.

    >>> x = torch.tensor([1., 2.])
    >>> torch.clone(x).add_(1), x
    (tensor([2., 3.]), tensor([1., 2.]))
    """
    return dispatch(_clone, (input,), (memory_format,))


@method("contiguous")
def _contiguous(self: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor itself if its elements lie in the asked order in memory, else a copy that does."""
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    if _has_format(self, memory_format):
        return self
    if memory_format is contiguous_format:
        return _in_order(self, self.shape)
    return dispatch(_clone, (self,), (memory_format,))


def _has_format(tensor: Tensor, memory_format: Any) -> bool:
    if memory_format is contiguous_format:
        return storage.is_contiguous(tensor._array)
    if memory_format is channels_last and tensor.ndim != 4:
        raise RuntimeError("required rank 4 tensor to use channels_last format")
    if memory_format is channels_last_3d and tensor.ndim != 5:
        raise RuntimeError("required rank 5 tensor to use channels_last_3d format")
    return storage.is_channels_last(tensor._array, tensor.ndim)


# ---- dtype and device


def _converted(array: Any, kind: Kind, memory_format: Any) -> Any:
    if isinstance(array, SparseArray):
        return moved(cast(array, kind.dtype), kind)
    if array.dtype != kind.array_type:
        cast_array = cast(array, kind.dtype)
        array = (
            cast_array
            if cast_array.base is None and memory_format in (None, preserve_format)
            else _laid_out(cast_array, memory_format)
        )
    elif kind.place == 0 and type(array) is numpy.ndarray:
        return _laid_out(array, memory_format)
    return moved(array, kind)


def moved(array: Any, kind: Kind) -> Any:
    """An array on the device of a kind."""
    if isinstance(array, SparseArray):
        return array.moved(lambda part: moved(part, kind))
    if kind.place == META:
        return virtual(array.shape, array.dtype, array.strides if array.size else None)
    if kind.place == 0:
        return array if type(array) is numpy.ndarray else array.get()
    with kind.xp.cuda.Device(kind.device.index):
        return kind.xp.asarray(array)


_to = Op("_to_copy", _converted, params=("kind", "memory_format"), jvp=LINEAR, node="ToCopy",
         vjp={"input": lambda grad: grad},
         batch=lambda op, input, kind, memory_format: op(input, kind, memory_format))  # fmt: skip
_to.sparse = _to  # the kernel takes arrays of every layout
_to.shape_rule = lambda array, kind, memory_format: _laid_out_shape(
    array, memory_format, kind.array_type
)


def convert(tensor: Tensor, kind: Kind, memory_format: Any = None) -> Tensor:
    """A copy of a tensor with another dtype, on another device, or in another memory format."""
    source = tensor._kind or tensor.kind
    if kind.device is source.device:
        array = tensor._array
        if (
            source.category & kind.category & 4
            and memory_format is None
            and tensor._kind is not None
            and array.flags.c_contiguous
            and not (flags.active or kind.place == META)
        ):
            result = wrap(array.astype(kind.array_type), kind)
            if tensor._node is not None and modes.grad:
                record(_to, result, (tensor,), (kind, memory_format))
            return result
        return dispatch(_to, (tensor,), (kind, memory_format))
    if source.place == META:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    result = wrap_any(_converted(elements(tensor), kind, memory_format), kind)
    if modes.grad and tensor._node is not None:
        record(_to, result, (tensor,), (kind, memory_format))
    return result


@method("to")
def _to_method(self: Tensor, *args: Any, dtype: DType | None = None, device: Any = None,
               non_blocking: bool = False, copy: bool = False, memory_format: Any = None,
               other: Tensor | None = None) -> Tensor:  # fmt: skip
    """The tensor with a dtype, on a device, in a memory format; itself if it has them already.

    Called as ``to(dtype)``, ``to(device, dtype)`` or ``to(other)``; ``copy=True`` always copies.
    """
    if args:
        first = args[0]
        if type(first) is DType:
            dtype = first
        elif isinstance(first, Tensor):
            dtype, device = first.dtype, first.device
        elif first is not None:
            device = first
        rest = args[1:]
        if rest and (isinstance(rest[0], DType) or (rest[0] is None and type(first) is not DType)):
            dtype, rest = rest[0] or dtype, rest[1:]
        if rest:
            copy = rest[1] if len(rest) > 1 else copy
    elif other is not None:
        dtype, device = other.dtype, other.device
    kind = self._kind or self.kind
    if device is not None:
        if isinstance(device, float):
            raise TypeError("to() received an invalid combination of arguments - got (float)")
        wanted = kind_of(dtype or kind.dtype, devices.as_device(device))
    else:
        wanted = kind if dtype is None or dtype is kind.dtype else kind.family[dtype]
    laid_out = memory_format is None or memory_format is preserve_format
    if wanted is kind and not copy and (laid_out or _has_format(self, memory_format)):
        return self
    return convert(self, wanted, memory_format)


def _caster(name: str, of: DType) -> None:
    def method_(self: Tensor, memory_format: Any = preserve_format) -> Tensor:
        kind = self._kind or self.kind
        if kind.dtype is of and memory_format is preserve_format:
            return self
        return self.to(of, memory_format=memory_format)  # type: ignore[attr-defined]

    method_.__name__ = method_.__qualname__ = name
    method_.__doc__ = f"The tensor as {of}; itself if it is already."
    setattr(Tensor, name, method_)


for _name in (
    "double",
    "float",
    "half",
    "bfloat16",
    "long",
    "int",
    "short",
    "bool",
    "cdouble",
    "cfloat",
    "chalf",
):
    _caster(_name, ALL[_name])
_caster("char", ALL["int8"])
_caster("byte", ALL["uint8"])


@method("cpu")
def _cpu(self: Tensor, memory_format: Any = preserve_format) -> Tensor:
    """The tensor in host memory; itself if it is there."""
    kind = kind_of(self.dtype, devices.cpu)
    return self if kind is self.kind else convert(self, kind, memory_format)


@method("cuda")
def _cuda(
    self: Tensor,
    device: Any = None,
    non_blocking: bool = False,
    memory_format: Any = preserve_format,
) -> Tensor:
    """The tensor on a CUDA device, the current one by default; itself if it is there."""
    kind = kind_of(self.dtype, devices.as_device("cuda" if device is None else device))
    return self if kind is self.kind else convert(self, kind, memory_format)


@method("type")
def _type(self: Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """Without ``dtype`` the name of the legacy type, else the tensor converted to that dtype."""
    if dtype is None:
        return self.kind.type_name
    if isinstance(dtype, DType):
        return self.to(dtype)  # type: ignore[attr-defined]
    name = dtype if isinstance(dtype, str) else f"{dtype.__module__}.{dtype.__name__}"
    for of in ALL.values():
        for place in ("cpu", "cuda"):
            where = "" if place == "cpu" else "cuda."
            if name == f"torch.{where}{scalar_name(of)}Tensor":
                return self.to(device=place, dtype=of)  # type: ignore[attr-defined]
    raise ValueError(f"invalid type: {name!r}")


@method("type_as")
def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor with the dtype and device of ``other``."""
    return self.to(other)  # type: ignore[attr-defined]


__all__ = exported(globals(), "moved convert")
silence(globals())
