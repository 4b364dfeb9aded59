"""More samples of pointwise operators: other shapes, layouts and dtypes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
C = torch.complex128


def unary(make: Make, low: float = -2, high: float = 2, cplx: bool = False) -> list[Sample]:
    """One tensor: of two dimensions, without dimensions, empty, transposed, complex."""
    result: list[Sample] = [
        ((make(2, 3, low=low, high=high),), {}),
        ((make(low=low, high=high),), {}),
        ((make(0, 2, low=low, high=high),), {}),
        ((make(3, 2, low=low, high=high).detach().t().requires_grad_(),), {}),
    ]
    return [*result, ((make(2, dtype=C, low=low, high=high),), {})] if cplx else result


def integral(make: Make) -> list[Sample]:
    """One tensor of integers, or of bools."""
    return [((make(2, 3, dtype=torch.int32),), {}), ((make(3, dtype=torch.bool),), {})]


def binary(
    make: Make, low: float = -2, high: float = 2, number: Any = 1.5, cplx: bool = False
) -> list[Sample]:
    """Two tensors: alike, broadcast, and a tensor and a number."""
    result: list[Sample] = [
        ((make(2, 3, low=low, high=high), make(2, 3, low=low, high=high)), {}),
        ((make(2, 1, low=low, high=high), make(3, low=low, high=high)), {}),
    ]
    if number is not None:
        result.append(((make(4, low=low, high=high), number), {}))
    if cplx:
        result.append(((make(2, dtype=C), make(2, dtype=C)), {}))
    return result


def integers(make: Make, low: int = 1, high: int = 6, number: Any = 3) -> list[Sample]:
    """Two tensors of integers."""
    ints = partial(make, dtype=torch.int64, low=low, high=high)
    result: list[Sample] = [((ints(2, 3), ints(2, 3)), {}), ((ints(2, 1), ints(3)), {})]
    return result if number is None else [*result, ((ints(4), number), {})]


def _whole(make: Make) -> list[Sample]:
    return integers(make, number=None)


def _scaled(make: Make) -> list[Sample]:
    return [
        *binary(make, cplx=True),
        ((make(2, 3), make(3)), {"alpha": 2}),
        ((make(3), 2.0), {"alpha": 0.5}),
        ((make(3, dtype=torch.int64), make(3, dtype=torch.int64)), {"alpha": 2}),
    ]


def _div(make: Make) -> list[Sample]:
    return [
        *binary(make, 0.5, 2),
        ((make(3, low=1), make(3, low=1)), {"rounding_mode": "floor"}),
        ((make(3, low=1), make(3, low=1)), {"rounding_mode": "trunc"}),
        *integers(make),
    ]


def _three(make: Make) -> list[Sample]:
    return [
        ((make(2, 3), make(2, 3), make(2, 3, low=1)), {}),
        ((make(2, 1), make(3), make(2, 3, low=1)), {"value": 0.5}),
    ]


def _lerp(make: Make) -> list[Sample]:
    return [((make(2, 3), make(3), 0.3), {}), ((make(2), make(2), make(2, low=0, high=1)), {})]


def _pow(make: Make) -> list[Sample]:
    return [
        *binary(make, 0.5, 2, number=3),
        ((make(3), 2), {}),
        ((make(3, low=0.5), -0.5), {}),
        ((make(3, dtype=torch.int64, low=0, high=3), 2), {}),
        ((2.0, make(3)), {}),
    ]


def _where(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, dtype=torch.bool), make(2, 3), make(3)), {}),
        ((make(3, dtype=torch.bool), make(3), 1.5), {}),
        ((make(3, dtype=torch.bool), make(3, dtype=torch.int64), make(3)), {}),
    ]


def _clamp(make: Make) -> list[Sample]:
    return [
        ((make(2, 3), -1.03, 1.01), {}),
        ((make(4),), {"min": 0.1}),
        ((make(4),), {"max": 0.1}),
        ((make(4), make(4, low=-2, high=-1.5), make(4, low=1.5)), {}),
        ((make(4, dtype=torch.int64), -2, 2), {}),
    ]


def _one_bound(make: Make) -> list[Sample]:
    return [((make(2, 3), 0.13), {}), ((make(4), make(4)), {})]


def _round(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, low=0.1, high=0.4),), {}),
        ((make(3, low=0.11, high=0.14),), {"decimals": 1}),
    ]


def _with(make: Make, *extra: Any, low: float = -2, high: float = 2, **kwargs: Any) -> list[Sample]:
    return [
        ((make(2, 3, low=low, high=high), *extra), kwargs),
        ((make(low=low, high=high), *extra), kwargs),
    ]


def _nan_to_num(make: Make) -> list[Sample]:
    inf, nan = float("inf"), float("nan")
    odd = torch.tensor([1.0, nan, inf, -inf], dtype=torch.float64)
    return [((make(3),), {}), ((odd,), {"nan": 2.0, "posinf": 3.0}), ((odd,), {})]


def _pair(make: Make, low: float = -2, high: float = 2) -> list[Sample]:
    return [((make(3, low=low, high=high), make(3, low=low, high=high)), {})]


def _polygamma(make: Make) -> list[Sample]:
    return [((1, make(3, low=0.5)), {}), ((2, make(2, low=0.5)), {})]


def _shift(make: Make) -> list[Sample]:
    return integers(make, 0, 4, number=2)


def _copysign(make: Make) -> list[Sample]:
    return [((make(2, 3, low=0.5), make(2, 3)), {}), ((make(3), -1.0), {})]


def _logic(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, dtype=torch.bool), make(3, dtype=torch.bool)), {}),
        ((make(3), make(3)), {}),
        ((make(3, dtype=torch.int64), make(3, dtype=torch.uint8)), {}),
    ]


def _bits(make: Make) -> list[Sample]:
    return [*integers(make, -5, 6), *_logic(make)[:1]]


def _isclose(make: Make) -> list[Sample]:
    x = make(2, 3)
    return [
        ((x, x.detach() + 1e-9), {}),
        ((x, make(2, 3)), {"atol": 0.5}),
        ((x, x.detach()), {"equal_nan": True}),
    ]


def _same(make: Make) -> list[Sample]:
    x = make(2, 3)
    return [((x, x), {}), ((x, make(2, 3)), {})]


def _glu(make: Make) -> list[Sample]:
    return [((make(2, 4),), {}), ((make(4, 3), 0), {})]


def _prelu(make: Make) -> list[Sample]:
    return [((make(2, 3, 2), make(3)), {}), ((make(4), make(1)), {})]


def _over(**options: Any) -> Generator:
    return lambda make: unary(make, **options)


def _pairs(**options: Any) -> Generator:
    return lambda make: binary(make, **options)


def _given(*extra: Any, **options: Any) -> Generator:
    return lambda make: _with(make, *extra, **options)


def _twice(first: Generator, second: Generator) -> Generator:
    return lambda make: [*first(make), *second(make)]


_REAL_AND_COMPLEX = """exp exp2 expm1 sin cos tan sinh cosh tanh asinh neg negative positive square
    sgn abs absolute arcsinh"""
_POSITIVE = "log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma"
_PLAIN = """atan arctan erf erfc deg2rad rad2deg sinc i0 sigmoid relu selu celu sign frac
    floor ceil trunc fix signbit isfinite isinf isnan isposinf isneginf isreal"""
_WITHIN_ONE = "asin acos arccos atanh arctanh erfinv"
_COMPARED = """eq ne lt le gt ge not_equal less less_equal greater greater_equal"""
_EXTREMES = "maximum minimum fmax fmin"

SAMPLES: dict[str, Generator] = {
    **{name: _over(cplx=True) for name in _REAL_AND_COMPLEX.split()},
    **{name: _over(low=0.5) for name in _POSITIVE.split()},
    **{name: _over() for name in _PLAIN.split()},
    **{name: _over(low=-0.9, high=0.9) for name in _WITHIN_ONE.split()},
    "arcsin": _over(low=-0.9, high=0.9),
    **{name: _over(low=1.1, high=3) for name in ("acosh", "arccosh")},
    **{name: _twice(_pairs(), integers) for name in _COMPARED.split()},
    **{name: _twice(_pairs(number=None), _whole) for name in _EXTREMES.split()},
    **{name: _scaled for name in ("add", "sub", "subtract", "rsub")},
    **{name: _pairs(cplx=True) for name in ("mul", "multiply")},
    **{name: _div for name in ("div", "divide")},
    "true_divide": _pairs(low=0.5),
    "floor_divide": _twice(_pairs(low=0.5), integers),
    "remainder": _twice(_pairs(low=0.5, high=2), integers),
    "fmod": _twice(_pairs(low=0.5, high=2), integers),
    "addcmul": _three,
    "addcdiv": _three,
    "lerp": _lerp,
    "pow": _pow,
    "float_power": _pairs(low=0.5, number=2),
    "copysign": _copysign,
    "heaviside": lambda make: _pair(make),
    "hypot": lambda make: _pair(make, 0.5),
    "logaddexp": _pairs(number=None),
    "logaddexp2": _pairs(number=None),
    "xlogy": _pairs(low=0.5),
    "atan2": _pairs(low=0.5, number=None),
    "arctan2": _pairs(low=0.5, number=None),
    "nextafter": lambda make: _pair(make),
    "ldexp": lambda make: [((make(3), make(3, dtype=torch.int64)), {})],
    "frexp": _over(),
    "round": _round,
    "where": _where,
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _one_bound,
    "clamp_max": _one_bound,
    "nan_to_num": _nan_to_num,
    "polygamma": _polygamma,
    "mvlgamma": _given(2, low=1, high=3),
    "igamma": lambda make: [((make(3, low=0.5, requires_grad=False), make(3, low=0.5)), {})],
    "igammac": lambda make: [((make(3, low=0.5, requires_grad=False), make(3, low=0.5)), {})],
    "logit": lambda make: [
        *_with(make, low=0.1, high=0.9),
        ((make(3, low=0.2, high=0.8), 0.1), {}),
    ],
    "threshold": _given(0.1, 3.0),
    "hardshrink": _given(0.4),
    "prelu": _prelu,
    **{name: _bits for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    "bitwise_not": integral,
    "bitwise_left_shift": _shift,
    "bitwise_right_shift": _shift,
    "gcd": lambda make: integers(make, -5, 6, number=None),
    "lcm": lambda make: integers(make, -5, 6, number=None),
    **{name: _logic for name in ("logical_and", "logical_or", "logical_xor")},
    "logical_not": _twice(_over(), integral),
    "isclose": _isclose,
    "allclose": _isclose,
    "equal": _same,
    "nn.functional.glu": _glu,
}
