"""Arithmetic of three tensors in one step: ``addcmul``, ``addcdiv`` and ``lerp``."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.families import plain_number, pointwise_shape
from flambeau.core.modes import flags, modes
from flambeau.core.old_order import number_first
from flambeau.core.op import POINTWISE, Op
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import Parameter, Tensor
from flambeau.core.views import bump
from flambeau.core.writing import deliver, overwrite
from flambeau.kernels.select import META, places
from flambeau.kernels.shared import pointwise as kernels
from flambeau.ops.pointwise.arithmetic import Number
from flambeau.ops.pointwise.rules import conj

_addcmul = Op("addcmul", kernels.multiply_add, inputs=("input", "tensor1", "tensor2"),
    params=("value",), promote="same", widen=True, accepts="ifc", refusal="addcmul_cpu_out",
    shape=pointwise_shape(kernels.multiply_add), jvp=POINTWISE, batch=POINTWISE,
    vjp={
        "input": lambda grad: grad,
        "tensor1": lambda grad, tensor2, value: grad * conj(tensor2) * conj(value),
        "tensor2": lambda grad, tensor1, value: grad * conj(tensor1) * conj(value),
    })  # fmt: skip


@method("addcmul")
def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, scaled: Tensor | None = None, *,
    value: Number = 1, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``input + value * tensor1 * tensor2``, broadcast to a common shape.

    The three have shapes that broadcast; NotImplementedError for bools.

    >>> torch.addcmul(torch.tensor([1.]), torch.tensor([2.]), torch.tensor([3.]), value=10)
    tensor([61.])
    """
    if scaled is not None:
        value, tensor1, tensor2 = number_first("addcmul", (tensor1, tensor2, scaled), value)
    _check_tensors("addcmul", tensor1=tensor1, tensor2=tensor2)
    return deliver("addcmul", _addcmul(input, tensor1, tensor2, plain_number(value)), out)


def _check_tensors(name: str, **operands: Any) -> None:
    for position, (argument, value) in enumerate(operands.items(), 2):
        if not isinstance(value, Tensor):
            raise not_a_tensor(name, argument, position, value)


def _no_integer_quotient(tensor1: Tensor, tensor2: Tensor) -> None:
    if tensor1.dtype.rank < 2 and tensor2.dtype.rank < 2:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv"
            " will perform a true division of tensor1 and tensor2. The historic addcdiv behavior "
            "can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype)"
            " for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The "
            "future addcdiv behavior is just the latter implementation: (input + value * tensor1 / "
            "tensor2), for all dtypes."
        )


_addcdiv = Op("addcdiv", kernels.divide_add, inputs=("input", "tensor1", "tensor2"),
    params=("value",), promote="same", widen=True, accepts="fc", refusal="addcdiv_cpu_out",
    shape=pointwise_shape(kernels.divide_add), jvp=POINTWISE, batch=POINTWISE,
    vjp={
        "input": lambda grad: grad,
        "tensor1": lambda grad, tensor2, value: grad * conj(value / tensor2),
        "tensor2": lambda grad, tensor1, tensor2, value: (
            -grad * conj(value * tensor1 / (tensor2 * tensor2))
        ),
    })  # fmt: skip


