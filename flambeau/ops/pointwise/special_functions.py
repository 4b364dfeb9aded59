"""The functions that only ``torch.special`` has; ``flambeau/special.py`` publishes them."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.families import binary, unary
from flambeau.core.publish import exported
from flambeau.kernels.shared import pointwise_exponential, pointwise_polynomials
from flambeau.kernels.shared import pointwise_special as kernels
from flambeau.ops.pointwise.rules import no_derivative
from flambeau.ops.pointwise.special import _i1, igamma, igammac

_ROOT_2, _ROOT_2PI = math.sqrt(2), math.sqrt(2 * math.pi)


def _function(name: str, kernel: Any, vjp: Any, doc: str) -> Any:
    node = "Special" + "".join([word.capitalize() for word in name.split("_")])
    return unary(f"special_{name}", kernel, accepts="f", refusal=f"{name}_cpu", vjp=vjp, doc=doc,
                 methods="", node=node)  # fmt: skip


# ---- the normal distribution

ndtr = _function("ndtr", kernels.ndtr,
    lambda grad, input: grad * (input * input * -0.5).exp() / _ROOT_2PI,
    """The normal distribution function.

    >>> torch.special.ndtr(torch.tensor([0., 1.]))
    tensor([0.5000, 0.8413])""")  # fmt: skip

log_ndtr = _function("log_ndtr", kernels.log_ndtr,
    lambda grad, input: grad / erfcx(input * -(1 / _ROOT_2)) * math.sqrt(2 / math.pi),
    """The logarithm of the normal distribution function, accurate far below 0.

    >>> torch.special.log_ndtr(torch.tensor([0., -20.]))
    tensor([  -0.6931, -203.9172])""")  # fmt: skip

ndtri = _function("ndtri", kernels.ndtri,
    lambda grad, input: grad * _ROOT_2PI * (ndtri(input) ** 2 / 2).exp(),
    """The quantiles of the normal distribution.

    >>> torch.special.ndtri(torch.tensor([0., 0.5, 0.975]))
    tensor([  -inf, 0.0000, 1.9600])""")  # fmt: skip

erfcx = _function("erfcx", kernels.erfcx,
    lambda grad, input, result: (2 * input * result - 2 / math.sqrt(math.pi)) * grad,
    """``exp(input ** 2) * erfc(input)``.

    >>> torch.special.erfcx(torch.tensor([0., 10.]))
    tensor([1.0000, 0.0561])""")  # fmt: skip

entr = _function("entr", kernels.entropy,
    lambda grad, input: grad * -(1 + input.log()),
    """``-input * log(input)``; 0 at 0, -inf below.

    >>> torch.special.entr(torch.tensor([0., 0.5, -1.]))
    tensor([0.0000, 0.3466,   -inf])""")  # fmt: skip


def _log1p_unless_zero(grad: Any, input: Any, other: Any) -> Any:
    return xlog1py(grad, other).masked_fill((input == 0) & (other <= -1), 0)


xlog1py = binary("special_xlog1py", pointwise_exponential.x_log1p_y, promote="float", accepts="f",
    numbers="either", refusal="xlog1py_cpu", node="SpecialXlog1Py",
    input=_log1p_unless_zero,
    other=lambda grad, input, other: grad * input / (other + 1),
    doc="""``input * log(1 + other)``; 0 where ``input`` is 0 and ``other`` is not NaN.

    >>> torch.special.xlog1py(torch.tensor([0., 2.]), torch.tensor([-1., 1.]))
    tensor([0.0000, 1.3863])""",
    methods="")  # fmt: skip

# ---- gamma functions

zeta = binary("special_zeta", kernels.zeta, promote="float", accepts="f", numbers="either",
    refusal="zeta_cpu", node="SpecialZeta",
    input=no_derivative("zeta"),
    other=lambda grad, input, other: grad * -input * zeta(input + 1, other),
    doc="""The Hurwitz zeta function: the sum of ``(k + other) ** -input``.

    >>> torch.special.zeta(torch.tensor([2.]), 1)
    tensor([1.6449])""",
    methods="")  # fmt: skip


gammainc, gammaincc, i1 = igamma, igammac, _i1

# ---- Bessel functions


def _i0e_slope(grad: Any, input: Any, result: Any) -> Any:
    return grad * (i1e(input) - input.sgn() * result)


i0e = _function("i0e", kernels.i0e, _i0e_slope,
    """``exp(-|input|) * i0(input)``.

    >>> torch.special.i0e(torch.tensor([0., 100.]))
    tensor([1.0000, 0.0399])""")  # fmt: skip


def _i1e_slope(grad: Any, input: Any, result: Any) -> Any:
    slope = i0e(input) - result * (input.sgn() + 1 / input.masked_fill(input == 0, 1))
    return grad * slope.masked_fill(~(input.abs() > 0), 0.5)


i1e = _function("i1e", kernels.i1e, _i1e_slope,
    """``exp(-|input|) * i1(input)``.

    >>> torch.special.i1e(torch.tensor([0., 100.]))
    tensor([0.0000, 0.0397])""")  # fmt: skip


def _bessel(name: str, kernel: Any, doc: str) -> Any:
    return _function(name, kernel, no_derivative(f"special_{name}"), doc)


bessel_j0 = _bessel("bessel_j0", kernels.bessel_j0,
    """The Bessel function of the first kind, of order 0.

    >>> torch.special.bessel_j0(torch.tensor([0., 1.]))
    tensor([1.0000, 0.7652])""")  # fmt: skip
bessel_j1 = _bessel("bessel_j1", kernels.bessel_j1,
    """The Bessel function of the first kind, of order 1.

    >>> torch.special.bessel_j1(torch.tensor([0., 1.]))
    tensor([0.0000, 0.4401])""")  # fmt: skip
bessel_y0 = _bessel("bessel_y0", kernels.bessel_y0,
    """The Bessel function of the second kind, of order 0.

    >>> torch.special.bessel_y0(torch.tensor([0., 1.]))
    tensor([  -inf, 0.0883])""")  # fmt: skip
bessel_y1 = _bessel("bessel_y1", kernels.bessel_y1,
    """The Bessel function of the second kind, of order 1.

    >>> torch.special.bessel_y1(torch.tensor([0., 1.]))
    tensor([   -inf, -0.7812])""")  # fmt: skip
modified_bessel_i0 = _bessel("modified_bessel_i0", kernels.i0,
    """The modified Bessel function of the first kind, of order 0.

    >>> torch.special.modified_bessel_i0(torch.tensor([0., 1.]))
    tensor([1.0000, 1.2661])""")  # fmt: skip
modified_bessel_i1 = _bessel("modified_bessel_i1", kernels.i1,
    """The modified Bessel function of the first kind, of order 1.

    >>> torch.special.modified_bessel_i1(torch.tensor([0., 1.]))
    tensor([0.0000, 0.5652])""")  # fmt: skip
modified_bessel_k0 = _bessel("modified_bessel_k0", kernels.k0,
    """The modified Bessel function of the second kind, of order 0.

    >>> torch.special.modified_bessel_k0(torch.tensor([0., 1.]))
    tensor([   inf, 0.4210])""")  # fmt: skip
modified_bessel_k1 = _bessel("modified_bessel_k1", kernels.k1,
    """The modified Bessel function of the second kind, of order 1.

    >>> torch.special.modified_bessel_k1(torch.tensor([0., 1.]))
    tensor([   inf, 0.6019])""")  # fmt: skip
scaled_modified_bessel_k0 = _bessel("scaled_modified_bessel_k0", kernels.k0e,
    """``exp(input) * modified_bessel_k0(input)``.

    >>> torch.special.scaled_modified_bessel_k0(torch.tensor([0., 1.]))
    tensor([   inf, 1.1445])""")  # fmt: skip
scaled_modified_bessel_k1 = _bessel("scaled_modified_bessel_k1", kernels.k1e,
    """``exp(input) * modified_bessel_k1(input)``.

    >>> torch.special.scaled_modified_bessel_k1(torch.tensor([0., 1.]))
    tensor([   inf, 1.6362])""")  # fmt: skip
spherical_bessel_j0 = _bessel("spherical_bessel_j0", kernels.spherical_j0,
    """The spherical Bessel function of the first kind, of order 0.

    >>> torch.special.spherical_bessel_j0(torch.tensor([0., 1.]))
    tensor([1.0000, 0.8415])""")  # fmt: skip
airy_ai = _bessel("airy_ai", kernels.airy_ai, """The Airy function Ai.

    >>> torch.special.airy_ai(torch.tensor([0., 1.]))
    tensor([0.3550, 0.1353])""")  # fmt: skip

# ---- orthogonal polynomials


def _polynomial(name: str, kernel: Any, doc: str, cubic: str) -> Any:
    """A row; `cubic` is the polynomial of degree 3 at 1/4."""
    return binary(f"special_{name}", kernel, promote="float", accepts="f", numbers="either",
        second="n", refusal=f"{name}_cpu", input=no_derivative(f"special_{name}"),
        other=no_derivative(f"special_{name}"), methods="",
        doc=f"""{doc} of degree ``n`` at ``input``; 0 for a negative degree.

    >>> torch.special.{name}(torch.tensor([0.25]), 3)
    tensor([{cubic}])""")  # fmt: skip


chebyshev_polynomial_t = _polynomial("chebyshev_polynomial_t", pointwise_polynomials.chebyshev_t,
    "The Chebyshev polynomial of the first kind", "-0.6875")  # fmt: skip
chebyshev_polynomial_u = _polynomial("chebyshev_polynomial_u", pointwise_polynomials.chebyshev_u,
    "The Chebyshev polynomial of the second kind", "-0.8750")  # fmt: skip
chebyshev_polynomial_v = _polynomial("chebyshev_polynomial_v", pointwise_polynomials.chebyshev_v,
    "The Chebyshev polynomial of the third kind", "-0.1250")  # fmt: skip
chebyshev_polynomial_w = _polynomial("chebyshev_polynomial_w", pointwise_polynomials.chebyshev_w,
    "The Chebyshev polynomial of the fourth kind", "-1.6250")  # fmt: skip
shifted_chebyshev_polynomial_t = _polynomial("shifted_chebyshev_polynomial_t",
    pointwise_polynomials.shifted_chebyshev_t,
    "The shifted Chebyshev polynomial of the first kind", "1.")  # fmt: skip
shifted_chebyshev_polynomial_u = _polynomial("shifted_chebyshev_polynomial_u",
    pointwise_polynomials.shifted_chebyshev_u,
    "The shifted Chebyshev polynomial of the second kind", "1.")  # fmt: skip
shifted_chebyshev_polynomial_v = _polynomial("shifted_chebyshev_polynomial_v",
    pointwise_polynomials.shifted_chebyshev_v,
    "The shifted Chebyshev polynomial of the third kind", "1.")  # fmt: skip
shifted_chebyshev_polynomial_w = _polynomial("shifted_chebyshev_polynomial_w",
    pointwise_polynomials.shifted_chebyshev_w,
    "The shifted Chebyshev polynomial of the fourth kind", "1.")  # fmt: skip
hermite_polynomial_h = _polynomial("hermite_polynomial_h", pointwise_polynomials.hermite_h,
    "The physicists' Hermite polynomial", "-2.8750")  # fmt: skip
hermite_polynomial_he = _polynomial("hermite_polynomial_he", pointwise_polynomials.hermite_he,
    "The probabilists' Hermite polynomial", "-0.7344")  # fmt: skip
laguerre_polynomial_l = _polynomial("laguerre_polynomial_l", pointwise_polynomials.laguerre_l,
    "The Laguerre polynomial", "0.3411")  # fmt: skip
legendre_polynomial_p = _polynomial("legendre_polynomial_p", pointwise_polynomials.legendre_p,
    "The Legendre polynomial", "-0.3359")  # fmt: skip

__all__ = exported(globals())
