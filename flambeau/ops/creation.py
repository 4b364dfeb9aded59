"""Tensors filled with one value, or like another tensor."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core import device as devices
from flambeau.core import dtype as dtypes
from flambeau.core import storage
from flambeau.core.dtype import dtype as DType
from flambeau.core.kind import kind_of
from flambeau.core.layout import contiguous_format
from flambeau.core.modes import flags, modes
from flambeau.core.publish import exported, method
from flambeau.core.sparse import layout_of
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.select import CPU
from flambeau.ops.factories import (
    Number,
    array_of,
    dtype_of_number,
    filled,
    kind_for,
    like_array,
    made,
    size_arguments,
)
from flambeau.ops.factories import sizes as shape_of


def zeros(
    *sizes: Any,
    size: Any = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given size filled with 0.

    RuntimeError for a negative size.

    >>> zeros(2, 3).shape
    torch.Size([2, 3])
    """
    plain = out is None and size is None and device is None and layout is None
    if plain and not (flags.active or flags.devices):
        kind = kind_for(dtype, None)
        if kind.place == CPU:
            try:
                (given,) = (sizes,) if type(sizes[0]) is int else sizes
                array = numpy.zeros(given, kind.array_type)
            except (TypeError, ValueError, IndexError):
                return _new("zeros", sizes, 0, out, dtype, layout, device, requires_grad)
            result = wrap(array, kind)
            return result.requires_grad_() if requires_grad else result  # type: ignore
    given = size_arguments("zeros", sizes, size)
    return _new("zeros", given, 0, out, dtype, layout, device, requires_grad)


def ones(
    *sizes: Any,
    size: Any = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given size filled with 1.

    The size is given as integers or as one sequence; RuntimeError for a negative one.

    >>> torch.ones(2, 3)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    given = size_arguments("ones", sizes, size)
    return _new("ones", given, 1, out, dtype, layout, device, requires_grad)


def empty(
    *sizes: Any,
    size: Any = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the given size whose elements are whatever the memory held.

    RuntimeError for a negative size.

    >>> torch.empty(2, 3).shape
    torch.Size([2, 3])
    """
    given = size_arguments("empty", sizes, size)
    made_ = _new("empty", given, None, out, dtype, layout, device, requires_grad)
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
    shape = shape_of(name, size)
    if out is not None:
        if dtype is not None and dtype is not out.dtype:
            raise RuntimeError(
                f"dtype {dtypes.scalar_name(dtype)} does not match dtype of out parameter "
                f"({dtypes.scalar_name(out.dtype)})"
            )
        return deliver(name, wrap(filled(shape, out.kind, value), out.kind), out)
    kind = kind_for(dtype, device)
    return made(array_of(shape, kind, value, layout), kind, requires_grad)


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
    """A tensor of the given size filled with one number, whose type decides the dtype.

    ``size`` is a sequence of integers. bool, int, float and complex give bool, int64 and the
    default floating and complex dtypes; RuntimeError for a negative size.

    >>> torch.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value  # type: ignore
    if dtype is None and out is None:
        dtype = dtype_of_number(value)
    return _new("full", (size,), value, out, dtype, layout, device, requires_grad)


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
    """An uninitialised tensor with the given strides, in elements.

    RuntimeError where the lengths differ.

    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
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
    """An uninitialised dense tensor whose dimensions lie in memory in the given order.

    ``physical_layout`` lists the dimensions, the slowest first; RuntimeError unless it is a
    permutation.

    >>> torch.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)
    """
    strides, step = [0] * len(size), 1
    if len(size) != len(physical_layout):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for index, dim in enumerate(physical_layout):
        if not 0 <= dim < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got "
                f"{dim} at index {index}).  NB: negative dims not currently supported; file an "
                "issue if you want it."
            )
    if len(set(physical_layout)) != len(size):
        raise RuntimeError("Duplicate dim not allowed")
    for dim in reversed(physical_layout):
        strides[dim], step = step, step * max(size[dim], 1)
    return empty_strided(size, strides, dtype=dtype, device=device, requires_grad=requires_grad)


def scalar_tensor(
    s: Number, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor without dimensions, of the default dtype.

    >>> torch.scalar_tensor(2)
    tensor(2.)
    """
    return full(
        (), s, dtype=dtype or dtypes.default.dtype, device=device, requires_grad=requires_grad
    )


def _like(
    input: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool, memory_format: Any
) -> Tensor:
    if input._kind is None and input.alike is not None:
        return input.alike(
            lambda t, size: _like(t, value, dtype, device, requires_grad, memory_format)
        )
    if flags.active and modes.factories is not None:
        modes.factories.starts()
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
    """A tensor of zeros with the shape, dtype, device and memory layout of ``input``.

    >>> torch.zeros_like(torch.ones(2, 2))
    tensor([[0., 0.],
            [0., 0.]])
    """
    return _like(input, 0, dtype, device, requires_grad, memory_format)


def ones_like(
    input: Tensor, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of ones with the shape, dtype, device and memory layout of ``input``.

    >>> torch.ones_like(torch.zeros(2), dtype=torch.int32)
    tensor([1, 1], dtype=torch.int32)
    """
    return _like(input, 1, dtype, device, requires_grad, memory_format)


def empty_like(
    input: Tensor, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor with the shape, dtype, device and memory layout of ``input``.

    >>> torch.empty_like(torch.ones(2, 3), dtype=torch.int64).shape
    torch.Size([2, 3])
    """
    return _like(input, None, dtype, device, requires_grad, memory_format)


def full_like(
    input: Tensor, fill_value: Number, *, dtype: DType | None = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor filled with one number, with the shape, dtype and device of ``input``.

    RuntimeError where the number does not fit the dtype.

    >>> torch.full_like(torch.ones(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value  # type: ignore
    return _like(input, value, dtype, device, requires_grad, memory_format)


def _new_from(self: Tensor, name: str, size: Any, value: Any, options: dict[str, Any]) -> Tensor:
    if self._kind is None and self.alike is not None:
        return self.alike(lambda t, size: _new_from(t, name, size, value, options), size)
    if flags.active and modes.factories is not None:
        modes.factories.starts()
    dtype, device = options.get("dtype") or self.dtype, options.get("device") or self.device
    kind = kind_of(dtype, devices.as_device(device))
    layout = options.get("layout") or layout_of(self)
    array = array_of(shape_of(name, size), kind, value, layout)
    return made(array, kind, options.get("requires_grad", False))


@method("new_zeros")
def _new_zeros(
    self: Tensor,
    *sizes: Any,
    size: Any = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros of the given size, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_zeros",
        size_arguments("new_zeros", sizes, size),
        0,
        {"dtype": dtype, "device": device, "requires_grad": requires_grad},
    )


@method("new_ones")
def _new_ones(
    self: Tensor,
    *sizes: Any,
    size: Any = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones of the given size, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_ones",
        size_arguments("new_ones", sizes, size),
        1,
        {"dtype": dtype, "device": device, "requires_grad": requires_grad},
    )


@method("new_empty")
def _new_empty(
    self: Tensor,
    *sizes: Any,
    size: Any = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """An uninitialised tensor of the given size, with this tensor's dtype and device."""
    return _new_from(
        self,
        "new_empty",
        size_arguments("new_empty", sizes, size),
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


__all__ = exported(globals())
