"""In-place forms that are functions of the package too: ``torch.exp_(x)`` is ``x.exp_()``."""

from __future__ import annotations

from flambeau.core.tensor import Tensor

# These modules hang the methods on Tensor.
from flambeau.ops.pointwise import (  # noqa: F401
    arithmetic,
    bitwise,
    complex,
    exponential,
    functional,
    rounding,
    selection,
    signs,
    special,
    trigonometric,
)

_METHODS = """
abs_ acos_ acosh_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ ceil_
clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ erf_ erfc_ exp2_ exp_ expm1_
fix_ floor_ frac_ gcd_ i0_ lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_
rad2deg_ reciprocal_ relu_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_
xlogy_
"""
globals().update({name: getattr(Tensor, name) for name in _METHODS.split()})
celu_, selu_, threshold_ = functional.celu_, functional.selu_, functional.threshold_

__all__ = ["celu_", "selu_", "threshold_", *_METHODS.split()]  # pyright: ignore[reportUnsupportedDunderAll]
