"""What tensors tell about the memory below them, and how they come to look at other memory."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core import raw_memory
from flambeau.core import storage as memory
from flambeau.core.dtype import scalar_name
from flambeau.core.kind import Kind
from flambeau.core.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
)
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import Tensor, replace_array
from flambeau.core.typed_storage import LEGACY, TypedStorage, typed
from flambeau.core.untyped_storage import UntypedStorage, array_over, storage_below, storage_of
from flambeau.core.views import bump
from flambeau.core.virtual import virtual
from flambeau.kernels.select import CPU, CUDA, META

# ---- the storage below a tensor


@method("untyped_storage")
def _untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory below the tensor, as bytes; the same object for all tensors over it."""
    return storage_of(self)


@method("_typed_storage")
def _typed_storage(self: Tensor) -> TypedStorage:
    return typed(storage_of(self), self.dtype)


@method("storage")
def _storage(self: Tensor) -> TypedStorage:
    """The memory below the tensor as elements of its dtype; old, see ``untyped_storage``."""
    return TypedStorage(wrap_storage=storage_of(self), dtype=self.dtype)


@method("storage_type")
def _storage_type(self: Tensor) -> type:
    """The class named after the dtype: ``torch.FloatStorage``."""
    return LEGACY[self._typed_storage().pickle_storage_type()]  # type: ignore[attr-defined]


def is_storage(obj: Any, /) -> bool:
    """Whether ``obj`` is a storage.

    >>> torch.is_storage(torch.ones(2).untyped_storage())
    True
    """
    return isinstance(obj, (UntypedStorage, TypedStorage))


@method("data_ptr")
def _data_ptr(self: Tensor) -> int:
    """The address of the first element; 0 where there is none."""
    array = self._array
    return memory.address(array) if array.size and self.kind.place != META else 0


@method("const_data_ptr")
def _const_data_ptr(self: Tensor) -> int:
    """The address of the first element, only to be read from."""
    return _data_ptr(self)


@method("is_set_to")
def _is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both tensors look at the same memory with the same shape and strides."""
    if not isinstance(tensor, Tensor):
        raise not_a_tensor("is_set_to", "tensor", 1, tensor)
    mine, theirs = self._array, tensor._array
    return (
        self._flips == tensor._flips
        and memory.key(mine) == memory.key(theirs)
        and memory.offset(mine) == memory.offset(theirs)
        and mine.shape == theirs.shape
        and memory.strides(mine) == memory.strides(theirs)
    )


# ---- where the elements lie


@method("storage_offset")
def _storage_offset(self: Tensor) -> int:
    """How many elements the first one lies behind the start of the memory."""
    return memory.offset(self._array)


@method("stride")
def _stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements lie between neighbours in each dimension, or in one."""
    steps = memory.strides(self._array)
    if dim is None:
        return steps
    if not steps:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return steps[wrap_dim(dim, len(steps))]


@method("is_contiguous")
def _is_contiguous(self: Tensor, memory_format: Any = contiguous_format) -> bool:
    """Whether the elements lie in the order of a memory format without gaps."""
    if memory_format is channels_last:
        return memory.is_channels_last(self._array, 4)
    if memory_format is channels_last_3d:
        return memory.is_channels_last(self._array, 5)
    return memory.is_contiguous(self._array)


Tensor.nbytes = property(  # type: ignore[attr-defined]
    lambda self: self._array.nbytes, doc="The bytes of all elements, without the gaps."
)


# ---- other memory


@method("set_")
def _set(
    self: Tensor,
    source: Any = None,
    storage_offset: int = 0,
    size: Any = None,
    stride: Any = None,
) -> Tensor:
    """Makes the tensor look at the memory of a tensor or storage; at none without a source."""
    if isinstance(source, Tensor):
        array = _array_of_tensor(self, source, storage_offset, size, stride)
        self._writes = source._writes
    else:
        array = _array_of_storage(self.kind, source, storage_offset, size, stride)
        self._writes = None
    replace_array(self, array)
    self._base = None
    bump(self)
    return self


def _array_of_tensor(self: Tensor, source: Tensor, offset: int, size: Any, stride: Any) -> Any:
    if source.dtype is not self.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {_c_name(source)} to a tensor of type {_c_name(self)}"
        )
    if size is None:
        return source._array
    steps = memory.contiguous_strides(size) if stride is None else tuple(stride)
    return array_over(storage_of(source), self.kind.array_type, size, steps, offset)


def _c_name(tensor: Tensor) -> str:
    names = {"int64": "long int", "float32": "float", "float64": "double", "int32": "int"}
    return names.get(tensor.dtype.name, tensor.dtype.name)


