"""Tensors made from data, from a rule, or like another tensor."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core import device as devices
from flambeau.core import dtype as dtypes
from flambeau.core import storage
from flambeau.core.dispatch import cast
from flambeau.core.dtype import dtype as DType
from flambeau.core.kind import CPU_KINDS, Kind, kind_of
from flambeau.core.layout import contiguous_format, preserve_format, strided
from flambeau.core.modes import flags, modes
from flambeau.core.promotion import promote_types
from flambeau.core.publish import exported, method
from flambeau.core.tensor import INFERENCE, Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.core.writing import deliver
from flambeau.kernels.select import CPU, META

Number = complex  # bool, int, float or complex


# ---- what the factory functions share


def kind_for(dtype: DType | None, device: Any) -> Kind:
    """The kind that ``dtype=`` and ``device=`` ask for; the defaults for None."""
    if device is None and not flags.devices and devices.default.device is devices.cpu:
        return CPU_KINDS[dtype or dtypes.default.dtype]
    return kind_of(dtype or dtypes.default.dtype, devices.as_device(device))


def made(array: Any, kind: Kind, requires_grad: bool = False) -> Tensor:
    """A new tensor over a new array."""
    tensor = wrap(array, kind)
    if flags.active and modes.inference:
        tensor._writes = INFERENCE
    return tensor.requires_grad_() if requires_grad else tensor  # type: ignore[attr-defined]


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
        return xp.empty(shape, kind.array_type)
    if value == 0 and not isinstance(value, complex):
        return xp.zeros(shape, kind.array_type)
    array = xp.empty(shape, kind.array_type)
    if kind.array_type.kind in "iu":  # wrapped around
        value = numpy.asarray(value).astype(kind.array_type).item()
    array[...] = value
    return array


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
        given = (
            size
            if all([type(n) is int for n in size])
            else tuple([_dimension(function, n) for n in size])
        )
    for n in given:
        if n < 0:
            raise RuntimeError(f"{function}: Dimension size must be non-negative.")
    return given


def _dimension(function: str, n: Any) -> int:
    if not hasattr(n, "__index__"):
        raise TypeError(
            f"{function}(): argument 'size' (position 1) must be tuple of ints, but found "
            "element of "
            f"type {type(n).__name__}"
        )
    return n.__index__()


def _check_layout(layout: Any) -> None:
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"factory functions make strided tensors only, not {layout}")


# ---- filled tensors


def zeros(
    *size: Any,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given size filled with 0.

    >>> zeros(2, 3).shape
    torch.Size([2, 3])
    """
    if out is None and device is None and layout is None and not (flags.active or flags.devices):
        kind = kind_for(dtype, None)
        if kind.place == CPU:
            try:
                array = numpy.zeros(size if type(size[0]) is int else size[0], kind.array_type)
            except (TypeError, ValueError, IndexError):
                return _new("zeros", size, 0, out, dtype, layout, device, requires_grad)
            result = wrap(array, kind)
            return result.requires_grad_() if requires_grad else result  # type: ignore
    return _new("zeros", size, 0, out, dtype, layout, device, requires_grad)


