"""``torch.cond`` and ``torch.while_loop``."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch
from tests.ops.finite_differences import check_gradients


def double(x: Any) -> Any:
    return 2 * x


def refused(*args: Any) -> Any:
    raise AssertionError("the other branch")


@pytest.mark.parametrize("pred", [torch.tensor(True), torch.tensor([[2]]), torch.tensor(0.5)])
def test_one_branch_is_taken(pred: torch.Tensor) -> None:
    x = torch.ones(2, requires_grad=True)
    torch.cond(pred, double, refused, (x,)).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    assert torch.cond(~pred.bool(), refused, double, [x]).tolist() == [2.0, 2.0]


def test_nested_operands_and_none_at_all() -> None:
    x = torch.ones(1)
    assert torch.cond(torch.tensor(True), lambda d, e: d["a"][0] + e, refused, ({"a": [x]}, x)) == 2
    assert torch.cond(torch.tensor(False), refused, lambda: 3) == 3


def test_a_python_constant_warns() -> None:
    with pytest.warns(UserWarning, match="Pred is a Python constant"):
        assert torch.cond(True, double, refused, (torch.ones(1),)) == 2


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Expected pred to be bool or tensor, but got x.", ("x", double, double)),
        ("Expected pred to be bool or single-element tensor, but got", (torch.ones(2), 1, 1)),
        ("Expect both branches to be callable.", (torch.ones(1), double, 3)),
        ("Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of "
         "tensor leaves, but got (3,).", (torch.ones(1), double, double, (3,))),
    ],
)  # fmt: skip
def test_what_cond_refuses(message: str, arguments: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.cond(*arguments)
    assert str(caught.value).startswith(message)


def test_a_loop_carries_tensors_and_numbers() -> None:
    def below(i: Any, x: Any) -> Any:
        return i < 3

    def body(i: Any, x: Any) -> Any:
        return i + 1, {"x": x["x"] * x["x"]}

    x = torch.tensor([1.5, -0.5], dtype=torch.float64, requires_grad=True)
    i, result = torch.while_loop(below, body, (torch.tensor(0), {"x": x}))
    assert i == 3 and torch.equal(result["x"], x**8)
    check_gradients(lambda x: (torch.while_loop(below, body, (0, {"x": x}))[1]["x"],), [x], 0)
    assert torch.while_loop(lambda i: i < 0, refused, (torch.tensor(1),)) == (torch.tensor(1),)
    assert torch.while_loop(lambda i: i < 2, lambda i: i + 1, (0,)) == (2,)


@pytest.mark.parametrize(
    ("message", "body", "carried"),
    [
        ("Expect cond_fn and body_fn to be callable.", 3, ()),
        ("Expect carried_inputs to be a tuple of possibly nested", double, torch.ones(1)),
        ("Expect carried_inputs to be a tuple of possibly nested", double, ("x",)),
        ("Expected body_fn_output and carried_inputs to have same number of outputs",
         lambda x: (x, x), (torch.ones(1),)),
        ("Expected body_fn_output and carried_inputs to have same metadata but found:\npair[0]",
         lambda x: x.double(), (torch.ones(1),)),
        ("Expected body_fn_output and carried_inputs to have same metadata",
         lambda x: x.sum(), (torch.ones(2),)),
    ],
)  # fmt: skip
def test_what_a_loop_refuses(message: str, body: Any, carried: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.while_loop(lambda x: True, body, carried)
    assert str(caught.value).startswith(message)


def test_a_condition_has_one_element() -> None:
    with pytest.raises(RuntimeError, match="Expected cond_fn to return a boolean tensor of one"):
        torch.while_loop(lambda x: x > 0, double, (torch.ones(2),))
