"""``torch.testing``: messages as PyTorch gives them, and its draws of random tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import flambeau as torch
from flambeau.testing import assert_allclose, assert_close, make_tensor

T = torch.tensor
NAN = math.nan


@pytest.mark.parametrize(
    ("actual", "expected", "options"),
    [
        (T([1.0, 2.0]), T([1.0, 2.0 + 1e-7]), {}),
        (T([1.0]), T([1.01]), {"rtol": 0.1, "atol": 0}),
        (T([1.0, 2.0]), T([1, 2]), {"check_dtype": False}),
        (T(NAN), T(NAN), {"equal_nan": True}),
        (torch.ones(2, device="meta"), torch.zeros(2), {"check_device": False}),
        (torch.nn.Parameter(T([1.0])), T([1.0]), {}),
        (np.ones(2), np.ones(2), {}),
        (np.float32(1), np.float32(1), {}),
        ([1], (1,), {}),
        ({"a": [T(1), None]}, {"a": (T(1), None)}, {}),
        (torch.ones(0), torch.ones(0), {}),
        (T(1.0, dtype=torch.bfloat16), T(1.01, dtype=torch.bfloat16), {}),
        (2**70, 2**70, {}),
    ],
)
def test_what_is_close(actual: Any, expected: Any, options: dict) -> None:
    assert_close(actual, expected, **options)


FLOATS = (
    "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
    "Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)\n"
    "Greatest relative difference: 0.20000000298023224 at index (1,) (up to 1.3e-06 allowed)"
)
INTS = (
    "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
    "Greatest absolute difference: 1 at index (1,)\n"
    "Greatest relative difference: 0.3333333432674408 at index (1,)"
)
SCALARS = (
    "Scalars are not close!\n\nExpected 2.0 but got 1.0.\n"
    "Absolute difference: 1.0 (up to 1e-07 allowed)\n"
    "Relative difference: 0.5 (up to 1e-07 allowed)"
)
NESTED = (
    "Scalars are not close!\n\nExpected 3.0 but got 2.0.\n"
    "Absolute difference: 1.0 (up to 1e-05 allowed)\n"
    "Relative difference: 0.3333333333333333 (up to 1.3e-06 allowed)\n\n"
    "The failure occurred for item [1]['k'][1]"
)
LIMITS = (
    "Tensor-likes are not close!\n\nMismatched elements: 2 / 3 (66.7%)\n"
    "Greatest absolute difference: 6.0 at index (2,) (up to 0.5 allowed)\n"
    "Greatest relative difference: 0.6666666865348816 at index (2,) (up to 0 allowed)"
)
KEYS = (
    "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\n"
    "Additional keys in the actual mapping: ['a']"
)


@pytest.mark.parametrize(
    ("message", "actual", "expected", "options"),
    [
        (FLOATS, T([1.0, 2.0]), T([1.0, 2.5]), {}),
        (INTS, T([1, 2]), T([1, 3]), {}),
        (SCALARS, 1.0, 2.0, {}),
        ("Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\n"
         "Relative difference: 0.5", 1, 2, {}),
        (NESTED, [[T(1.0)], {"k": (T(1.0), T(2.0))}], [[T(1.0)], {"k": (T(1.0), T(3.0))}], {}),
        (LIMITS, T([1.0, 2.0, 3.0]), T([2.0, 2.0, 9.0]), {"rtol": 0, "atol": 0.5}),
        (KEYS, {"a": T(1.0)}, {"b": T(1.0)}, {}),
        ("The (d)types do not match: <class 'int'> != <class 'float'>.", 1, 1.0, {}),
        ("Booleans mismatch: True is not False", True, False, {}),
        ("None mismatch: None is not 1", None, 1, {}),
        ("The length of the sequences mismatch: 0 != 1", [], [1], {}),
        ("The values for attribute 'shape' do not match: torch.Size([2]) != torch.Size([3]).",
         torch.ones(2), torch.ones(3), {}),
        ("The values for attribute 'dtype' do not match: torch.float32 != torch.int64.",
         T([1.0]), T([1]), {}),
        ("The values for attribute 'device' do not match: meta != cpu.",
         torch.ones(2, device="meta"), torch.ones(2), {}),
        ("The values for attribute 'stride()' do not match: (1, 3) != (2, 1).",
         torch.ones(2, 3).t(), torch.ones(3, 2), {"check_stride": True}),
        ("mine", T([1.0]), T([2.0]), {"msg": "mine"}),
        ("<The length of the sequences mismatch: 0 != 1>", [], [1], {"msg": lambda m: f"<{m}>"}),
    ],
)  # fmt: skip
def test_what_differs_is_told(message: str, actual: Any, expected: Any, options: dict) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close(actual, expected, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(T(NAN), T(NAN)), (NAN, NAN), (T([math.inf]), T([1.0])), (T([1 + 1j]), T([1 + 2j])),
     (math.inf, -math.inf), (T([True]), T([False]))],
)  # fmt: skip
def test_what_is_not_close(actual: Any, expected: Any) -> None:
    with pytest.raises(AssertionError, match=r"are not (close|equal)!"):
        assert_close(actual, expected)


def test_what_cannot_be_compared() -> None:
    for actual, expected in (("a", "a"), (1, "a"), (T(1.0), 1.0)):
        with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
            assert_close(actual, expected)
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close(torch.nn.Parameter(T([1.0])), T([1.0]), allow_subclasses=False)
    with pytest.raises(ValueError, match="must be either specified or omitted, but got no atol"):
        assert_close(1, 1, rtol=0.1)


def test_the_old_comparison_is_looser() -> None:
    with pytest.warns(FutureWarning, match=r"is deprecated since 1\.12"):
        assert_allclose([1.0, NAN], T([1.00001, NAN]))
    with pytest.warns(FutureWarning), pytest.raises(AssertionError, match=r"up to 0\.0001 allowed"):
        assert_allclose(T([1.0]), T([2.0]))


# ---- make_tensor


def drawn(*shape: Any, dtype: torch.dtype, **options: Any) -> Any:
    torch.manual_seed(0)
    return make_tensor(*shape, dtype=dtype, device="cpu", **options)


@pytest.mark.parametrize(
    ("dtype", "options", "values"),
    [
        (torch.float32, {}, [-0.06738996505737305, 4.828019142150879, -7.407394886016846]),
        (torch.uint8, {}, [4, 9, 3]),
        (torch.int64, {"low": 0, "high": 3, "exclude_zero": True}, [2, 1, 2]),
        (torch.float32, {"noncontiguous": True}, [4.828, -6.6235, 2.4134]),
    ],
)
def test_draws_are_pytorchs(dtype: torch.dtype, options: dict, values: list[float]) -> None:
    made = drawn(3, dtype=dtype, **options)
    assert made.tolist() == pytest.approx(values, abs=1e-4)
    assert made.stride() == ((2,) if options.get("noncontiguous") else (1,))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64", "complex64", "int8", "int32"])
def test_numbers_lie_between_the_limits(name: str) -> None:
    dtype = getattr(torch, name)
    default = drawn(2000, dtype=dtype)
    given = drawn((50, 40), dtype=dtype, low=2, high=5)
    assert default.dtype is given.dtype is dtype and given.shape == (50, 40)
    for made, low, high in ((default, -9, 9), (given, 2, 5)):
        parts = torch.view_as_real(made) if made.is_complex() else made
        assert low <= parts.min() <= low + 0.5 and high - 1 <= parts.max() <= high


def test_forms_of_a_tensor() -> None:
    assert drawn(200, dtype=torch.bool).float().mean().item() == pytest.approx(0.5, abs=0.15)
    assert drawn([2], dtype=torch.float32, requires_grad=True).requires_grad
    image = drawn((2, 3, 4, 5), dtype=torch.float32, memory_format=torch.channels_last)
    assert image.stride() == (60, 1, 15, 3)
    assert drawn(3, dtype=torch.float32, low=-1e40, high=1e40).isfinite().all()
    assert drawn(3, dtype=torch.float8_e5m2).dtype is torch.float8_e5m2
    assert drawn(0, dtype=torch.float32).shape == (0,)
    with pytest.warns(FutureWarning, match="Passing `low==high`"):
        assert drawn(2, dtype=torch.float32, low=1, high=1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("`low` must be less than `high`, but got 2 >= 1", {"low": 2, "high": 1}),
        ("`low` and `high` cannot be NaN, but got low=nan and high=10", {"low": NAN}),
        ("The value interval specified by `low` and `high` is [300, 400), but torch.uint8 only "
         "supports [0, 256)", {"low": 300, "high": 400}),
        ("`requires_grad=True` is not supported for boolean and integral dtypes, but got "
         "dtype=torch.uint8", {"requires_grad": True}),
        ("The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
         "noncontiguous=True and memory_format=torch.contiguous_format",
         {"noncontiguous": True, "memory_format": torch.contiguous_format}),
    ],
)  # fmt: skip
def test_what_is_refused(message: str, options: dict) -> None:
    with pytest.raises(ValueError) as caught:
        drawn(3, dtype=torch.uint8, **options)
    assert str(caught.value) == message