@method("addcdiv")
def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, scaled: Tensor | None = None, *,
    value: Number = 1, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``input + value * tensor1 / tensor2``, broadcast to a common shape.

    Raises RuntimeError for a quotient of integers.

    The three have shapes that broadcast, and floating or complex numbers.

    >>> torch.addcdiv(torch.tensor([1.]), torch.tensor([6.]), torch.tensor([3.]), value=2)
    tensor([5.])
    """
    if scaled is not None:
        value, tensor1, tensor2 = number_first("addcdiv", (tensor1, tensor2, scaled), value)
    _check_tensors("addcdiv", tensor1=tensor1, tensor2=tensor2)
    _no_integer_quotient(tensor1, tensor2)
    return deliver("addcdiv", _addcdiv(input, tensor1, tensor2, plain_number(value)), out)


_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char",
    "uint8": "unsigned char", "bool": "bool", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip


def _one_dtype(input: Tensor, end: Tensor, weight: Any) -> None:
    for name, value in (("end", end), ("weight", weight)):
        if isinstance(value, Tensor) and value.dtype is not input.dtype:
            raise RuntimeError(
                f"expected dtype {_C_NAMES.get(input.dtype.name)} for `{name}` but got dtype "
                f"{_C_NAMES.get(value.dtype.name)}"
            )
    if input.dtype.rank < 2:
        raise NotImplementedError(
            f"\"lerp_kernel_scalar\" not implemented for '{scalar_name(input.dtype)}'"
        )


_lerp = Op("lerp", kernels.interpolate, inputs=("input", "end", "weight"), promote="same",
    widen=True, accepts="fc", refusal="lerp_kernel_scalar",
    shape=pointwise_shape(kernels.interpolate), jvp=POINTWISE, batch=POINTWISE,
    vjp={
        "input": lambda grad, weight: grad * conj(1 - weight),
        "end": lambda grad, weight: grad * conj(weight),
        "weight": lambda grad, input, end: grad * conj(end - input),
    })  # fmt: skip


@method("lerp")
def lerp(
    input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """``input + weight * (end - input)``; ``weight`` is a tensor or a number.

    The shapes broadcast. RuntimeError for tensors of two dtypes, NotImplementedError for integers.

    >>> torch.lerp(torch.tensor([0., 10.]), torch.tensor([10., 20.]), 0.5)
    tensor([ 5., 15.])
    """
    _check_tensors("lerp", end=end)
    _one_dtype(input, end, weight)
    return deliver("lerp", _lerp(input, end, weight), out)


#
# Optimizers that are not compiled spend their time here: plain tensors of one kind and shape are
# written to at once.


def _directly(kernels: list[Any], input: Tensor, others: tuple[Any, ...], number: Any) -> bool:
    """Whether the tensors were plain, and ``kernel(input, *others, number)`` has been done."""
    kind = input._kind
    if (
        kind is None
        or kind.category < 4  # integers
        or kind.narrow
        or kind.place == META
        or flags.active
        or input._base is not None
        or type(number) not in kind.scalars
    ):
        return False
    array, arrays, history = input._array, [], input._node is not None
    for other in others:
        if type(other) is not Tensor and type(other) is not Parameter:
            return False
        if other._kind is not kind or other._array.shape != array.shape:
            return False
        history = history or other._node is not None
        arrays.append(other._array)
    if (
        (history and modes.grad)
        or not array.ndim
        or (array.base is not None and 0 in array.strides)
    ):
        return False
    kernels[kind.place](array, *arrays, number)
    bump(input)
    return True


_multiplied, _divided = places(kernels.multiply_add_into), places(kernels.divide_add_into)
_interpolated = places(kernels.interpolate_into)


@method("addcmul_")
def _addcmul_in_place(
    self: Tensor, tensor1: Tensor, tensor2: Tensor, scaled: Tensor | None = None, *,
    value: Number = 1,
) -> Tensor:  # fmt: skip
    """``self += value * tensor1 * tensor2``."""
    if scaled is not None:
        value, tensor1, tensor2 = number_first("addcmul_", (tensor1, tensor2, scaled), value)
    if not _directly(_multiplied, self, (tensor1, tensor2), value):
        overwrite(self, addcmul, tensor1, tensor2, value=value)
    return self


@method("addcdiv_")
def _addcdiv_in_place(
    self: Tensor, tensor1: Tensor, tensor2: Tensor, scaled: Tensor | None = None, *,
    value: Number = 1,
) -> Tensor:  # fmt: skip
    """``self += value * tensor1 / tensor2``."""
    if scaled is not None:
        value, tensor1, tensor2 = number_first("addcdiv_", (tensor1, tensor2, scaled), value)
    if not _directly(_divided, self, (tensor1, tensor2), value):
        overwrite(self, addcdiv, tensor1, tensor2, value=value)
    return self


@method("lerp_")
def _lerp_in_place(self: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """``self += weight * (end - self)``."""
    if not _directly(_interpolated, self, (end,), weight):
        overwrite(self, lerp, end, weight)
    return self


__all__ = exported(globals())
