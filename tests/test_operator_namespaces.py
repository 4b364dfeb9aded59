"""``torch.ops``: operators by namespace and name; ``torch.classes``."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau.core.publish import ATEN
from flambeau.ops import losses
from tests.samples import generators


def test_operators_are_found_where_users_know_them() -> None:
    x = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
    assert torch.equal(torch.ops.aten.add.Tensor(x, x, alpha=2), 3 * x)
    assert torch.equal(torch.ops.aten.linalg_inv(x), torch.linalg.inv(x))
    assert torch.ops.aten.view.default(x, (4,)).shape == (4,)
    assert torch.ops.aten.add_.Scalar(x, 1) is x
    assert x[0, 0] == 3
    assert torch._chunk_cat is torch.ops.aten._chunk_cat.__wrapped__
    assert not hasattr(torch, "_nothing")


def test_an_operator_is_one_object_and_says_its_name() -> None:
    add = torch.ops.aten.add
    assert torch.ops.aten.add is add and add.Tensor is add.Tensor
    assert (str(add), str(add.Tensor), add.Tensor.name()) == (
        "aten.add", "aten.add.Tensor", "aten::add.Tensor",
    )  # fmt: skip
    assert add.default.name() == "aten::add" and add.Tensor.overloadpacket is add
    assert add.__doc__ == torch.add.__doc__
    assert {"Tensor", "default"} <= set(add.overloads())


@pytest.mark.parametrize("name", ["nothing", "nn", "save_all", "Tensor", "float32", "__wrapped__"])
def test_what_is_no_operator_is_no_attribute(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'aten' object has no attribute '{name}'"):
        getattr(torch.ops.aten, name)
    with pytest.raises(AttributeError, match="'_OpNamespace' 'mine' object has no attribute"):
        getattr(torch.ops.mine, name)


def test_an_overload_of_a_name_that_none_has() -> None:
    with pytest.raises(AttributeError, match=r"'aten\.add' has no overload name 'nothing'"):
        torch.ops.aten.add.nothing


def test_compiled_libraries_are_refused() -> None:
    for place in (torch.ops, torch.classes):
        with pytest.raises(OSError, match=r"Could not load this library: some\.so\n"):
            place.load_library("some.so")
    with pytest.raises(RuntimeError, match=r"instantiate class 'a\.B', but it does not exist!"):
        torch.classes.a.B
    assert not hasattr(torch.classes, "__wrapped__")
    assert not hasattr(torch.classes.a, "__wrapped__")


def test_the_package_of_the_operators_keeps_its_path() -> None:
    assert losses.__name__ == "flambeau.ops.losses"
    assert torch.torch is torch


def test_every_operator_below_the_public_names_has_a_sample_and_a_docstring() -> None:
    assert torch.ops.aten.add  # what is loaded when a name is missing is loaded in any case
    assert not hasattr(torch.ops.aten, "missing")
    assert [name for name, function in ATEN.items() if not function.__doc__] == []
    assert sorted({f"ops.aten.{name}" for name in ATEN} - set(generators())) == []
