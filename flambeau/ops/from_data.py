"""Tensors made from data: numbers, nested sequences, arrays, buffers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core import dtype as dtypes
from flambeau.core import storage
from flambeau.core.dispatch import cast
from flambeau.core.dtype import dtype as DType
from flambeau.core.fitting import fits
from flambeau.core.kind import CPU_KINDS, Kind
from flambeau.core.promotion import promote_types
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.kernels.select import META
from flambeau.ops.creation import empty
from flambeau.ops.factories import Number, dtype_of_number, kind_for, made


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor without history that holds a copy of ``data``: numbers, nested sequences,
    arrays.

    The dtype is inferred: Python floats give the default dtype, ints int64, and so on. ValueError
    for rows of different lengths, TypeError for objects that are no numbers.

    >>> tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    if isinstance(data, Tensor):
        return _from_tensor(data, dtype, device, requires_grad)
    array, inferred = _as_array(data)
    kind = kind_for(dtype or inferred, device)
    if requires_grad and not kind.floating:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if dtype is not None and dtype is not inferred and dtype.rank == 1 and inferred.rank:
        _check_elements(data, array, dtype)
    return made(placed(array, kind), kind, requires_grad)


def _check_elements(data: Any, array: numpy.ndarray, of: DType) -> None:
    """RuntimeError if Python numbers do not fit into an integer dtype; arrays are cast."""
    if isinstance(data, numpy.ndarray | numpy.generic) or not array.size:
        return
    if array.dtype.kind != "c" and not (fits(array.min(), of) and fits(array.max(), of)):
        raise RuntimeError(f"value cannot be converted to type {of.name} without overflow")


def _from_tensor(data: Tensor, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    warnings.warn(
        "To copy construct from a tensor, it is recommended to use "
        "sourceTensor.detach().clone() or "
        "sourceTensor.detach().clone().requires_grad_(True), rather than "
        "torch.tensor(sourceTensor).",
        stacklevel=3,
    )
    copy = data.detach().to(dtype=dtype or data.dtype, device=device or data.device, copy=True)  # type: ignore
    return copy.requires_grad_() if requires_grad else copy


def placed(array: numpy.ndarray, kind: Kind) -> Any:
    """A copy of a host array, in the dtype and on the device of a kind."""
    if kind.place == META:
        return virtual(array.shape, kind.array_type)
    if array.dtype != kind.array_type:
        array = cast(array, kind.dtype)
        if array.base is not None:
            array = storage.copied(array)
    elif kind.place == 0:
        array = storage.copied(array)
    if kind.place == 0:
        return array
    with kind.xp.cuda.Device(kind.device.index):
        return kind.xp.asarray(array)


def _as_array(data: Any) -> tuple[numpy.ndarray, DType]:
    """A host array of the data, and the dtype that PyTorch infers."""
    if isinstance(data, numpy.ndarray | numpy.generic):
        return storage.as_given(numpy.asarray(data)), _array_dtype(data.dtype)
    if isinstance(data, bool | int | float | complex):
        return _number(data), dtype_of_number(data)
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if hasattr(data, "__array_interface__") or hasattr(data, "__array__"):
        array = numpy.asarray(data)
        return array, _array_dtype(array.dtype)
    if (
        not isinstance(data, Sequence)
        and not (hasattr(data, "__len__") and hasattr(data, "__getitem__"))
    ) or isinstance(data, dict):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return _nested(data)


def _number(value: Number) -> numpy.ndarray:
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return numpy.array(value)


_PYTHON = {"b": dtypes.bool_, "i": dtypes.int64}


def _nested(data: Any) -> tuple[numpy.ndarray, DType]:
    try:
        array = numpy.array(data)
    except (ValueError, TypeError, OverflowError, RuntimeError):
        array = None
    if array is None or array.dtype.kind in "OUSV" or array.dtype == numpy.uint64:
        return _slowly_nested(data)
    first = data
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, numpy.ndarray | numpy.generic | Tensor):
        return array, _strictest(data)
    kind = array.dtype.kind
    if kind in _PYTHON:
        return array, _PYTHON[kind]
    return array, dtype_of_number(1j if kind == "c" else 1.0)


def _slowly_nested(data: Any) -> tuple[numpy.ndarray, DType]:
    """The same element by element: for tensors among the elements, and for the right error."""
    shape, level = [], data
    while _is_sequence(level):
        shape.append(len(level))
        if not len(level):
            break
        level = level[0]
    if isinstance(level, str | bytes):
        raise ValueError(f"too many dimensions '{type(level).__name__}'")
    flat: list[Any] = []
    _flatten(data, shape, 0, flat)
    of = _strictest(data)
    assert of.numpy is not None
    return numpy.array(flat, of.numpy).reshape(shape), of


def _is_sequence(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.ndim > 0
    return isinstance(value, list | tuple | numpy.ndarray) or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes)
    )


def _flatten(data: Any, shape: list[int], dim: int, into: list[Any]) -> None:
    if dim == len(shape):
        into.append(_element(data))
        return
    if not _is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    for item in data:
        _flatten(item, shape, dim + 1, into)


def _element(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.item()  # type: ignore[attr-defined]
    if isinstance(value, bool | int | float | complex | numpy.generic):
        return value
    if isinstance(value, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    if _is_sequence(value):
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    raise RuntimeError(f"Could not infer dtype of {type(value).__name__}")


def _strictest(data: Any) -> DType:
    """The dtype that holds all elements, as PyTorch infers it from each."""
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, numpy.ndarray | numpy.generic):
        return _array_dtype(data.dtype)
    if not _is_sequence(data):
        return dtype_of_number(_element(data))
    found = None
    for item in data:
        of = _strictest(item)
        found = of if found is None or found is of else promote_types(found, of)
    return found or dtypes.default.dtype


def _array_dtype(of: numpy.dtype) -> DType:
    plain = of.kind != "V" or of.names is None
    found = dtypes.from_numpy_type(of.newbyteorder("=")) if plain else None
    if found is None:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{of.type.__name__}. The only supported types "
            "are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
            "uint64, uint32, uint16, uint8, and bool."
        )
    return found


_FAST_TYPES = frozenset(
    [numpy.dtype(n) for n in ("float32", "float64", "int64", "int32", "uint8", "bool")]
)


def from_numpy(ndarray: numpy.ndarray) -> Tensor:
    """A tensor over the memory of a NumPy array: writes to one are seen by the other.

    It has the array's shape and dtype; TypeError for dtypes that tensors lack.

    >>> import numpy
    >>> array = numpy.zeros(2)
    >>> _ = torch.from_numpy(array).add_(1)
    >>> array
    array([1., 1.])
    """
    if not isinstance(ndarray, numpy.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if ndarray.base is None and ndarray.flags.carray and ndarray.dtype in _FAST_TYPES:
        return wrap(storage.adopt(ndarray), CPU_KINDS[ndarray.dtype])
    kind = CPU_KINDS[_array_dtype(ndarray.dtype)]
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported."
        )
    for stride in ndarray.strides:
        if stride < 0:
            raise ValueError(
                "At least one stride in the given numpy array is negative, and tensors with "
                "negative strides are not currently supported. (You can probably work around this "
                "by making a copy of your array  with array.copy().) "
            )
        if stride % ndarray.itemsize:
            raise ValueError(
                "given numpy array strides not a multiple of the element byte size. Copy the "
                "numpy array to reallocate the memory."
            )
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable "
            "tensors. This means writing to this tensor will result in undefined behavior. You may "
            "want to copy the array to protect its data or make it writable before converting "
            "it to "
            "a tensor. This type of warning will be suppressed for the rest of this program.",
            stacklevel=2,
        )
    return wrap(storage.adopt(ndarray), kind)


def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, sharing its memory, and keeping its history, where that is possible.

    ``data`` is a tensor, an array, a number or nested sequences of numbers. ValueError for rows of
    different lengths.

    >>> torch.as_tensor([1, 2], dtype=torch.float32)
    tensor([1., 2.])
    """
    if isinstance(data, Tensor):
        return data.to(dtype=dtype or data.dtype, device=device or data.device)  # type: ignore
    if isinstance(data, numpy.ndarray):
        shared = from_numpy(data)
        kind = kind_for(dtype or shared.dtype, device)
        return shared if kind is shared._kind else shared.to(dtype=kind.dtype, device=kind.device)  # type: ignore
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``obj`` as a tensor: shares memory unless ``copy`` is true; ``copy=False`` refuses to
    copy.

    ``obj`` is a tensor, an array, a buffer, a number or nested sequences; ValueError where
    ``copy=False`` cannot be.

    >>> torch.asarray([1, 2], dtype=torch.float32)
    tensor([1., 2.])
    """
    if hasattr(obj, "__dlpack__") and not isinstance(obj, Tensor | numpy.ndarray):
        obj = numpy.from_dlpack(obj)
    if isinstance(obj, numpy.generic):
        obj = numpy.asarray(obj)
    shares = isinstance(obj, Tensor | numpy.ndarray)
    result = as_tensor(obj, dtype, device)
    if copy is False and not (shares and _same_memory(result, obj)):
        raise ValueError(
            "can't alias arbitrary sequence into a tensor."
            if not shares
            else "can't alias tensor with dtype or device changed."
        )
    if copy and shares and _same_memory(result, obj):
        result = result.clone()  # type: ignore[attr-defined]
    if requires_grad:
        result = result.detach().requires_grad_()  # type: ignore[attr-defined]
    elif isinstance(obj, Tensor) and result._node is not None:
        result = result.detach()  # type: ignore[attr-defined]
    return result


def _same_memory(result: Tensor, given: Any) -> bool:
    if result.kind.place != 0:
        return result is given
    return numpy.shares_memory(result._array, given._array if isinstance(given, Tensor) else given)


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-D tensor over the memory of a Python buffer, such as bytes or an mmap.

    ``count`` elements of ``dtype`` (all by default) from byte ``offset`` on; ValueError where the
    buffer is too small.

    >>> torch.frombuffer(bytearray([1, 2, 3]), dtype=torch.uint8, offset=1)
    tensor([2, 3], dtype=torch.uint8)
    """
    size = memoryview(buffer).nbytes
    step = dtype.itemsize
    if size == 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if offset < 0 or offset >= size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    if count < 0 and (size - offset) % step:
        raise ValueError(
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({step})"
        )
    if count > 0 and offset + count * step > size:
        raise ValueError(
            f"requested buffer length ({count} * {step} bytes) after offset ({offset} bytes) "
            f"must not be greater than actual buffer length ({size} bytes)"
        )
    kind = CPU_KINDS[dtype]
    return made(numpy.frombuffer(buffer, kind.array_type, count, offset), kind, requires_grad)


def _legacy_tensor(cls: type[Tensor], *args: Any, device: Any = None) -> Tensor:
    """``torch.Tensor(2, 3)`` is uninitialised, ``torch.Tensor([2, 3])`` holds those numbers."""
    if len(args) == 1 and not isinstance(args[0], int):
        data = args[0]
        if isinstance(data, Tensor):
            result = data.detach()  # type: ignore[attr-defined]
        elif isinstance(data, tuple) and type(data).__name__ == "Size":
            result = empty(data, device=device)
        elif isinstance(data, float | complex | str) or data is None:
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        else:
            result = tensor(data, dtype=dtypes.default.dtype, device=device)
    else:
        result = empty(*(args or (0,)), device=device)
    return result if cls is Tensor else result.as_subclass(cls)  # type: ignore[attr-defined]


Tensor.__new__ = staticmethod(_legacy_tensor)  # type: ignore[assignment]


@method("new_tensor")
def _new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A copy of ``data`` with this tensor's dtype and device."""
    return tensor(
        data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
    )


__all__ = exported(globals(), "placed")