def ones(
    *size: Any,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given size filled with 1."""
    return _new("ones", size, 1, out, dtype, layout, device, requires_grad)


def empty(
    *size: Any,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the given size whose elements are whatever the memory held."""
    made_ = _new("empty", size, None, out, dtype, layout, device, requires_grad)
    if memory_format is None or memory_format is contiguous_format:
        return made_
    return made_.contiguous(memory_format=memory_format)  # type: ignore[attr-defined]


def _new(
    name: str,
    size: Any,
    value: Any,
    out: Any,
    dtype: Any,
    layout: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    if "names" in size:
        raise NotImplementedError("named tensors are not supported")
    shape = sizes(name, size)
    _check_layout(layout)
    if out is not None:
        if dtype is not None and dtype is not out.dtype:
            raise RuntimeError(
                f"dtype {dtypes.scalar_name(dtype)} does not match dtype of out parameter "
                f"({dtypes.scalar_name(out.dtype)})"
            )
        return deliver(name, wrap(filled(shape, out.kind, value), out.kind), out)
    kind = kind_for(dtype, device)
    return made(filled(shape, kind, value), kind, requires_grad)


def full(
    size: Any,
    fill_value: Number,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    names: Any = None,
) -> Tensor:
    """A tensor of the given size filled with one number, whose type decides the dtype."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value  # type: ignore
    if dtype is None and out is None:
        dtype = _dtype_of_number(value)
    return _new("full", (size,), value, out, dtype, layout, device, requires_grad)


def _dtype_of_number(value: Number) -> DType:
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    return dtypes.default.dtype.to_complex() if isinstance(value, complex) else dtypes.default.dtype


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """An uninitialised tensor with the given strides, in elements."""
    if len(size) != len(stride):
        raise RuntimeError(
            f"mismatch in length of strides and shape. size has {len(size)} dimensions, stride "
            f"{len(stride)}"
        )
    kind = kind_for(dtype, device)
    extent = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride))
    memory = filled((extent,), kind)
    return made(storage.as_strided(memory, tuple(size), tuple(stride), 0), kind, requires_grad)


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """An uninitialised dense tensor whose dimensions lie in memory in the given order."""
    strides, step = [0] * len(size), 1
    if len(size) != len(physical_layout):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for dim in reversed(physical_layout):
        strides[dim], step = step, step * max(size[dim], 1)
    return empty_strided(size, strides, dtype=dtype, device=device, requires_grad=requires_grad)


def scalar_tensor(
    s: Number, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor without dimensions, of the default dtype."""
    return full(
        (), s, dtype=dtype or dtypes.default.dtype, device=device, requires_grad=requires_grad
    )


# ---- like another tensor


def like_array(input: Tensor, kind: Kind, memory_format: Any, value: Any = None) -> Any:
    """A new array of the shape, and unless told otherwise the memory layout, of a tensor."""
    array = input._array
    if memory_format not in (None, preserve_format):
        made_ = filled(tuple(array.shape), kind, value)
        return (
            made_
            if memory_format is contiguous_format
            else _formatted(made_, memory_format, kind, value)
        )
    if array.flags.c_contiguous:
        return filled(tuple(array.shape), kind, value)
    strides = storage.preserved_strides(array)
    extent = 0 if 0 in array.shape else 1 + sum((n - 1) * s for n, s in zip(array.shape, strides))
    return storage.as_strided(filled((extent,), kind, value), array.shape, strides, 0)


def _formatted(array: Any, memory_format: Any, kind: Kind, value: Any) -> Any:
    strides = storage.channels_last_strides(array.shape)
    return storage.as_strided(filled((array.size,), kind, value), array.shape, strides, 0)


def _like(
    input: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool, memory_format: Any
) -> Tensor:
    kind = input.kind
    if dtype is not None or device is not None:
        kind = kind_of(
            dtype or kind.dtype, devices.as_device(device) if device is not None else kind.device
        )
    return made(like_array(input, kind, memory_format, value), kind, requires_grad)


def zeros_like(
    input: Tensor, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of zeros with the shape, dtype, device and memory layout of ``input``."""
    return _like(input, 0, dtype, device, requires_grad, memory_format)


def ones_like(
    input: Tensor, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of ones with the shape, dtype, device and memory layout of ``input``."""
    return _like(input, 1, dtype, device, requires_grad, memory_format)


def empty_like(
    input: Tensor, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor with the shape, dtype, device and memory layout of ``input``."""
    return _like(input, None, dtype, device, requires_grad, memory_format)


def full_like(
    input: Tensor, fill_value: Number, *, dtype: DType | None = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor filled with one number, with the shape, dtype and device of ``input``."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value  # type: ignore
    return _like(input, value, dtype, device, requires_grad, memory_format)


def _new_from(self: Tensor, name: str, size: Any, value: Any, options: dict[str, Any]) -> Tensor:
    dtype, device = options.get("dtype") or self.dtype, options.get("device") or self.device
    kind = kind_of(dtype, devices.as_device(device))
    return made(filled(sizes(name, size), kind, value), kind, options.get("requires_grad", False))


@method("new_zeros")
def _new_zeros(self: Tensor, *size: Any, dtype: DType | None = None, device: Any = None,
               requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Zeros of the given size, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_zeros",
        size,
        0,
        {"dtype": dtype, "device": device, "requires_grad": requires_grad},
    )


@method("new_ones")
def _new_ones(self: Tensor, *size: Any, dtype: DType | None = None, device: Any = None,
              requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Ones of the given size, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_ones",
        size,
        1,
        {"dtype": dtype, "device": device, "requires_grad": requires_grad},
    )


@method("new_empty")
def _new_empty(self: Tensor, *size: Any, dtype: DType | None = None, device: Any = None,
               requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """An uninitialised tensor of the given size, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_empty",
        size,
        None,
        {"dtype": dtype, "device": device, "requires_grad": requires_grad},
    )


@method("new_full")
def _new_full(self: Tensor, size: Any, fill_value: Number, *, dtype: DType | None = None,
              device: Any = None, requires_grad: bool = False, layout: Any = None,
              pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor of the given size filled with one number, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_full",
        (size,),
        fill_value,
        {"dtype": dtype, "device": device, "requires_grad": requires_grad},
    )


@method("new_empty_strided")
def _new_empty_strided(self: Tensor, size: Any, stride: Any, dtype: DType | None = None,
                       device: Any = None, requires_grad: bool = False, layout: Any = None,
                       pin_memory: bool = False) -> Tensor:  # fmt: skip
    """An uninitialised tensor with the given strides, with this tensor's dtype and device."""
    return empty_strided(
        size,
        stride,
        dtype=dtype or self.dtype,
        device=device or self.device,
        requires_grad=requires_grad,
    )


@method("new_tensor")
def _new_tensor(self: Tensor, data: Any, *, dtype: DType | None = None, device: Any = None,
                requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A copy of ``data`` with this tensor's dtype and device."""
    return tensor(
        data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
    )


# ---- sequences


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from ``start`` (inclusive) to ``end`` (exclusive) by ``step``.

    The dtype is int64 when all three are ints, else the default dtype.

    >>> arange(1, 4)
    tensor([1, 2, 3])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (step > 0) != (end >= start) and start != end:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    integral = all(isinstance(v, int) for v in (start, end, step))
    if dtype is None:
        dtype = out.dtype if out is not None else dtypes.int64 if integral else dtypes.default.dtype
    kind = kind_for(dtype, device if out is None else out.device)
    if kind.dtype.rank < 2 and not integral:
        start, end, step, integral = int(start), int(end), int(step), True
        if step == 0:
            raise ValueError("step must be nonzero")
    count = -((start - end) // step) if integral else math.ceil((end - start) / step)
    array = _sequence(kind, max(count, 0), start, step)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("arange", wrap(array, kind), out)
    )


def _sequence(kind: Kind, count: int, start: Any, step: Any) -> Any:
    if kind.place == META:
        return virtual((count,), kind.array_type)
    xp = kind.xp
    wide = xp.int64 if kind.dtype.rank < 2 else xp.float64
    if kind.dtype.rank >= 2 and (isinstance(start, int) and isinstance(step, int)):
        start, step = float(start), float(step)
    steps = xp.arange(count, dtype=wide)
    return (steps if start == 0 and step == 1 else steps * step + start).astype(kind.array_type)


def range(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None,
          dtype: DType | None = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Like ``arange`` with ``end`` included, of the default dtype (deprecated in PyTorch)."""
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (step > 0) != (end >= start) and start != end:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    kind = kind_for(dtype, device)
    array = _sequence(kind, math.floor((end - start) / step) + 1, start, step)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("range", wrap(array, kind), out)
    )


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers at equal distances, ``start`` and ``end`` included."""
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype is None:
        dtype = out.dtype if out is not None else _sequence_dtype(start, end)
    kind = kind_for(dtype, device if out is None else out.device)
    array = _spaced(kind, start, end, steps)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("linspace", wrap(array, kind), out)
    )


def _sequence_dtype(*numbers: Any) -> DType:
    if any(isinstance(v, complex) for v in numbers):
        return dtypes.default.dtype.to_complex()
    return dtypes.default.dtype


def _spaced(kind: Kind, start: Any, end: Any, steps: int) -> Any:
    """From both ends inwards, as PyTorch computes it, so that the halves are symmetric."""
    if kind.place == META:
        return virtual((steps,), kind.array_type)
    xp, to = kind.xp, kind.array_type
    if steps < 2:
        return xp.full((steps,), start).astype(to)
    wide = numpy.dtype(numpy.float32) if kind.narrow else to
    if to.kind in "iu":
        wide, start, end = numpy.dtype(numpy.float64), int(start), int(end)
        step = (end - start) / (steps - 1)
    else:
        step = (end - start) / (steps - 1)
    step = wide.type(step)
    up = xp.arange(steps // 2).astype(wide) if wide.kind != "c" else xp.arange(steps // 2)
    down = xp.arange(steps - 1 - steps // 2, -1, -1).astype(wide)
    halves = (wide.type(start) + step * up, wide.type(end) - step * down)
    return cast(xp.concatenate(halves).astype(wide), kind.dtype)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` to the powers ``linspace(start, end, steps)``."""
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype is None:
        dtype = out.dtype if out is not None else _sequence_dtype(start, end, base)
    kind = kind_for(dtype, device if out is None else out.device)
    wide = kind.of(dtypes.complex128 if kind.dtype.is_complex else dtypes.float64)
    if kind.dtype.rank < 2:
        start, end = int(start), int(end)
    array = _spaced(wide, start, end, steps)
    if kind.place != META:
        array = cast(kind.xp.power(wide.array_type.type(base), array), kind.dtype)
    else:
        array = virtual((steps,), kind.array_type)
    return (
        made(array, kind, requires_grad)
        if out is None
        else deliver("logspace", wrap(array, kind), out)
    )


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere."""
    m = n if m is None else m
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    if m < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {m}")
    if out is not None and dtype is not None and dtype is not out.dtype:
        raise RuntimeError(
            f"dtype {dtypes.scalar_name(dtype)} does not match dtype of out parameter "
            f"({dtypes.scalar_name(out.dtype)})"
        )
    kind = kind_for(dtype, device) if out is None else out.kind
    array = filled((n, m), kind, 0)
    if kind.place != META:
        array.reshape(-1)[: n * m : m + 1][: min(n, m)] = 1
    return (
        made(array, kind, requires_grad) if out is None else deliver("eye", wrap(array, kind), out)
    )


# ---- from data


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor without history that holds a copy of ``data``: numbers, nested sequences, arrays.

    The dtype is inferred: Python floats give the default dtype, ints int64, and so on.

    >>> tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    if isinstance(data, Tensor):
        return _from_tensor(data, dtype, device, requires_grad)
    array, inferred = _as_array(data)
    kind = kind_for(dtype or inferred, device)
    return made(placed(array, kind), kind, requires_grad)


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
            array = array.copy()
    elif kind.place == 0:
        array = array.copy()
    if kind.place == 0:
        return array
    with kind.xp.cuda.Device(kind.device.index):
        return kind.xp.asarray(array)


def _as_array(data: Any) -> tuple[numpy.ndarray, DType]:
    """A host array of the data, and the dtype that PyTorch infers."""
    if isinstance(data, numpy.ndarray | numpy.generic):
        return numpy.asarray(data), _array_dtype(data.dtype)
    if isinstance(data, bool | int | float | complex):
        return _number(data), _dtype_of_number(data)
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
        raise RuntimeError("Overflow when unpacking long long")
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
    return array, _dtype_of_number(1j if kind == "c" else 1.0)


def _slowly_nested(data: Any) -> tuple[numpy.ndarray, DType]:
    """The same element by element: for tensors among the elements, and for the right error."""
    shape, level = [], data
    while _is_sequence(level):
        shape.append(len(level))
        if not len(level):
            break
        level = level[0]
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
        into.append(_element(data, dim))
        return
    if not _is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    for item in data:
        _flatten(item, shape, dim + 1, into)


def _element(value: Any, dim: int) -> Any:
    if isinstance(value, Tensor):
        return value.item()  # type: ignore[attr-defined]
    if isinstance(value, bool | int | float | complex | numpy.generic):
        return value
    if isinstance(value, str | bytes):
        if dim:
            raise ValueError(f"too many dimensions '{type(value).__name__}'")
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
        return _dtype_of_number(_element(data, 1))
    found = None
    for item in data:
        of = _strictest(item)
        found = of if found is None or found is of else promote_types(found, of)
    return found or dtypes.default.dtype


def _array_dtype(of: numpy.dtype) -> DType:
    found = (
        dtypes.FROM_NUMPY.get(of.newbyteorder("=")) if of.kind != "V" or of.names is None else None
    )
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
    """A tensor over the memory of a NumPy array: writes to one are seen by the other."""
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
    """``data`` as a tensor, sharing its memory, and keeping its history, where that is possible."""
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
    """``obj`` as a tensor: shares memory unless ``copy`` is true; ``copy=False`` refuses to copy."""
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
    if result._kind.place != 0:  # type: ignore[union-attr]
        return result is given
    return numpy.shares_memory(result._array, given._array if isinstance(given, Tensor) else given)


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-D tensor over the memory of a Python buffer, such as bytes or an mmap."""
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


# ---- Tensor(...)


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

__all__ = exported(globals())
