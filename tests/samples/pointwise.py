"""Samples of the pointwise operators: ``SAMPLES[name](make)`` yields arguments and keywords.

``make(shape, dtype, low, high, requires_grad)`` makes a tensor of uniform numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import flambeau as torch

Make = Callable[..., Any]
Sample = tuple[tuple[Any, ...], dict[str, Any]]
SAMPLES: dict[str, Callable[[Make], Iterable[Sample]]] = {}

SHAPES = ((), (3,), (2, 3), (0, 2))


def _one(names: str, low: float = -2, high: float = 2, **options: Any) -> None:
    """Operators of one tensor with elements in a range."""

    def samples(make: Make) -> Iterable[Sample]:
        for shape in SHAPES:
            yield (make(shape, low=low, high=high, **options),), {}

    SAMPLES.update(dict.fromkeys(names.split(), samples))


def _two(names: str, low: float = 0.5, high: float = 2, **options: Any) -> None:
    """Operators of two tensors that broadcast."""

    def samples(make: Make) -> Iterable[Sample]:
        for first, second in (((), ()), ((2, 3), (2, 3)), ((2, 1), (3,)), ((3,), (2, 3))):
            yield (
                (
                    make(first, low=low, high=high, **options),
                    make(second, low=low, high=high, **options),
                ),
                {},
            )

    SAMPLES.update(dict.fromkeys(names.split(), samples))


def _with(name: str, *calls: tuple[tuple[Any, ...], dict[str, Any]], **options: Any) -> None:
    """An operator of one tensor and given further arguments."""

    def samples(make: Make) -> Iterable[Sample]:
        for args, kwargs in calls:
            yield (make((2, 3), **options), *args), kwargs

    SAMPLES[name] = samples


# ---- one tensor

_one("exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh neg square positive sinc")
_one("abs sign sgn erf erfc i0 sigmoid deg2rad rad2deg frac isnan isinf isfinite isreal")
_one("floor ceil trunc round isposinf isneginf signbit logical_not", requires_grad=False)
_one("log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma special.entr", 0.5, 3)
_one("asin acos atanh erfinv", -0.9, 0.9)
_one("logit special.ndtri", 0.1, 0.9)
_one("acosh", 1.2, 3)
_one("special.ndtr special.log_ndtr special.erfcx special.i0e special.i1 special.i1e", 0.3, 2)
_one("special.bessel_j0 special.bessel_j1", requires_grad=False)
_one(" ".join([f"nn.functional.{name}" for name in (
    "relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "elu",
    "selu", "celu", "leaky_relu", "silu", "mish", "gelu", "softplus", "softsign", "tanhshrink",
    "logsigmoid",
)]), 0.6, 0.9)  # fmt: skip
_one("angle conj conj_physical real imag view_as_real", dtype=torch.complex128)
_one("bitwise_not", 0, 9, dtype=torch.int64, requires_grad=False)

# ---- two tensors

_two("add sub rsub mul div true_divide atan2 hypot copysign logaddexp logaddexp2 xlogy pow")
_two("maximum minimum fmax fmin remainder fmod float_power special.xlog1py ldexp complex polar")
_two("floor_divide heaviside nextafter igamma igammac", requires_grad=False)
_two("eq ne lt le gt ge isclose logical_and logical_or logical_xor", requires_grad=False)
_two("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm", 1, 9,
     dtype=torch.int64, requires_grad=False)  # fmt: skip

# ---- further arguments

_with("clamp", ((0.1, 0.9), {}), ((), {"min": 0.3}), ((), {"max": 0.5}))
_with("clamp_min", ((0.2,), {}))
_with("clamp_max", ((0.2,), {}))
_with("nan_to_num", ((), {}), ((1.0,), {"posinf": 2.0}))
_with("mvlgamma", ((2,), {}), low=1.5, high=3)
_with("nn.functional.threshold", ((0.1, 3.0), {}))
_with("nn.functional.glu", ((0,), {}))


def _where(make: Make) -> Iterable[Sample]:
    condition = torch.tensor([[True, False, True], [False, True, True]])
    yield (condition, make((2, 3)), make((3,))), {}
    yield (condition, make((2, 3)), 0.0), {}


def _three(make: Make) -> Iterable[Sample]:
    yield (make((2, 3)), make((3,)), make((2, 1), low=0.5, high=2)), {}
    yield (make((2, 3)), make((2, 3)), make((3,), low=0.5, high=2)), {"value": 0.3}


def _lerp(make: Make) -> Iterable[Sample]:
    yield (make((2, 3)), make((2, 3)), 0.3), {}
    yield (make((2, 3)), make((3,)), make((2, 1))), {}


def _polygamma(make: Make) -> Iterable[Sample]:
    yield (1, make((3,), low=1, high=2)), {}


def _prelu(make: Make) -> Iterable[Sample]:
    yield (make((2, 3), low=0.2, high=1), make((3,))), {}
    yield (make((4,), low=-1, high=-0.2), make((1,))), {}


def _view_as_complex(make: Make) -> Iterable[Sample]:
    yield (make((3, 2)),), {}


SAMPLES |= {
    "where": _where, "addcmul": _three, "addcdiv": _three, "lerp": _lerp, "polygamma": _polygamma,
    "nn.functional.prelu": _prelu, "view_as_complex": _view_as_complex,
}  # fmt: skip
