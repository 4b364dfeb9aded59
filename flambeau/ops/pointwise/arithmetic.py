"""Arithmetic of tensors and numbers: sums, products, quotients, powers."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import complex128, dtype, float64, scalar_name
from flambeau.core.families import binary, scaled_binary, unary
from flambeau.core.promotion import result_dtype
from flambeau.core.publish import exported, method, not_a_tensor, operator
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver, overwrite
from flambeau.kernels.shared import pointwise as kernels
from flambeau.ops.pointwise.rules import conj, no_derivative, zeros

Number = complex  #: a Python number


# ---- sums and differences

add = scaled_binary("add", numpy.add, kernels.add_scaled,
    input=lambda grad: grad,
    other=lambda grad, alpha: grad if alpha == 1 else grad * conj(alpha),
    doc="""``input + alpha * other``, broadcast to a common shape.

    >>> torch.add(torch.tensor([1., 2.]), torch.tensor([[10.], [20.]]), alpha=2)
    tensor([[21., 22.],
            [41., 42.]])""",
    methods="add add_ __add__ __radd__ __iadd__")  # fmt: skip


def _is_bool(operand: Any) -> bool:
    if isinstance(operand, Tensor):
        return operand.dtype.rank == 0
    return isinstance(operand, bool)


def _no_bools(input: Any, other: Any) -> None:
    """Whether a difference of bools is 1, -1 or true is nobody's guess."""
    if not (_is_bool(input) or _is_bool(other)):
        return
    both = _is_bool(input) and _is_bool(other)
    raise RuntimeError(
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
        "`logical_xor()` operator instead."
        if both
        else "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
        "trying to invert a mask, use the `~` or `logical_not()` operator instead."
    )


sub = scaled_binary("sub", numpy.subtract, kernels.subtract_scaled, check=_no_bools, accepts="ifc",
    input=lambda grad: grad,
    other=lambda grad, alpha: -grad if alpha == 1 else grad * -conj(alpha),
    doc="""``input - alpha * other``, broadcast to a common shape; RuntimeError for bools.

    >>> torch.sub(torch.tensor([5, 7]), 2)
    tensor([3, 5])""",
    methods="sub sub_ __sub__ __isub__ subtract subtract_")  # fmt: skip
subtract = sub

_rsub = scaled_binary("rsub", kernels.subtract_reversed, kernels.subtract_reversed,
    check=_no_bools, accepts="ifc", node="RsubBackward1",
    input=lambda grad, alpha: -grad if alpha == 1 else grad * -conj(alpha),
    other=lambda grad: grad,
    doc="``other - alpha * input``, broadcast to a common shape; RuntimeError for bools.",
    methods="__rsub__")  # fmt: skip


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``, broadcast to a common shape.

    ``other`` is a tensor or a number; RuntimeError for bools.

    >>> torch.rsub(torch.tensor([1, 2]), 10)
    tensor([9, 8])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("rsub", "input", 1, input)
    return _rsub(input, other, alpha=alpha)


def _no_negated_bool(of: dtype) -> Exception:
    return RuntimeError(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead."
    )


neg = unary("neg", numpy.negative, promote="same", accepts="ifc", refusal=_no_negated_bool,
    vjp=lambda grad: -grad,
    doc="""``-input``.

    >>> torch.neg(torch.tensor([1., -2.]))
    tensor([-1.,  2.])""",
    methods="neg neg_ __neg__ negative negative_")  # fmt: skip
negative = neg


@method("positive __pos__")
def positive(input: Tensor) -> Tensor:
    """``input`` itself; RuntimeError for bools.

    Of any shape.

    >>> torch.positive(torch.tensor([1, -2]))
    tensor([ 1, -2])
    """
    if input.dtype.rank == 0:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# ---- products

