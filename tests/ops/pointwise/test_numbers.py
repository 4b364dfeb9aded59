"""What the pointwise operators compute, against NumPy, SciPy and values from PyTorch 2.13."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special

import flambeau as torch
import flambeau.nn.functional as F

inf, nan = math.inf, math.nan
Tensor = torch.Tensor


def near(actual: Tensor, expected: Any, dtype: Any = None, **tolerance: float) -> None:
    """Equal up to rounding, NaN included."""
    if dtype is not None:
        assert actual.dtype is dtype
    found = actual.detach().double().numpy() if not actual.is_complex() else actual.numpy()
    np.testing.assert_allclose(found, expected, **({"rtol": 2e-6, "atol": 1e-7} | tolerance))


# ---- functions of one number

REAL = np.array([-2.5, -1.0, -0.3, 0.0, 0.2, 0.5, 1.0, 3.25])
UNARY = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sinc": np.sinc, "abs": np.abs, "neg": np.negative, "floor": np.floor,
    "ceil": np.ceil, "trunc": np.trunc, "round": np.rint, "square": np.square, "sign": np.sign,
    "reciprocal": lambda x: 1 / x, "rsqrt": lambda x: 1 / np.sqrt(x), "deg2rad": np.deg2rad,
    "sigmoid": scipy.special.expit, "erf": scipy.special.erf, "erfc": scipy.special.erfc,
    "erfinv": scipy.special.erfinv, "lgamma": scipy.special.gammaln, "i0": scipy.special.i0,
    "logit": scipy.special.logit,
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name: str) -> None:
    with np.errstate(all="ignore"):
        expected = UNARY[name](REAL)
    function = getattr(torch, name)
    near(function(torch.tensor(REAL)), expected, torch.float64, rtol=1e-12)
    single = torch.tensor(REAL, dtype=torch.float32)
    near(function(single), expected, torch.float32, atol=1e-6)
    near(function(single.half()), expected, torch.float16, rtol=2e-3, atol=1e-3)
    near(function(single.bfloat16()), expected, torch.bfloat16, rtol=2e-2, atol=1e-2)
    if hasattr(Tensor, name + "_"):
        target = torch.tensor(REAL)
        assert getattr(target, name + "_")() is target
        near(target, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logarithms_of_powers_are_exact(dtype: torch.dtype) -> None:
    """Up to 10 ** 10, the last power of 10 that float32 holds."""
    tens, twos = torch.arange(11, dtype=torch.float64), torch.arange(-126, 127).double()
    assert (10**tens).to(dtype).log10().tolist() == tens.tolist()
    assert (2**twos).to(dtype).log2().tolist() == twos.tolist()
    assert twos.to(dtype).exp2().tolist() == (2**twos).tolist()
    assert torch.tensor(1000.0, dtype=dtype).log10_().item() == 3


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "sqrt", "log1p", "reciprocal"])
def test_complex_numbers(name: str) -> None:
    z = np.array([0.3 + 0.4j, -1.5 + 2j, 2 - 0.1j, 1e-9 + 1e-9j])
    near(getattr(torch, name)(torch.tensor(z)), UNARY[name](z), torch.complex128, rtol=1e-9)


def test_integers_become_floating_where_results_are_fractions() -> None:
    x = torch.tensor([1, 4])
    for name in ("exp", "sqrt", "sigmoid", "sin", "reciprocal", "erf", "deg2rad"):
        assert getattr(torch, name)(x).dtype is torch.float32
    for name in ("floor", "ceil", "round", "abs", "neg", "sign", "square"):
        assert getattr(torch, name)(x).dtype is torch.int64
    with pytest.raises(RuntimeError, match="result type Float can't be cast"):
        x.exp_()


# ---- division


def test_integer_division() -> None:
    a, b = torch.tensor([7, -7, 7, -7]), torch.tensor([2, 2, -2, -2])
    assert (a // b).tolist() == [3, -4, -4, 3]
    assert (a % b).tolist() == [1, 1, -1, -1]
    assert a.fmod(b).tolist() == [1, -1, 1, -1]
    assert torch.div(a, b, rounding_mode="trunc").tolist() == [3, -3, -3, 3]
    assert torch.div(a, b, rounding_mode="floor").tolist() == [3, -4, -4, 3]
    near(a / b, [3.5, -3.5, -3.5, 3.5], torch.float32)
    assert (7 // b).tolist() == [3, 3, -4, -4] and (7 % b).tolist() == [1, 1, -1, -1]
    least = torch.tensor([-(2**31)], dtype=torch.int32)
    assert (least // -1).tolist() == [-(2**31)]


@pytest.mark.parametrize("divide", [
    lambda x: x // 0, lambda x: x % 0, lambda x: x.fmod(0), lambda x: x // torch.zeros_like(x),
    lambda x: x.div(0, rounding_mode="trunc"), lambda x: 1 // (x - x),
])  # fmt: skip
def test_integers_have_no_infinity(divide: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^ZeroDivisionError"):
        divide(torch.tensor([1, 2]))


def test_division_of_extremes() -> None:
    x = torch.tensor([1.0, -1.0, inf, 0.0, 3.5, -3.5])
    near(x // 0.0, [inf, -inf, inf, nan, inf, -inf])
    near(x // inf, [0, -1, nan, 0, 0, -1])
    near(x % inf, [1, inf, nan, 0, 3.5, inf])
    near(x % -1.5, [-0.5, -1, nan, 0, -1, -0.5])
    near(x.fmod(inf), [1, -1, nan, 0, 3.5, -3.5])


# ---- powers


def test_powers() -> None:
    x = torch.tensor([-2.0, 0.0, 0.25, 3.0])
    for exponent in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.5):
        with np.errstate(all="ignore"):
            expected = x.numpy().astype(np.float64) ** exponent
        near(x**exponent, expected)
    assert (torch.tensor([2, -1, 1, 3]) ** torch.tensor([-1, -3, -2, 2])).tolist() == [0, -1, 1, 9]
    assert (2 ** torch.tensor([-1, 3])).tolist() == [0, 8]
    assert (torch.tensor([True, False]) ** 2).dtype is torch.int64
    with pytest.raises(RuntimeError, match="Integers to negative integer powers"):
        torch.tensor([2]) ** -1
    assert torch.float_power(torch.tensor([2]), 0.5).dtype is torch.float64
    with pytest.raises(RuntimeError, match="the base given to float_power_ has dtype Float"):
        x.float_power_(2)


# ---- integers that wrap around, bits, shifts


def test_integers_wrap_around() -> None:
    byte, signed = torch.tensor([250, 1], dtype=torch.uint8), torch.tensor([1], dtype=torch.int8)
    assert (byte + 10).tolist() == [4, 11]
    assert (byte - 2).tolist() == [248, 255]
    assert (signed + 300).tolist() == [45]
    assert torch.add(byte, byte, alpha=-3).tolist() == [12, 254]
    assert (byte == -255).tolist() == [False, True]
    assert (byte > -1).tolist() == [False, False]
    assert (-byte).tolist() == [6, 255]


def test_bits() -> None:
    x = torch.tensor([5, -5, 1])
    assert (x & 3).tolist() == [1, 3, 1] and (6 | x).tolist() == [7, -1, 7]
    assert (x ^ x).tolist() == [0, 0, 0] and (~x).tolist() == [-6, 4, -2]
    assert (~torch.tensor([True, False])).tolist() == [False, True]
    assert [(x << s).tolist() for s in (1, -1, 64)] == [[10, -10, 2], [0, 0, 0], [0, 0, 0]]
    assert [(x >> s).tolist() for s in (1, -1, 64)] == [[2, -3, 0], [0, -1, 0], [0, -1, 0]]
    assert (2 << torch.tensor([1, 3])).tolist() == [4, 16]
    byte = torch.tensor([5, 200], dtype=torch.uint8)
    assert (byte << 7).tolist() == [128, 0] and (byte >> 9).tolist() == [0, 0]
    assert torch.gcd(torch.tensor([12, -8, 0]), torch.tensor([18, 6, 5])).tolist() == [6, 2, 5]
    assert torch.lcm(torch.tensor([4, 0]), torch.tensor([6, 3])).tolist() == [12, 0]


# ---- NaN, infinities, zeros


def test_nan() -> None:
    x, y = torch.tensor([nan, 1.0, nan]), torch.tensor([1.0, nan, nan])
    near(torch.maximum(x, y), [nan] * 3)
    near(torch.minimum(x, y), [nan] * 3)
    near(torch.fmax(x, y), [1, 1, nan])
    near(torch.fmin(x, y), [1, 1, nan])
    near(x.clamp(0, 0.5), [nan, 0.5, nan])
    near(torch.clamp(torch.tensor([1.0]), nan), [nan])
    for function in (F.relu, F.relu6, F.hardtanh, F.hardshrink, F.softshrink, F.leaky_relu, F.elu):
        assert function(x).isnan().tolist() == [True, False, True]
    near(torch.sign(torch.tensor([nan, -0.0, -3.0, inf])), [0, 0, -1, 1])
    near(torch.nan_to_num(torch.tensor([nan, inf, -inf]), 1.0, neginf=-2.0),
         [1, np.finfo(np.float32).max, -2])  # fmt: skip
    near(torch.xlogy(torch.tensor([0.0, 0.0, 2.0]), torch.tensor([0.0, nan, 1.0])), [0, nan, 0])
    near(torch.heaviside(torch.tensor([nan, 0.0, 2.0]), torch.tensor(0.5)), [0, 0.5, 1])


def test_signs() -> None:
    x = torch.tensor([-0.0, 0.0, -1.0])
    assert x.signbit().tolist() == [True, False, True]
    assert torch.copysign(torch.tensor([1.0]), torch.tensor([-0.0])).tolist() == [-1.0]
    assert torch.copysign(torch.tensor([1, 2]), -1).tolist() == [-1.0, -2.0]
    near(torch.sgn(torch.tensor([3 + 4j, 0j])), [0.6 + 0.8j, 0])


def test_rounding() -> None:
    x = torch.tensor([0.5, 1.5, -2.5, 2.675])
    assert x.round().tolist() == [0, 2, -2, 3]
    near(torch.round(torch.tensor([1234.5678]), decimals=-2), [1200])
    near(torch.round(torch.tensor([1.23456]), decimals=3), [1.235])
    near(torch.frac(torch.tensor([-1.75])), [-0.75])
    mantissa, exponent = torch.frexp(torch.tensor([5.0, -3.0, 0.0]))
    assert (mantissa.tolist(), exponent.tolist()) == ([0.625, -0.75, 0], [3, 2, 0])
    assert exponent.dtype is torch.int32
    half = torch.ones(1, dtype=torch.bfloat16)
    assert torch.nextafter(half, half * 2).item() == 1.0078125


# ---- choices


def test_where() -> None:
    mask, i, x = torch.tensor([True, False]), torch.tensor([1, 2]), torch.tensor([0.5, 1.5])
    assert torch.where(mask, i, 2.5).dtype is torch.float32
    assert torch.where(mask, i, True).dtype is torch.int64
    assert torch.where(mask, x, x.double()).dtype is torch.float64
    assert x.where(mask, 0).tolist() == [0.5, 0]
    assert [t.tolist() for t in torch.where(mask)] == [[0]]
    with pytest.raises(RuntimeError, match="expected condition to be a boolean tensor"):
        torch.where(i, x, x)
    with pytest.raises(RuntimeError, match="must match the size"):
        torch.where(mask, x, torch.ones(3))


def test_clamp() -> None:
    x = torch.tensor([-1.0, 0.5, 2.0])
    assert x.clamp(0, 1).tolist() == [0, 0.5, 1]
    assert x.clamp(1, 0).tolist() == [0, 0, 0]
    assert x.clamp(min=torch.tensor([0.0, 1.0, 1.0])).tolist() == [0, 1, 2]
    assert torch.clamp(torch.tensor([1, 5]), max=2.5).dtype is torch.float32
    with pytest.raises(RuntimeError, match="At least one of 'min' or 'max' must not be None"):
        x.clamp()


# ---- complex numbers


def test_parts_of_complex_numbers_are_views() -> None:
    z = torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    z.real[0], z.imag[1] = 9.0, -1.0
    assert z.tolist() == [9 + 3j, 2 - 1j]
    pairs = torch.view_as_real(z)
    assert pairs.tolist() == [[9, 3], [2, -1]] and pairs.data_ptr() == z.data_ptr()
    assert torch.equal(torch.view_as_complex(pairs), z)
    z.real = torch.tensor([0.0, 1.0])
    assert z.tolist() == [3j, 1 - 1j]
    near(z.conj().resolve_conj(), [-3j, 1 + 1j])
    near(z.abs(), [3, math.sqrt(2)], torch.float32)
    near(z.angle(), [math.pi / 2, -math.pi / 4], torch.float32)
    near(torch.polar(torch.tensor([2.0]), torch.tensor([math.pi / 2])), [2j], atol=1e-6)
    x = torch.ones(2)
    assert x.real is x and x.conj() is x
    with pytest.raises(RuntimeError, match="imag is not implemented for tensors with non-complex"):
        x.imag
