"""What the functions that make tensors share: kinds, sizes and new arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core import device as devices
from flambeau.core import dtype as dtypes
from flambeau.core import storage
from flambeau.core.dtype import dtype as DType
from flambeau.core.fitting import check_fits
from flambeau.core.kind import CPU_KINDS, Kind, kind_of
from flambeau.core.layout import contiguous_format, preserve_format, strided
from flambeau.core.limits import iinfo
from flambeau.core.modes import flags, modes
from flambeau.core.sparse import is_sparse, wrap_any
from flambeau.core.tensor import INFERENCE, Tensor
from flambeau.core.virtual import virtual
from flambeau.kernels.select import META
from flambeau.ops.sparse_filling import like_sparse, without_elements

Number = complex  # bool, int, float or complex


def kind_for(dtype: DType | None, device: Any) -> Kind:
    """The kind that ``dtype=`` and ``device=`` ask for; the defaults for None."""
    if device is None and not flags.devices and devices.default.device is devices.cpu:
        return CPU_KINDS[dtype or dtypes.default.dtype]
    if modes.factories is not None:
        modes.factories.starts()
    return kind_of(dtype or dtypes.default.dtype, devices.as_device(device))


def made(array: Any, kind: Kind, requires_grad: bool = False) -> Tensor:
    """A new tensor over a new array."""
    tensor = wrap_any(array, kind)
    if flags.active:
        _noted(tensor)
    return tensor.requires_grad_() if requires_grad else tensor  # type: ignore[attr-defined]


def _noted(tensor: Tensor) -> None:
    """What the current thread does with a new tensor beyond making it."""
    if modes.inference:
        tensor._writes = INFERENCE
    if modes.factories is not None:
        modes.factories.made(tensor)


def filled(shape: tuple[int, ...], kind: Kind, value: Any = None) -> Any:
    """A new array: uninitialised for None, zeros for 0, else full of a value."""
    if kind.place == META:
        return virtual(shape, kind.array_type)
    if kind.place == 0:
        return _filled(numpy, shape, kind, value)
    with kind.xp.cuda.Device(kind.device.index):
        return _filled(kind.xp, shape, kind, value)


def _filled(xp: Any, shape: tuple[int, ...], kind: Kind, value: Any) -> Any:
    if value is None:
        return (
            xp.full(shape, _unset(kind), kind.array_type)
            if flags.fills
            else xp.empty(shape, kind.array_type)
        )
    if value == 0 and not isinstance(value, complex):
        return xp.zeros(shape, kind.array_type)
    array = xp.empty(shape, kind.array_type)
    if type(value) is not int or value != 1:  # which fits every dtype
        check_fits(value, kind.dtype)
    if kind.array_type.kind in "iu":  # wrapped around
        value = numpy.asarray(value).astype(kind.array_type).item()
    array[...] = value
    return array


def _unset(kind: Kind) -> Any:
    """What deterministic mode finds in memory that nobody has written to."""
    of = kind.dtype
    return math.nan if of.rank > 1 else iinfo(of).max if of.rank else True


def sizes(function: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape from ``(2, 3)``, ``((2, 3),)`` or ``([2, 3],)``."""
    if len(size) == 1 and not isinstance(size[0], int):
        given = size[0]
        if isinstance(given, Sequence) and not isinstance(given, str):
            if type(given) is not tuple or not all([type(n) is int for n in given]):
                given = tuple([n if type(n) is int else _dimension(function, n) for n in given])
        elif hasattr(given, "__index__"):
            given = (given.__index__(),)
        else:
            raise TypeError(
                f"{function}(): argument 'size' (position 1) must be tuple of ints, not "
                f"{type(given).__name__}"
            )
    else:
        if size and isinstance(size[0], tuple | list):
            raise TypeError(f"{function}() takes 1 positional argument but {len(size)} were given")
        given = (
            size
            if all([type(n) is int for n in size])
            else tuple([_dimension(function, n) for n in size])
        )
    for n in given:
        if n < 0:
            raise RuntimeError(f"{function}: Dimension size must be non-negative.")
    return given


def size_arguments(function: str, positional: tuple[Any, ...], size: Any | None) -> tuple[Any, ...]:
    """The arguments that give a size: the `positional` ones, or ``size=``, not both."""
    if size is None:
        return positional
    if positional:
        raise TypeError(f"{function}() got multiple values for argument 'size'")
    return (size,)


def _dimension(function: str, n: Any) -> int:
    if not hasattr(n, "__index__"):
        raise TypeError(
            f"{function}(): argument 'size' (position 1) must be tuple of ints, but found "
            "element of "
            f"type {type(n).__name__}"
        )
    return n.__index__()


def array_of(shape: tuple[int, ...], kind: Kind, value: Any, layout: Any) -> Any:
    """A new array of a layout; sparse ones keep no element, and so hold no other value than 0."""
    if layout is None or layout is strided:
        return filled(shape, kind, value)
    if value:
        raise RuntimeError(f"full(...) is not implemented for sparse layout {layout}")
    return without_elements(shape, kind, layout.name)


def dtype_of_number(value: Number) -> DType:
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    return dtypes.default.dtype.to_complex() if isinstance(value, complex) else dtypes.default.dtype


def like_array(input: Tensor, kind: Kind, memory_format: Any, value: Any = None) -> Any:
    """A new array of the shape, and unless told otherwise the memory layout, of a tensor."""
    array = input._array
    if is_sparse(input):
        return like_sparse(input, kind, value)
    if memory_format not in (None, preserve_format):
        made_ = filled(tuple(array.shape), kind, value)
        return (
            made_
            if memory_format is contiguous_format
            else _formatted(made_, memory_format, kind, value)
        )
    if array.size and array.flags.c_contiguous:
        return filled(tuple(array.shape), kind, value)
    strides = storage.preserved_strides(array)
    return storage.as_strided(filled((array.size,), kind, value), array.shape, strides, 0)


def _formatted(array: Any, memory_format: Any, kind: Kind, value: Any) -> Any:
    strides = storage.channels_last_strides(array.shape)
    return storage.as_strided(filled((array.size,), kind, value), array.shape, strides, 0)