mul = binary("mul", numpy.multiply, numbers="both",
    input=lambda grad, other: grad * conj(other),
    other=lambda grad, input: grad * conj(input),
    doc="""``input * other``, broadcast to a common shape.

    >>> torch.mul(torch.tensor([[1.], [2.]]), torch.tensor([3., 4.]))
    tensor([[3., 4.],
            [6., 8.]])""",
    methods="mul mul_ __mul__ __rmul__ __imul__ multiply multiply_")  # fmt: skip
multiply = mul


# ---- quotients

true_divide = binary("div", numpy.true_divide, promote="float", numbers="both",
    input=lambda grad, other: grad / conj(other),
    other=lambda grad, input, other: -grad * conj((input / other) / other),
    doc="""``input / other``, broadcast to a common shape; integers give floating results.

    >>> torch.true_divide(torch.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])""",
    methods="true_divide true_divide_ __truediv__ __itruediv__ __div__ __idiv__")  # fmt: skip

floor_divide = binary("floor_divide", kernels.floor_divide, accepts="if", numbers="both",
    refusal="div_floor_cpu",
    input=no_derivative("floor_divide"), other=no_derivative("floor_divide"),
    doc="""``input / other`` rounded down, broadcast to a common shape.

    Raises RuntimeError where an integer is divided by 0.

    >>> torch.floor_divide(torch.tensor([7, -7]), 2)
    tensor([ 3, -4])""",
    methods="floor_divide floor_divide_ __floordiv__ __ifloordiv__")  # fmt: skip

_div_floor = binary("div_floor", kernels.floor_divide, accepts="if", numbers="both",
    node="DivBackward2", input=zeros, other=zeros, methods="")  # fmt: skip
_div_trunc = binary("div_trunc", kernels.truncate_divide, accepts="if", numbers="both",
    node="DivBackward2", input=zeros, other=zeros, methods="")  # fmt: skip
_QUOTIENTS = {None: true_divide, "floor": _div_floor, "trunc": _div_trunc}


