"""Trigonometric and hyperbolic functions, and their inverses. Angles are in radians."""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core.dtype import dtype
from flambeau.core.families import binary, unary
from flambeau.core.op import POINTWISE, SAME, Op
from flambeau.core.publish import exported
from flambeau.kernels.shared import pointwise_activation
from flambeau.kernels.shared import pointwise_exponential as kernels
from flambeau.ops.pointwise.rules import conj

# ---- trigonometric

sin = unary("sin", numpy.sin,
    vjp=lambda grad, input: grad * conj(input.cos()),
    doc="""The sine.

    >>> torch.sin(torch.tensor([0., torch.pi / 2]))
    tensor([0., 1.])""")  # fmt: skip

cos = unary("cos", numpy.cos,
    vjp=lambda grad, input: grad * -conj(input.sin()),
    doc="""The cosine.

    >>> torch.cos(torch.tensor([0., torch.pi]))
    tensor([ 1., -1.])""")  # fmt: skip

tan = unary("tan", numpy.tan,
    vjp=lambda grad, result: grad * conj(1 + result * result),
    doc="""The tangent.

    >>> torch.tan(torch.tensor([0., torch.pi / 4]))
    tensor([0., 1.])""")  # fmt: skip

asin = unary("asin", numpy.arcsin,
    vjp=lambda grad, input: grad * conj((1 - input * input).rsqrt()),
    doc="""The inverse sine, between -pi/2 and pi/2.

    >>> torch.asin(torch.tensor([0., 1., 2.]))
    tensor([0.0000, 1.5708,    nan])""",
    methods="asin asin_ arcsin arcsin_")  # fmt: skip

acos = unary("acos", numpy.arccos,
    vjp=lambda grad, input: grad * -conj((1 - input * input).rsqrt()),
    doc="""The inverse cosine, between 0 and pi.

    >>> torch.acos(torch.tensor([1., 0., -1.]))
    tensor([0.0000, 1.5708, 3.1416])""",
    methods="acos acos_ arccos arccos_")  # fmt: skip

atan = unary("atan", numpy.arctan,
    vjp=lambda grad, input: grad / conj(1 + input * input),
    doc="""The inverse tangent, between -pi/2 and pi/2.

    >>> torch.atan(torch.tensor([0., 1.]))
    tensor([0.0000, 0.7854])""",
    methods="atan atan_ arctan arctan_")  # fmt: skip


def _over_square(value: Any, input: Any, other: Any) -> Any:
    """A coordinate over the squared distance from the origin, 0 there."""
    square = input * input + other * other
    return (value / square).masked_fill(square == 0, 0)


atan2 = binary("atan2", numpy.arctan2, promote="float", accepts="f", numbers="none",
    input=lambda grad, input, other: grad * _over_square(other, input, other),
    other=lambda grad, input, other: grad * _over_square(-input, input, other),
    doc="""The angle of the point ``(other, input)``, between -pi and pi.

    >>> torch.atan2(torch.tensor([1., 1.]), torch.tensor([1., -1.]))
    tensor([0.7854, 2.3562])""",
    methods="atan2 atan2_ arctan2 arctan2_")  # fmt: skip


def _sinc_slope(grad: Any, input: Any) -> Any:
    turned = input * math.pi
    slope = (turned * turned.cos() - turned.sin()) / (turned * input)
    return (grad * conj(slope)).masked_fill(input == 0, 0)


sinc = unary("sinc", kernels.sinc, vjp=_sinc_slope,
    doc="""``sin(pi * input) / (pi * input)``, 1 at 0.

    >>> torch.sinc(torch.tensor([0., 0.5]))
    tensor([1.0000, 0.6366])""")  # fmt: skip


def _no_complex(name: str) -> Any:
    def refusal(of: dtype) -> Exception:
        return RuntimeError(f"{name} is not supported for complex tensors.")

    return refusal


deg2rad = unary("deg2rad", kernels.to_radians, accepts="f", refusal=_no_complex("deg2rad"),
    vjp=lambda grad: grad * (math.pi / 180), node="Deg2Rad",
    doc="""Degrees as radians.

    >>> torch.deg2rad(torch.tensor([0., 180.]))
    tensor([0.0000, 3.1416])""")  # fmt: skip

rad2deg = unary("rad2deg", kernels.to_degrees, accepts="f", refusal=_no_complex("rad2deg"),
    vjp=lambda grad: grad * (180 / math.pi), node="Rad2Deg",
    doc="""Radians as degrees.

    >>> torch.rad2deg(torch.tensor([0., torch.pi]))
    tensor([  0., 180.])""")  # fmt: skip

# ---- hyperbolic

sinh = unary("sinh", numpy.sinh,
    vjp=lambda grad, input: grad * conj(input.cosh()),
    doc="""The hyperbolic sine.

    >>> torch.sinh(torch.tensor([0., 1.]))
    tensor([0.0000, 1.1752])""")  # fmt: skip

cosh = unary("cosh", numpy.cosh,
    vjp=lambda grad, input: grad * conj(input.sinh()),
    doc="""The hyperbolic cosine.

    >>> torch.cosh(torch.tensor([0., 1.]))
    tensor([1.0000, 1.5431])""")  # fmt: skip

_tanh_backward = Op("tanh_backward", pointwise_activation.tanh_backward,
    inputs=("grad_output", "output"), shape=SAME, widen=True, batch=POINTWISE,
    jvp=lambda grad_output_t, output_t, grad_output, output: (
        _tanh_backward(grad_output_t, output)
        - grad_output * 2 * conj(output) * conj(output_t)),
    vjp={
        "grad_output": lambda grad, output: _tanh_backward(grad, conj(output)),
        "output": lambda grad, grad_output, output: conj(grad) * grad_output * (-2 * conj(output)),
    })  # fmt: skip

tanh = unary("tanh", numpy.tanh,
    vjp=lambda grad, result: _tanh_backward(grad, result),
    doc="""The hyperbolic tangent.

    >>> torch.tanh(torch.tensor([0., 1.]))
    tensor([0.0000, 0.7616])""")  # fmt: skip

asinh = unary("asinh", numpy.arcsinh,
    vjp=lambda grad, input: grad * conj((input * input + 1).rsqrt()),
    doc="""The inverse hyperbolic sine.

    >>> torch.asinh(torch.tensor([0., 1.]))
    tensor([0.0000, 0.8814])""",
    methods="asinh asinh_ arcsinh arcsinh_")  # fmt: skip


def _acosh_slope(grad: Any, input: Any) -> Any:
    if input.is_complex():
        return grad * conj((input + 1).rsqrt() * (input - 1).rsqrt())
    return grad * (input * input - 1).rsqrt()


acosh = unary("acosh", numpy.arccosh, vjp=_acosh_slope,
    doc="""The inverse hyperbolic cosine; NaN below 1.

    >>> torch.acosh(torch.tensor([1., 2., 0.]))
    tensor([0.0000, 1.3170,    nan])""",
    methods="acosh acosh_ arccosh arccosh_")  # fmt: skip

atanh = unary("atanh", numpy.arctanh,
    vjp=lambda grad, input: grad / conj(1 - input * input),
    doc="""The inverse hyperbolic tangent; NaN outside -1 to 1.

    >>> torch.atanh(torch.tensor([0., 0.5, 1.]))
    tensor([0.0000, 0.5493,    inf])""",
    methods="atanh atanh_ arctanh arctanh_")  # fmt: skip

arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh

__all__ = exported(globals())
