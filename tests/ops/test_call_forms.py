"""The names and places of arguments: calls as programs write them, with PyTorch's results."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import flambeau as torch

CUBE: Any = torch.arange(24.0).reshape(2, 3, 4)
ROW: Any = torch.arange(3.0)
EYE: Any = torch.eye(3)
COUNTS: Any = torch.tensor([1, 2])
FIRST: Any = torch.tensor([0])

VALUES: list[tuple[str, Any]] = [
    ("CUBE.new_zeros(size=(2,))", [0, 0]),
    ("CUBE.new_zeros(size=(2,), dtype=torch.int64)", [0, 0]),
    ("CUBE.new_ones(size=[2])", [1, 1]),
    ("CUBE.new_full(size=(2,), fill_value=1)", [1, 1]),
    ("torch.zeros(size=(2,))", [0, 0]),
    ("torch.zeros(size=(2, 1), dtype=torch.int32)", [[0], [0]]),
    ("torch.ones(size=torch.Size((2,)))", [1, 1]),
    ("torch.full(size=(2,), fill_value=1)", [1, 1]),
    ("torch.repeat_interleave(repeats=COUNTS)", [0, 1, 1]),
    ("torch.repeat_interleave(repeats=COUNTS, output_size=3)", [0, 1, 1]),
    ("torch.repeat_interleave(input=COUNTS, repeats=2)", [1, 1, 2, 2]),
    ("torch.tensor_split(ROW, sections=3)", [[0], [1], [2]]),
    ("torch.tensor_split(ROW, indices=(1,))", [[0], [1, 2]]),
    ("torch.tensor_split(ROW, tensor_indices_or_sections=torch.tensor(3))", [[0], [1], [2]]),
    ("ROW.tensor_split(sections=3)", [[0], [1], [2]]),
    ("ROW.tensor_split(indices=(1,), dim=0)", [[0], [1, 2]]),
    ("torch.hsplit(ROW, sections=3)", [[0], [1], [2]]),
    ("ROW.hsplit(indices=(1,))", [[0], [1, 2]]),
    ("EYE.vsplit(sections=1)", [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]),
    ("torch.linalg.norm(input=EYE, ord=1)", 1),
    ("torch.get_device(input=ROW)", -1),
    ("torch.split_copy(input=ROW, split_size=2)", [[0, 1], [2]]),
    ("torch.unsafe_split(input=ROW, split_size=2)", [[0, 1], [2]]),
    ("ROW.clone().copy_(other=ROW + 1)", [1, 2, 3]),
    ("ROW.type_as(other=FIRST)", [0, 1, 2]),
    ("ROW.narrow(dim=0, start=0, length=1)", [0]),
    ("FIRST.expand(size=(2, 1))", [[0], [0]]),
    ("torch.pow(input=ROW, exponent=2)", [0, 1, 4]),
    ("torch.searchsorted(sorted_sequence=ROW, input=ROW)", [0, 1, 2]),
    ("ROW.where(condition=ROW > 1, other=-ROW)", [0, -1, 2]),
    ("ROW.masked_scatter(mask=ROW > 1, source=ROW)", [0, 1, 0]),
    ("ROW.mul(other=2)", [0, 2, 4]),
    ("CUBE.sum((0, 1), True)", [[[60, 66, 72, 78]]]),
    ("ROW.norm(2, 0, True, torch.float64).dtype is torch.float64", True),
    ("torch.norm(ROW, 2, 0, True, None, torch.float64).dtype is torch.float64", True),
    ("(ROW / 2 + 0.26).round(decimals=1)", pytest.approx([0.3, 0.8, 1.3])),
]

REFUSED = [
    "CUBE.new_zeros(2, size=(3,))",
    "torch.zeros(2, size=(3,))",
    "torch.zeros((2,), size=(3,))",
    "torch.repeat_interleave()",
    "torch.tensor_split(ROW)",
    "torch.tensor_split(ROW, 2, indices=(1,))",
    "torch.hsplit(ROW)",
    "torch.hsplit(ROW, sections=3, indices=(1,))",
    "CUBE.type_as(tensor=FIRST)",
    "CUBE.narrow(dimension=0, start=0, length=1)",
    "CUBE.mul(value=2)",
    "CUBE.where(CUBE > 0, y=CUBE)",
    "CUBE.sum(0, True, torch.float64)",
    "CUBE.cumsum(0, torch.float64)",
    "CUBE.round(1)",
    "ROW.copy_(src=ROW)",
]


def listed(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return result.tolist()
    return [listed(r) for r in result] if isinstance(result, tuple) else result


@pytest.mark.parametrize("call, expected", VALUES, ids=[call for call, _ in VALUES])
def test_accepted(call: str, expected: Any) -> None:
    assert listed(eval(call)) == expected


@pytest.mark.parametrize("call", REFUSED)
def test_refused(call: str) -> None:
    with pytest.raises(TypeError):
        eval(call)


@pytest.mark.parametrize(
    "call", ["CUBE.new_empty(size=(2, 5))", "torch.empty(size=(2, 5))", "ROW.new(size=(2, 5))"]
)
def test_sizes_of_memory_without_values(call: str) -> None:
    assert eval(call).shape == (2, 5)


OLD: list[tuple[str, Any]] = [
    ("torch.add(ROW, 2, ROW)", [0, 3, 6]),
    ("torch.add(ROW, 2, 2)", [4, 5, 6]),
    ("ROW.add(2, ROW)", [0, 3, 6]),
    ("ROW.add(torch.tensor(2.0), ROW)", [0, 3, 6]),
    ("ROW.clone().add_(-0.5, ROW)", [0, 0.5, 1]),
    ("torch.sub(ROW, 2, ROW)", [0, -1, -2]),
    ("ROW.clone().sub_(2, ROW)", [0, -1, -2]),
    ("torch.addcmul(ROW, 2, ROW, ROW)", [0, 3, 10]),
    ("ROW.addcmul(2, ROW, ROW)", [0, 3, 10]),
    ("ROW.clone().addcmul_(2, ROW, ROW)", [0, 3, 10]),
    ("torch.addcdiv(ROW, 2, ROW, ROW + 1)", [0, 2, pytest.approx(10 / 3)]),
    ("ROW.clone().addcdiv_(2, ROW, ROW + 1)", [0, 2, pytest.approx(10 / 3)]),
]


@pytest.mark.parametrize("call, expected", OLD, ids=[call for call, _ in OLD])
def test_a_number_may_come_before_what_it_scales_with_a_warning(call: str, expected: Any) -> None:
    with pytest.warns(UserWarning, match="This overload of .* is deprecated:"):
        result = eval(call)
    assert listed(result) == expected


@pytest.mark.parametrize(
    "call, message",
    [
        ("torch.add(ROW, ROW, ROW)", r"add\(\) takes 2 positional arguments but 3 were given"),
        ("ROW.add_(ROW, ROW)", r"add_\(\) takes 1 positional argument but 2 were given"),
        ("ROW.addcmul_(ROW, ROW, ROW)", r"addcmul_\(\) takes 2 positional arguments but 3 were"),
        ("ROW.add(2, ROW, alpha=3)", "positional"),
        ("ROW.addcmul(2, ROW, ROW, value=3)", "positional"),
    ],
)
def test_other_numbers_of_arguments_are_refused(call: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        eval(call)


@pytest.mark.parametrize("name", ["mm", "bmm"])
def test_products_in_a_wider_dtype_are_not_rounded_to_halves(name: str) -> None:
    a = torch.full((1, 3), 0.1).half()
    b = torch.full((3, 1), 0.3).half()
    expected = (a.numpy().astype(numpy.float32) @ b.numpy().astype(numpy.float32)).item()
    if name == "bmm":
        a, b = a[None], b[None]
    found = getattr(torch, name)(a, b, out_dtype=torch.float32)
    assert found.dtype is torch.float32 and found.item() == pytest.approx(expected, rel=1e-6)
    assert getattr(torch, name)(a, b).float().item() != found.item()
