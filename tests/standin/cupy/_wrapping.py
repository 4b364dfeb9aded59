"""From arrays on the device to the NumPy arrays inside them, and back."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from cupy._memory import Memory, current, memory_of

_CHARACTERS = frozenset("?bhilqBHILQefdFD")
_SCALARS = (bool, int, float, complex, numpy.generic)
_new = object.__new__


def check_dtype(dtype: Any) -> numpy.dtype:
    """The dtype; ValueError for one that CuPy has no arrays of."""
    found = numpy.dtype(dtype)
    if found.char in _CHARACTERS or found.name == "bfloat16":
        return found
    raise ValueError(f"Unsupported dtype {found}")


def array_class() -> Any:
    """The class of arrays, which is made after the functions that make them."""
    return sys.modules["cupy._array"].ndarray


def is_array(value: Any) -> bool:
    """Whether a value is an array on the device."""
    return type(value) is array_class()


def host(value: Any) -> Any:
    """The NumPy array inside an array on the device; Python numbers stay. All else is refused."""
    if is_array(value):
        if value._memory.device_id != current.device:
            raise ValueError(
                "Array device must be same as the current device: array device = "
                f"{value._memory.device_id} while current = {current.device}"
            )
        return value._host
    if isinstance(value, _SCALARS):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def inside(value: Any) -> Any:
    """As ``host``, also for arguments that are no arrays, and for lists of arrays."""
    if is_array(value):
        return host(value)
    if isinstance(value, numpy.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)):
        return type(value)([inside(v) for v in value])
    return value


def empty(shape: Any, dtype: numpy.dtype, order: str = "C") -> Any:
    """A new array."""
    like = numpy.empty(shape, check_dtype(dtype), "F" if order == "F" else "C")
    return _allocated(like.shape, like.dtype, like.strides)


def _allocated(shape: Any, dtype: Any, strides: Any) -> Any:
    array = _new(array_class())
    size = dtype.itemsize
    for n in shape:
        size *= n
    array._memory, array.base = Memory(size), None
    array._host = numpy.ndarray(shape, dtype, array._memory.buffer, 0, strides if size else None)
    return array


def register(result: Any, order: str = "C") -> Any:
    """A new array on the device with the values of a NumPy array."""
    result = numpy.asarray(result)
    dtype = check_dtype(result.dtype)
    like = numpy.empty_like(result, order="K" if order in ("K", "A", None) else order)
    array = _allocated(result.shape, dtype, like.strides)
    array._host[...] = result
    return array


def wrap(result: Any, source: Any = None) -> Any:
    """What a NumPy function returned, on the device: a view where it is one."""
    if isinstance(result, numpy.ndarray):
        memory = memory_of(result)
        if memory is None:
            return register(result)
        array = _new(array_class())
        array._host, array._memory = result, memory
        array.base = source if source is None or source.base is None else source.base
        return array
    if isinstance(result, numpy.generic):
        return register(result)
    if isinstance(result, (list, tuple)):
        return tuple([wrap(r, source) for r in result])
    return result


def cast(array: numpy.ndarray, dtype: numpy.dtype, order: str = "K") -> numpy.ndarray:
    """A conversion as a GPU makes it: integers out of range saturate, NaN becomes 0."""
    if array.dtype.kind == "f" and dtype.kind in "iu" and array.size:
        limits = numpy.iinfo(dtype)
        if not numpy.isfinite(array).all() or array.min() < limits.min or array.max() > limits.max:
            wide = numpy.nan_to_num(array.astype(float))
            return numpy.vectorize(
                lambda x: min(max(int(x), limits.min), limits.max), otypes=[dtype]
            )(wide)
    with numpy.errstate(all="ignore"):
        return array.astype(dtype, order)
