"""Signs and magnitudes."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import dtype
from flambeau.core.families import binary, unary
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import pointwise as kernels
from flambeau.ops.pointwise.rules import bool_out, no_derivative, zeros

abs = unary("abs", numpy.abs, promote="same", accepts="ifc", changes="c",
    vjp=lambda grad, input: grad * input.sgn(),
    doc="""The absolute value; of complex numbers, the length.

    >>> torch.abs(torch.tensor([-1, 2]))
    tensor([1, 2])
    >>> torch.abs(torch.tensor([3 + 4j]))
    tensor([5.])""",
    methods="abs abs_ __abs__ absolute absolute_")  # fmt: skip
absolute = abs


def _no_complex_sign(of: dtype) -> Exception:
    return NotImplementedError(
        "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn "
        "instead."
    )


sign = unary("sign", kernels.sign, promote="same", accepts="bif", refusal=_no_complex_sign,
    vjp=zeros,
    doc="""-1, 0 or 1 for negative numbers, zeros (and NaN), and positive numbers.

    >>> torch.sign(torch.tensor([-2., 0., 3.]))
    tensor([-1.,  0.,  1.])""")  # fmt: skip


def _direction(grad: Any, input: Any, result: Any) -> Any:
    if not input.is_complex():
        return zeros(grad)
    length = input.abs()
    slope = (grad / length - (grad / input).real * result).where(length != 0, 0)
    return slope


sgn = unary("sgn", kernels.unit, promote="same",
    vjp=_direction, jvp=lambda input_t, input, result: _direction(input_t, input, result),
    doc="""The sign; of complex numbers, ``input / abs(input)``, and 0 at 0.

    >>> torch.sgn(torch.tensor([3 + 4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])""")  # fmt: skip

_signbit = unary("signbit", kernels.sign_bit, promote="same", accepts="bif", changes="bif",
    refusal=lambda of: NotImplementedError("signbit is not implemented for complex tensors."),
    methods="")  # fmt: skip


@method("signbit")
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether numbers are negative; -0.0 is. ``out`` has to be bool.

    Real, of any shape; RuntimeError for complex numbers.

    >>> torch.signbit(torch.tensor([-0., 0., -1.]))
    tensor([ True, False,  True])
    """
    return _signbit(input, out=bool_out("signbit", out))


copysign = binary("copysign", numpy.copysign, promote="float", accepts="f",
    input=lambda grad, input, result: grad * (result / input).where(input != 0, 0),
    other=zeros,
    doc="""The absolute values of ``input`` with the signs of ``other``.

    >>> torch.copysign(torch.tensor([1., -2.]), torch.tensor([-3., 3.]))
    tensor([-1.,  2.])""")  # fmt: skip


def _same_dtype(input: Any, values: Any) -> None:
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


_heaviside = binary("heaviside", kernels.step, numbers="none", second="values",
    check=_same_dtype, accepts="bif",
    refusal=lambda of: RuntimeError("heaviside is not yet implemented for complex tensors."),
    input=no_derivative("heaviside"), other=no_derivative("heaviside"),
    methods="heaviside_")  # fmt: skip


@method("heaviside")
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 where ``input`` is negative, 1 where positive, ``values`` where 0; all of one dtype.

    The shapes broadcast; RuntimeError for tensors of two dtypes, or complex ones.

    >>> torch.heaviside(torch.tensor([-1., 0., 2.]), torch.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return _heaviside(input, values, out=out)


hypot = binary("hypot", numpy.hypot, accepts="f", numbers="none",
    input=lambda grad, input, result: grad * (input / result),
    other=lambda grad, other, result: grad * (other / result),
    doc="""``sqrt(input ** 2 + other ** 2)`` without overflow.

    >>> torch.hypot(torch.tensor([3.]), torch.tensor([4.]))
    tensor([5.])""")  # fmt: skip

__all__ = exported(globals())
