"""Special functions that are functions of the package: error, gamma and logistic functions."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import default
from flambeau.core.families import binary, pointwise_shape, unary
from flambeau.core.op import POINTWISE, Op
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import pointwise_special as kernels
from flambeau.ops.pointwise.rules import no_derivative

# ---- the error function

_SLOPE = 2 / math.sqrt(math.pi)

erf = unary("erf", kernels.erf, accepts="f", refusal="erf_vml_cpu",
    vjp=lambda grad, input: _SLOPE * (-(input * input)).exp() * grad,
    doc="""The error function.

    >>> torch.erf(torch.tensor([0., 1.]))
    tensor([0.0000, 0.8427])""")  # fmt: skip

erfc = unary("erfc", kernels.erfc, accepts="f", refusal="erfc_vml_cpu",
    vjp=lambda grad, input: -_SLOPE * (-(input * input)).exp() * grad,
    doc="""``1 - erf(input)``, accurate for large numbers.

    >>> torch.erfc(torch.tensor([0., 1.]))
    tensor([1.0000, 0.1573])""")  # fmt: skip

erfinv = unary("erfinv", kernels.erfinv, accepts="f", refusal="erfinv_vml_cpu",
    vjp=lambda grad, input: (1 / _SLOPE) * (input.erfinv() ** 2).exp() * grad,
    doc="""The inverse of the error function; infinite at -1 and 1.

    >>> torch.erfinv(torch.tensor([0., 0.5]))
    tensor([0.0000, 0.4769])""")  # fmt: skip

# ---- gamma functions

lgamma = unary("lgamma", kernels.lgamma, accepts="f", refusal="lgamma_vml_cpu",
    vjp=lambda grad, input: grad * input.digamma(),
    doc="""The logarithm of the absolute value of the gamma function.

    >>> torch.lgamma(torch.tensor([1., 5.]))
    tensor([0.0000, 3.1781])""")  # fmt: skip

digamma = unary("digamma", kernels.digamma, accepts="f", refusal="digamma_cpu",
    vjp=lambda grad, input: grad * input.polygamma(1),
    doc="""The derivative of the logarithm of the gamma function.

    >>> torch.digamma(torch.tensor([1., 0.5]))
    tensor([-0.5772, -1.9635])""")  # fmt: skip

_polygamma = Op("polygamma", kernels.polygamma, params=("n",), promote="float", widen=True,
    accepts="f", refusal="polygamma_cpu", jvp=POINTWISE, batch=POINTWISE,
    shape=pointwise_shape(kernels.polygamma),
    vjp={"input": lambda grad, input, n: grad * input.polygamma(n + 1)})  # fmt: skip


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of ``digamma``; RuntimeError for a negative ``n``.

    ``n`` is an integer, ``input`` real, of any shape.

    >>> torch.polygamma(1, torch.tensor([1.]))
    tensor([1.6449])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("polygamma", "input", 2, input)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return deliver("polygamma", _polygamma(input, n), out)


@method("polygamma polygamma_")
def _polygamma_method(self: Tensor, n: int) -> Tensor:
    """The n-th derivative of ``digamma``."""
    return polygamma(n, self)


@method("mvlgamma mvlgamma_")
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    Raises RuntimeError for ``p`` below 1.

    >>> torch.mvlgamma(torch.tensor([3.]), 2)
    tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    steps = input.new_tensor([-0.5 * i for i in range(p)], dtype=_floating(input))  # type: ignore
    terms = (input.unsqueeze(-1) + steps).lgamma()  # type: ignore[attr-defined]
    result = terms.sum(-1) + p * (p - 1) / 4 * math.log(math.pi)
    return deliver("mvlgamma", result, out)


def _floating(input: Tensor) -> Any:
    return input.dtype if input.is_floating_point() else default.dtype  # type: ignore


def _gamma_density(grad: Any, input: Any, other: Any) -> Any:
    return grad * ((input - 1) * other.log() - other - input.lgamma()).exp()


igamma = binary("igamma", kernels.gammainc, accepts="f", numbers="none",
    input=no_derivative("igamma"), other=_gamma_density,
    doc="""The regularized lower incomplete gamma function of order ``input`` at ``other``.

    >>> torch.igamma(torch.tensor([2.]), torch.tensor([1.]))
    tensor([0.2642])""",
    methods="igamma igamma_")  # fmt: skip

igammac = binary("igammac", kernels.gammaincc, accepts="f", numbers="none",
    input=no_derivative("igammac"),
    other=lambda grad, input, other: -_gamma_density(grad, input, other),
    doc="""The regularized upper incomplete gamma function of order ``input`` at ``other``.

    >>> torch.igammac(torch.tensor([2.]), torch.tensor([1.]))
    tensor([0.7358])""",
    methods="igammac igammac_")  # fmt: skip


# ---- Bessel functions

i0 = unary("i0", kernels.i0, accepts="f", refusal="i0_vml_cpu",
    vjp=lambda grad, input: grad * _i1(input),
    doc="""The modified Bessel function of the first kind, of order 0.

    >>> torch.i0(torch.tensor([0., 1.]))
    tensor([1.0000, 1.2661])""")  # fmt: skip


def _i1_slope(grad: Any, input: Any, result: Any) -> Any:
    slope = i0(input) - result / input.masked_fill(input == 0, 1)
    return grad * slope.masked_fill(~(input.abs() > 0), 0.5)


_i1 = unary("special_i1", kernels.i1, accepts="f", refusal="i1_cpu", vjp=_i1_slope,
    doc="""The modified Bessel function of the first kind, of order 1.

    >>> torch.special.i1(torch.tensor([0., 1.]))
    tensor([0.0000, 0.5652])""",
    methods="")  # fmt: skip

# ---- the logistic function's inverse


def _logit_slope(grad: Any, input: Any, eps: float | None) -> Any:
    slope = grad / (input * (1 - input))
    if eps is None:
        return slope.masked_fill((input < 0) | (input > 1), math.nan)
    return slope.masked_fill((input < eps) | (input > 1 - eps), 0)


_logit = Op("logit", kernels.logit, params=("eps",), promote="float", widen=True, accepts="f",
    jvp=POINTWISE, batch=POINTWISE, shape=pointwise_shape(kernels.logit),
    vjp={"input": _logit_slope})  # fmt: skip


@method("logit logit_")
def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """``log(input / (1 - input))``, with ``input`` brought between ``eps`` and ``1 - eps``.

    Without ``eps``, NaN outside 0 to 1. Real, of any shape; NotImplementedError for complex
    numbers.

    >>> torch.logit(torch.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    return deliver("logit", _logit(input, eps), out)


__all__ = exported(globals())