@method("div div_ divide divide_")
def div(
    input: Tensor,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``input / other``, broadcast to a common shape; integers give floating results.

    ``rounding_mode="floor"`` rounds down and ``"trunc"`` towards zero: then integers stay integers,
    and RuntimeError is raised where one is divided by 0.

    >>> torch.div(torch.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    quotient = _QUOTIENTS.get(rounding_mode)
    if quotient is None:
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'"
        )
    return quotient(input, other, out=out)


divide = div


@operator("__rtruediv__ __rdiv__")
def _divided_from(self: Tensor, other: Number) -> Tensor:
    return self.reciprocal() * other  # type: ignore[attr-defined]


@operator("__rfloordiv__")
def _floor_divided_from(self: Tensor, other: Number) -> Tensor:
    return floor_divide(other, self)


reciprocal = unary("reciprocal", kernels.reciprocal,
    vjp=lambda grad, result: -grad * conj(result * result),
    doc="""``1 / input``.

    >>> torch.reciprocal(torch.tensor([1, 4]))
    tensor([1.0000, 0.2500])""")  # fmt: skip

remainder = binary("remainder", kernels.remainder, accepts="if", numbers="either",
    input=lambda grad: grad,
    other=lambda grad, input, other: -grad * div(input, other, rounding_mode="floor"),
    doc="""What floor division of ``input`` by ``other`` leaves; it has the sign of ``other``.

    Raises RuntimeError where an integer is divided by 0.

    >>> torch.remainder(torch.tensor([-3., 3.]), 2)
    tensor([1., 1.])""",
    methods="remainder remainder_ __mod__ __imod__")  # fmt: skip


@operator("__rmod__")
def _remainder_from(self: Tensor, other: Number) -> Tensor:
    return remainder(other, self)


fmod = binary("fmod", kernels.fmod, accepts="if",
    input=lambda grad: grad,
    other=lambda grad, input, other: -grad * div(input, other, rounding_mode="trunc"),
    doc="""What truncating division of ``input`` by ``other`` leaves; it has the sign of ``input``.

    Raises RuntimeError where an integer is divided by 0.

    >>> torch.fmod(torch.tensor([-3., 3.]), 2)
    tensor([-1.,  1.])""")  # fmt: skip


# ---- powers and roots


def _no_integer_reciprocal(input: Any, exponent: Any) -> None:
    integral = isinstance(input, Tensor) and input.dtype.rank < 2
    if integral and isinstance(exponent, int) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def _power_of_base(grad: Any, input: Any, exponent: Any) -> Any:
    if isinstance(exponent, Tensor):
        slope = grad * conj(exponent * input ** (exponent - 1))
        return slope.where(exponent != 0, 0)
    return grad * conj(exponent * input ** (exponent - 1)) if exponent else zeros(grad)


def _power_of_exponent(grad: Any, input: Any, exponent: Any, result: Any) -> Any:
    base = input if isinstance(input, Tensor) else exponent.new_full((), input)
    flat = (base == 0) & ((exponent.real if exponent.is_complex() else exponent) >= 0)
    return grad * conj(result * base.log()).where(~flat, 0)


_pow = binary("pow", kernels.power, accepts="ifc", refusal="pow", numbers="either",
    second="exponent", check=_no_integer_reciprocal,
    input=_power_of_base,
    other=_power_of_exponent,
    doc="""``input`` to the power of ``exponent``, broadcast to a common shape.

    NotImplementedError for bools, RuntimeError for integers to a power that is a negative number.

    >>> torch.pow(torch.tensor([1., 2., 3.]), 2)
    tensor([1., 4., 9.])
    >>> torch.pow(2, torch.tensor([1, 2, 3]))
    tensor([2, 4, 8])""",
    methods="pow pow_ __pow__ __ipow__")  # fmt: skip
pow = _pow


@operator("__rpow__")
def _power_of_number(self: Tensor, other: Number) -> Tensor:
    return _pow(other, self)


@method("float_power")
def float_power(
    input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """``input`` to the power of ``exponent``, computed in float64, or in complex128.

    The shapes broadcast; either may be a number. RuntimeError where the shapes do not broadcast.

    >>> torch.float_power(torch.tensor([1, 2]), 0.5)
    tensor([1.0000, 1.4142], dtype=torch.float64)
    """
    of = _wide_dtype(input, exponent)
    operands = [x.to(of) if isinstance(x, Tensor) else x for x in (input, exponent)]  # type: ignore
    return deliver("float_power", _pow(*operands), out)


def _wide_dtype(*operands: Any) -> dtype:
    return complex128 if any([result_dtype(x).is_complex for x in operands]) else float64


@method("float_power_")
def _float_power_in_place(self: Tensor, exponent: Tensor | Number) -> Tensor:
    of = _wide_dtype(self, exponent)
    if self.dtype is not of:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {scalar_name(self.dtype)} but the "
            f"operation's result requires dtype {scalar_name(of)}"
        )
    return overwrite(self, float_power, exponent)


@method("square square_")
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * input``.

    Of any shape and dtype; bools give integers.

    >>> torch.square(torch.tensor([1., -3.]))
    tensor([1., 9.])
    """
    return _pow(input, 2, out=out)


sqrt = unary("sqrt", numpy.sqrt,
    vjp=lambda grad, result: grad / (2 * conj(result)),
    doc="""The square root; NaN for negative numbers.

    >>> torch.sqrt(torch.tensor([4., 2., -1.]))
    tensor([2.0000, 1.4142,    nan])""")  # fmt: skip

rsqrt = unary("rsqrt", kernels.reciprocal_root,
    vjp=lambda grad, result: -0.5 * grad * conj(result**3),
    doc="""The reciprocal of the square root.

    >>> torch.rsqrt(torch.tensor([4., 0.]))
    tensor([0.5000,    inf])""")  # fmt: skip

__all__ = exported(globals())
