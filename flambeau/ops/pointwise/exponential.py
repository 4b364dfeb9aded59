"""Exponentials and logarithms. Integers give floating results; complex numbers are taken."""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core.families import binary, unary
from flambeau.core.publish import exported
from flambeau.kernels.shared import pointwise_exponential as kernels
from flambeau.ops.pointwise.rules import conj

exp = unary("exp", numpy.exp,
    vjp=lambda grad, result: grad * conj(result),
    doc="""e to the power of the elements.

    >>> torch.exp(torch.tensor([0., 1.]))
    tensor([1.0000, 2.7183])""")  # fmt: skip

exp2 = unary("exp2", kernels.exp2,
    vjp=lambda grad, result: grad * conj(result) * math.log(2),
    doc="""2 to the power of the elements.

    >>> torch.exp2(torch.tensor([0., 3.]))
    tensor([1., 8.])""")  # fmt: skip

expm1 = unary("expm1", numpy.expm1,
    vjp=lambda grad, result: grad * conj(result + 1),
    doc="""``exp(input) - 1``, accurate near 0.

    >>> torch.expm1(torch.tensor([0., 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])""")  # fmt: skip

log = unary("log", numpy.log,
    vjp=lambda grad, input: grad / conj(input),
    doc="""The natural logarithm; -inf at 0, NaN for negative numbers.

    >>> torch.log(torch.tensor([1., 0., -1.]))
    tensor([0., -inf, nan])""")  # fmt: skip

log2 = unary("log2", kernels.log2,
    vjp=lambda grad, input: grad / (conj(input) * math.log(2)),
    doc="""The logarithm to base 2.

    >>> torch.log2(torch.tensor([1., 8.]))
    tensor([0., 3.])""")  # fmt: skip

log10 = unary("log10", kernels.log10,
    vjp=lambda grad, input: grad / (conj(input) * math.log(10)),
    doc="""The logarithm to base 10.

    >>> torch.log10(torch.tensor([1., 20.]))
    tensor([0.0000, 1.3010])""")  # fmt: skip

log1p = unary("log1p", kernels.log1p,
    vjp=lambda grad, input: grad / conj(input + 1),
    doc="""``log(1 + input)``, accurate near 0.

    >>> torch.log1p(torch.tensor([0., 1e-8]))
    tensor([0.0000e+00, 1.0000e-08])""")  # fmt: skip

logaddexp = binary("logaddexp", kernels.log_add_exp, accepts="fc", numbers="none",
    input=lambda grad, input, other: grad / conj(1 + (other - input).exp()),
    other=lambda grad, input, other: grad / conj(1 + (input - other).exp()),
    doc="""``log(exp(input) + exp(other))`` without overflow.

    >>> torch.logaddexp(torch.tensor([1000.]), torch.tensor([1000.]))
    tensor([1000.6932])""",
    methods="logaddexp")  # fmt: skip

logaddexp2 = binary("logaddexp2", numpy.logaddexp2, accepts="f", numbers="none",
    input=lambda grad, input, other: grad / (1 + 2 ** (other - input)),
    other=lambda grad, input, other: grad / (1 + 2 ** (input - other)),
    doc="""``log2(2 ** input + 2 ** other)`` without overflow.

    >>> torch.logaddexp2(torch.tensor([3.]), torch.tensor([3.]))
    tensor([4.])""",
    methods="logaddexp2")  # fmt: skip


def _log_unless_zero(grad: Any, input: Any, other: Any) -> Any:
    return xlogy(grad, other).masked_fill((input == 0) & (other <= 0), 0)  # type: ignore


xlogy = binary("xlogy", kernels.x_log_y, promote="float", accepts="f", numbers="either",
    input=_log_unless_zero,
    other=lambda grad, input, other: grad * input / other,
    doc="""``input * log(other)``; 0 where ``input`` is 0 and ``other`` is not NaN.

    >>> torch.xlogy(torch.tensor([0., 2.]), torch.tensor([0., 1.5]))
    tensor([0.0000, 0.8109])""")  # fmt: skip

__all__ = exported(globals())
