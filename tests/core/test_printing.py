"""``repr`` of tensors, against strings measured on PyTorch 2.13."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy
import pytest

from flambeau.core.device import device
from flambeau.core.dtype import ALL, default, from_numpy_type
from flambeau.core.kind import kind_of
from flambeau.core.printing import (
    PRINT_OPTS,
    get_printoptions,
    printoptions,
    set_printoptions,
    tensor_str,
)

ELEMENTS: list[tuple[Any, str, str]] = [
    (1.5, "float32", "tensor(1.5000)"),
    ([], "float32", "tensor([])"),
    ([1.0, 2.0], "float32", "tensor([1., 2.])"),
    ([1.5, inf, nan], "float32", "tensor([1.5000,    inf,    nan])"),
    ([1.0, inf, -inf], "float32", "tensor([1., inf, -inf])"),
    ([nan, nan], "float64", "tensor([nan, nan], dtype=torch.float64)"),
    ([0.0, -0.0], "float32", "tensor([0., -0.])"),
    ([1e8], "float32", "tensor([100000000.])"),
    ([1e8, 1.5], "float32", "tensor([1.0000e+08, 1.5000e+00])"),
    ([123456789.0], "float32", "tensor([1.2346e+08])"),
    ([100000.0, 100.0], "float32", "tensor([100000.,    100.])"),
    ([100000.0, 99.0], "float32", "tensor([1.0000e+05, 9.9000e+01])"),
    ([1e-5, 1.0], "float32", "tensor([1.0000e-05, 1.0000e+00])"),
    ([1e-40], "float32", "tensor([9.9999e-41])"),
    ([1e300, -1e-300], "float64", "tensor([ 1.0000e+300, -1.0000e-300], dtype=torch.float64)"),
    ([99999.9], "float32", "tensor([99999.8984])"),
    ([0.0, 333333.3438, 1e6], "float32", "tensor([      0.0000,  333333.3438, 1000000.0000])"),
    ([[1e-3, 1e4], [2.0, 3.0]], "float32",
     "tensor([[1.0000e-03, 1.0000e+04],\n        [2.0000e+00, 3.0000e+00]])"),
    ([0.1, 2.3], "bfloat16", "tensor([0.1001, 2.2969], dtype=torch.bfloat16)"),
    ([0.1, 2.3], "float16", "tensor([0.1000, 2.3008], dtype=torch.float16)"),
    ([65504.0], "float16", "tensor([65504.], dtype=torch.float16)"),
    ([0.1, 2.0], "float8_e5m2", "tensor([0.0938, 2.0000], dtype=torch.float8_e5m2)"),
    ([True, False], "bool", "tensor([ True, False])"),
    (-5, "int64", "tensor(-5)"),
    ([1, 2, -300], "int64", "tensor([   1,    2, -300])"),
    ([9223372036854775807, -9223372036854775808], "int64",
     "tensor([ 9223372036854775807, -9223372036854775808])"),
    ([1, 2], "uint16", "tensor([1, 2], dtype=torch.uint16)"),
    ([18446744073709551615], "uint64", "tensor([18446744073709551615], dtype=torch.uint64)"),
    ([1+2j, 3-4.5j], "complex64", "tensor([1.+2.0000j, 3.-4.5000j])"),
    ([1+2j], "complex128", "tensor([1.+2.j], dtype=torch.complex128)"),
    ([1e10+1j], "complex64", "tensor([1.0000e+10+1.j])"),
    ([complex(inf, -0.0), complex(nan, nan)], "complex64", "tensor([inf-0.j, nan+nanj])"),
]  # fmt: skip


class tensor:
    """What printing reads from a tensor; printed as ``tensor`` because the class is called so."""

    _flips = 0

    def __init__(self, values: Any, history: Any = None, where: str = "cpu") -> None:
        self._array = numpy.asarray(values)
        self.dtype, self.device = from_numpy_type(self._array.dtype), device(where)
        self.kind = kind_of(self.dtype, device("cpu"))
        self.requires_grad = history is not None
        self.grad_fn = None if history is True else history


class AddBackward0:
    """A node of the graph."""


@pytest.fixture(autouse=True)
def _options() -> Iterator[None]:
    before = default.dtype
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")
    default.dtype = before


def shown(values: Any, history: Any = None, where: str = "cpu") -> str:
    return tensor_str(tensor(values, history, where))


@pytest.mark.parametrize(("values", "name", "expected"), ELEMENTS)
def test_elements(values: Any, name: str, expected: str) -> None:
    assert shown(numpy.array(values, ALL[name].numpy)) == expected


def test_many_dimensions() -> None:
    assert shown(numpy.arange(8).reshape(2, 2, 2)) == (
        "tensor([[[0, 1],\n         [2, 3]],\n\n        [[4, 5],\n         [6, 7]]])"
    )
    assert shown(numpy.zeros((1, 1, 1), "f4")) == "tensor([[[0.]]])"
    lines = shown(numpy.arange(60.0, dtype="f4")).splitlines()
    assert len(lines) == 5 and lines[1] == (
        "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,"
    )


def test_edges() -> None:
    assert shown(numpy.arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    assert shown(numpy.arange(1000)).count(",") == 999
    row = "[0., 0., 0.,  ..., 0., 0., 0.]"
    expected = f"{row},\n        {row},\n        {row}"
    assert shown(numpy.zeros((1001, 1001), "f4")) == (
        f"tensor([{expected},\n        ...,\n        {expected}])"
    )
    assert shown(numpy.zeros((2, 1001), "f4")) == f"tensor([{row},\n        {row}])"


def test_hidden_elements_do_not_decide_the_format() -> None:
    values = numpy.ones(2000, "f4")
    values[1000] = 0.123
    assert shown(values) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])"


def test_empty() -> None:
    assert shown(numpy.zeros((0, 3), "f4")) == "tensor([], size=(0, 3))"
    assert shown(numpy.zeros((2, 0), "i8")) == "tensor([], size=(2, 0), dtype=torch.int64)"
    assert shown(numpy.zeros(0, bool)) == "tensor([], dtype=torch.bool)"


def test_suffixes() -> None:
    ones = numpy.ones(2, "f4")
    assert shown(ones, True) == "tensor([1., 1.], requires_grad=True)"
    assert shown(ones, AddBackward0()) == "tensor([1., 1.], grad_fn=<AddBackward0>)"
    assert shown(numpy.ones(2), AddBackward0()) == (
        "tensor([1., 1.], dtype=torch.float64, grad_fn=<AddBackward0>)"
    )
    assert shown(ones, where="cuda:0") == "tensor([1., 1.], device='cuda:0')"
    assert shown(ones, True, "meta") == (
        "tensor(..., device='meta', size=(2,), requires_grad=True)"
    )
    assert shown(numpy.ones((), "i8"), where="meta") == (
        "tensor(..., device='meta', size=(), dtype=torch.int64)"
    )


def test_invalid_history() -> None:
    class invalid(tensor):
        @property
        def grad_fn(self) -> Any:
            raise RuntimeError("modified in place")

        @grad_fn.setter
        def grad_fn(self, value: Any) -> None:
            pass

    assert tensor_str(invalid(numpy.ones(1, "f4"))) == "invalid([1.], grad_fn=<Invalid>)"


def test_default_dtype_is_not_shown() -> None:
    default.dtype = ALL["float64"]
    assert shown(numpy.ones(1)) == "tensor([1.])"
    assert shown(numpy.ones(1, "f4")) == "tensor([1.], dtype=torch.float32)"
    assert shown(numpy.array([1j])) == "tensor([0.+1.j])"


def test_contents() -> None:
    assert tensor_str(tensor(numpy.ones(1, "f4")), "abc") == "tensor(abc)"


# ---- options


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({"precision": 2}, [1.23456789, 2.0], "tensor([1.23, 2.00])"),
        ({"precision": 0}, [1.23456789, 2.0], "tensor([1, 2])"),
        ({"sci_mode": True}, [1.0, 2.0], "tensor([1.0000e+00, 2.0000e+00])"),
        ({"sci_mode": True}, [1 + 2j], "tensor([1.0000e+00+2.0000e+00j])"),
        ({"sci_mode": True}, [1, 2], "tensor([1, 2])"),
        ({"sci_mode": False}, [1e10, 2.0], "tensor([10000000000.,           2.])"),
        ({"threshold": 10, "edgeitems": 1}, range(20), "tensor([ 0,  ..., 19])"),
        ({"threshold": 5}, range(6), "tensor([0, 1, 2, 3, 4, 5])"),
        ({"threshold": 5}, range(7), "tensor([0, 1, 2,  ..., 4, 5, 6])"),
        ({"threshold": 5, "edgeitems": 0}, range(20), "tensor([...], size=(20,))"),
        ({"profile": "short"}, range(1001), "tensor([   0,    1,  ...,  999, 1000])"),
        ({"profile": "short"}, [0.123456], "tensor([0.12])"),
        ({"profile": "short", "precision": 3}, [0.123456], "tensor([0.123])"),
        ({"linewidth": 20}, range(6), "tensor([0, 1, 2, 3,\n        4, 5])"),
    ],
)  # fmt: skip
def test_options(options: dict[str, Any], values: Any, expected: str) -> None:
    set_printoptions(**options)
    array = numpy.array(list(values))
    narrow = {"f": "f4", "c": "c8"}.get(array.dtype.kind, "i8")
    assert shown(array.astype(narrow)) == expected


def test_suffixes_start_a_line_where_needed() -> None:
    set_printoptions(linewidth=20)
    assert shown(numpy.arange(1.0, 5.0, dtype="f4"), AddBackward0()) == (
        "tensor([1., 2., 3.,\n        4.],\n       grad_fn=<AddBackward0>)"
    )


def test_profiles_and_block() -> None:
    set_printoptions(profile="full", edgeitems=1)
    assert get_printoptions() == {
        "precision": 4,
        "threshold": inf,
        "edgeitems": 1,
        "linewidth": 80,
        "sci_mode": None,
    }
    with printoptions(precision=1, sci_mode=True):
        assert PRINT_OPTS.precision == 1 and PRINT_OPTS.sci_mode
        assert shown(numpy.float32([1.25])) == "tensor([1.2e+00])"
    assert PRINT_OPTS.precision == 4 and PRINT_OPTS.sci_mode is None


class DeviceArray:
    """An array that lies elsewhere: it can be cut there, and copied to the host."""

    copied: ClassVar[list[int]] = []

    def __init__(self, array: numpy.ndarray) -> None:
        self.array, self.shape, self.size, self.ndim = array, array.shape, array.size, array.ndim

    def __getitem__(self, index: Any) -> DeviceArray:
        return DeviceArray(self.array[index])

    def get(self) -> numpy.ndarray:
        self.copied.append(self.size)
        return self.array

    @staticmethod
    def concatenate(parts: list[DeviceArray], dim: int) -> DeviceArray:
        return DeviceArray(numpy.concatenate([part.array for part in parts], dim))


def test_only_the_edges_are_copied_from_a_device() -> None:
    value = tensor(numpy.zeros((1001, 2), "f4"), where="cuda:0")
    value._array = DeviceArray(value._array)  # type: ignore[assignment]
    value.kind = SimpleNamespace(xp=DeviceArray)  # type: ignore[assignment]
    assert tensor_str(value).endswith("        [0., 0.]], device='cuda:0')")
    assert DeviceArray.copied == [12]