def _array_of_storage(kind: Kind, source: Any, offset: int, size: Any, stride: Any) -> Any:
    if source is None:
        source = UntypedStorage(0, device=kind.device)
    if isinstance(source, TypedStorage) and source.dtype is not kind.dtype:
        raise RuntimeError(
            f"Expected a Storage of type {scalar_name(kind.dtype).lower()} or an UntypedStorage, "
            f"but got type {scalar_name(source.dtype)} for argument 1 'storage'"
        )
    if not is_storage(source):
        raise TypeError(
            "set_(): argument 'source' must be a tensor or a storage, not " + type(source).__name__
        )
    untyped = source.untyped()
    if size is None:
        size = (untyped.nbytes() // kind.dtype.itemsize - offset,)
    steps = memory.contiguous_strides(size) if stride is None else tuple(stride)
    check_geometry(tuple(size), steps, offset)
    return array_over(untyped, kind.array_type, tuple(size), steps, offset)


def check_geometry(size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> None:
    """RuntimeError for a shape, strides or an offset that no memory can have."""
    if len(size) != len(stride):
        raise RuntimeError(f"unequal size length ({len(size)}) and stride length ({len(stride)})")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if any(one < 0 for one in (*size, *stride)):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(size)} and "
            f"strides={list(stride)}"
        )


@method("resize_as_")
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """``resize_`` to the shape of another tensor."""
    if memory_format is preserve_format:
        last = channels_last if the_template.ndim == 4 else channels_last_3d
        fits = the_template.ndim in (4, 5) and not the_template.is_contiguous()  # type: ignore
        fits = fits and the_template.is_contiguous(memory_format=last)  # type: ignore
        memory_format = last if fits else contiguous_format
    return _resize(input, the_template.shape, memory_format=memory_format)


@method("resize_")
def _resize(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Gives the tensor another shape, contiguous; its memory grows if it is too small.

    The elements keep their places in the memory; new ones are whatever it held. The strides of a
    tensor that has the shape already only change if a memory format is asked for.
    """
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if any(size < 0 for size in shape):
        raise RuntimeError("numel: integer multiplication overflow")
    if self.requires_grad:  # type: ignore[attr-defined]
        raise RuntimeError("cannot resize variables that require grad")
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory formatPreserve")
    if memory_format is None and shape == self._array.shape:
        return self
    last = memory_format in (channels_last, channels_last_3d)
    stride = (memory.channels_last_strides if last else memory.contiguous_strides)(shape)
    if shape != self._array.shape or stride != memory.strides(self._array):
        replace_array(self, _resized(self, shape, stride))
    return self


def _resized(tensor: Tensor, shape: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    kind = tensor.kind
    if kind.place == META:
        steps = tuple([step * kind.dtype.itemsize for step in stride])
        return virtual(shape, kind.array_type, steps)
    array = tensor._array
    if not array.size and kind.place == 0 and array.base is None and not storage_below(tensor):
        fresh = numpy.empty(numpy.prod(shape, dtype=int), kind.array_type)
        return memory.as_strided(fresh, shape, stride, 0)
    offset, size = memory.offset(array), kind.dtype.itemsize
    needed = (offset + numpy.prod(shape, dtype=int).item()) * size
    if needed > memory.byte_count(array):
        storage_of(tensor).resize_(needed)
        return array_over(storage_of(tensor), kind.array_type, shape, stride, offset)
    return memory.as_strided(array, shape, stride, offset)


# ---- memory that others see


@method("record_stream")
def _record_stream(self: Tensor, stream: Any) -> None:
    """Says that a CUDA stream uses the tensor: when the tensor is gone, its memory is not given to
    others before the work that is in the stream by then is done."""
    if not hasattr(stream, "_keep"):
        raise RuntimeError("unknown parameter type")
    if self.kind.place != CUDA:
        raise NotImplementedError(
            "Could not run 'aten::record_stream' with arguments from the "
            f"'{self.device.type.upper()}' backend."
        )
    self.__dict__.setdefault("_keepers", []).append(stream._keep(self._array))


@method("share_memory_")
def _share_memory(self: Tensor) -> Tensor:
    """Moves the memory to where processes forked from now on see the same elements."""
    storage_of(self).share_memory_()
    return self


@method("is_shared")
def _is_shared(self: Tensor) -> bool:
    """Whether other processes can see the memory."""
    if self.kind.place != CPU:
        return self.kind.place == CUDA
    return raw_memory.is_shared(self._array)


@method("is_pinned")
def _is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is page-locked for fast copies to a CUDA device."""
    return self.kind.place != META and storage_of(self).is_pinned()


@method("pin_memory")
def _pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """A copy in page-locked memory, or itself if it is; needs CUDA."""
    if self.is_pinned():  # type: ignore[attr-defined]
        return self
    fresh = self.clone()  # type: ignore[attr-defined]
    place = fresh.storage_offset(), fresh.shape, fresh.stride()
    return fresh.set_(storage_of(fresh).pin_memory(), *place)


__all__ = exported(globals(), "check_geometry")
