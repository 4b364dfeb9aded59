"""Rounding, and the parts of floating numbers."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import dtype, scalar_name
from flambeau.core.families import binary, pointwise_shape, unary
from flambeau.core.op import POINTWISE, Op
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import pointwise_exponential as kernels
from flambeau.kernels.shared.pointwise import next_after
from flambeau.ops.pointwise.rules import zeros


def _refusal(name: str) -> Any:
    def refused(of: dtype) -> Exception:
        if of.is_complex:
            return NotImplementedError(f"{name} is not supported for complex inputs")
        return NotImplementedError(f"\"{name}_vml_cpu\" not implemented for '{scalar_name(of)}'")

    return refused


floor = unary("floor", numpy.floor, promote="same", accepts="if", refusal=_refusal("floor"),
    vjp=zeros, doc="""The largest integer that is not larger.

    >>> torch.floor(torch.tensor([1.5, -1.5]))
    tensor([ 1., -2.])""")  # fmt: skip

ceil = unary("ceil", numpy.ceil, promote="same", accepts="if", refusal=_refusal("ceil"),
    vjp=zeros, doc="""The smallest integer that is not smaller.

    >>> torch.ceil(torch.tensor([1.5, -1.5]))
    tensor([ 2., -1.])""")  # fmt: skip

trunc = unary("trunc", numpy.trunc, promote="same", accepts="if", refusal=_refusal("trunc"),
    vjp=zeros, doc="""The integer part, rounded towards zero.

    >>> torch.trunc(torch.tensor([1.5, -1.5]))
    tensor([ 1., -1.])""",
    methods="trunc trunc_ fix fix_")  # fmt: skip
fix = trunc

_round = Op("round", kernels.round_to, params=("decimals",), accepts="if", refusal="round_vml_cpu",
    promote="same", widen=True, shape=pointwise_shape(kernels.round_to), jvp=POINTWISE,
    batch=POINTWISE, vjp={"input": zeros})  # fmt: skip


@method("round round_")
def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest integers, or numbers with ``decimals`` decimals; of two, the even one.

    Real, of any shape; RuntimeError for ``decimals`` of integers.

    >>> torch.round(torch.tensor([0.5, 1.5, 2.345]))
    tensor([0., 2., 2.])
    >>> torch.round(torch.tensor([2.345]), decimals=2)
    tensor([2.3400])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("round", "input", 1, input)
    if decimals and input.dtype.rank == 1:
        raise NotImplementedError(f"\"round_cpu\" not implemented for '{scalar_name(input.dtype)}'")
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            f"Found dtype {scalar_name(out.dtype)} but expected {scalar_name(input.dtype)}"
        )
    return deliver("round", _round(input, decimals), out)


frac = unary("frac", kernels.fraction, promote="same", accepts="f",
    vjp=lambda grad: grad,
    doc="""What truncation leaves: ``input - trunc(input)``.

    >>> torch.frac(torch.tensor([1.5, -1.25]))
    tensor([ 0.5000, -0.2500])""")  # fmt: skip

# ---- the parts of floating numbers

_Parts = return_type("frexp", "mantissa exponent")
_frexp = Op("frexp", kernels.split_exponent, widen=True, outputs=2, differentiable=(0,),
    jvp=lambda input_t, result1: input_t / result1.exp2(), batch=POINTWISE,
    vjp={"input": lambda grad, result1: grad / result1.exp2()})  # fmt: skip


@method("frexp")
def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> Any:
    """``(mantissa, exponent)`` with ``input = mantissa * 2 ** exponent``, 0.5 <= mantissa < 1.

    Exponents are int32. Raises RuntimeError for integers and complex numbers.

    >>> torch.frexp(torch.tensor([8., 0.75]))
    torch.return_types.frexp(
    mantissa=tensor([0.5000, 0.7500]),
    exponent=tensor([4, 0], dtype=torch.int32))
    """
    if not input.is_floating_point():  # type: ignore[attr-defined]
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return _Parts(deliver("frexp", _frexp(input), out))


@method("ldexp ldexp_")
def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * 2 ** other``.

    Integers give floating numbers. RuntimeError for shapes that do not broadcast.

    >>> torch.ldexp(torch.tensor([1., 3.]), torch.tensor([2]))
    tensor([ 4., 12.])
    """
    for position, (name, value) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(value, Tensor):
            raise not_a_tensor("ldexp", name, position, value)
    return deliver("ldexp", input * 2.0**other, out)


nextafter = binary("nextafter", next_after, accepts="f", numbers="none", widen=False,
    input=lambda grad, input, other: grad.masked_fill(input == other, 0),
    doc="""The next floating numbers after ``input`` in the direction of ``other``.

    >>> torch.nextafter(torch.tensor([1.]), torch.tensor([2.])) > 1
    tensor([True])""")  # fmt: skip

__all__ = exported(globals())
