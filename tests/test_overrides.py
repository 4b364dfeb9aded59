"""``torch.overrides``: types and modes that see operators."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import flambeau as torch
from flambeau import overrides as O


class Duck:
    """Answers calls with what it was asked."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return cls.__name__, func.__name__, types, args[1:], kwargs


class Duckling(Duck):
    pass


class Silent:
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return NotImplemented


class Sub(torch.Tensor):
    pass


def sub() -> Sub:
    return torch.ones(1).as_subclass(Sub)


class Names(O.TorchFunctionMode):
    """Notes what is called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(func.__name__)
        return func(*args, **(kwargs or {}))


def test_what_counts_as_a_tensor() -> None:
    x = torch.ones(1)
    assert all(map(O.is_tensor_like, (x, sub(), Duck(), torch.nn.Parameter(x))))
    assert not O.is_tensor_like(3)
    assert [O.has_torch_function((v,)) for v in (x, torch.nn.Parameter(x), 3, sub(), Duck())] == [
        False, False, False, True, True,
    ]  # fmt: skip
    assert O.has_torch_function_unary(Duck()) and O.has_torch_function_variadic(x, sub())
    with pytest.raises(TypeError, match="expected a sequence"):
        O.has_torch_function(3)


def test_calls_are_handed_to_the_most_derived_type() -> None:
    def ours(*values: Any, **options: Any) -> Any:
        if O.has_torch_function(values):
            return O.handle_torch_function(ours, values, *values, **options)
        return "plain"

    duck, duckling = Duck(), Duckling()
    assert ours(duck, duckling, a=1) == (
        "Duckling", "ours", (Duckling, Duck), (duckling,), {"a": 1},
    )  # fmt: skip
    assert ours(Silent(), duck)[0] == "Duck" and ours(3) == "plain"
    with pytest.raises(TypeError, match=r"no implementation found for .*ours' on types"):
        ours(Silent())


def test_a_function_is_wrapped() -> None:
    @O.wrap_torch_function(lambda a, b=1: (a,))
    def ours(a: Any, b: Any = 1) -> Any:
        return a, b

    assert ours(3, b=2) == (3, 2)
    assert ours(Duck(), b=Duck())[1] == "ours"
    assert ours.__name__ == "ours"


def test_a_mode_sees_operators_and_is_off_in_itself() -> None:
    outer, inner = Names(), Names()
    x = torch.ones(2, requires_grad=True)
    with outer:
        with inner:
            y = (x + 1).exp()
        y.sum().backward()
    torch.ones(2).neg()
    assert inner.seen == ["add", "exp"] and outer.seen[:3] == ["add", "exp", "sum"]
    with pytest.raises(NotImplementedError), O.TorchFunctionMode():
        torch.ones(1) + 1
    with O.BaseTorchFunctionMode():
        assert (torch.ones(1) + 1).item() == 2
    with pytest.warns(UserWarning, match="no longer necessary"):
        assert isinstance(Names.push(), Names)


def test_an_operator_is_told_by_its_function() -> None:
    class Doubled(O.TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            handled = {torch.add: torch.sub, torch.softmax: torch.log_softmax}
            return handled[func](*args, **(kwargs or {}))

    with Doubled():
        assert torch.add(torch.ones(1), 3, alpha=2).item() == -5
        assert torch.softmax(torch.zeros(1), 0).item() == 0


def test_a_call_goes_past_its_own_override() -> None:
    seen: list[str] = []

    class Logging(torch.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append(func.__name__)
            return O.redispatch_function(func, types, args, kwargs)

    def scaled(a: Any, b: Any) -> Any:
        if O.has_torch_function((a, b)):
            return O.handle_torch_function(scaled, (a, b), a, b)
        return a * b + 1

    a, b = (torch.tensor([v]).as_subclass(Logging) for v in (3.0, 4.0))
    assert scaled(a, b).item() == 13
    assert seen == ["scaled", "mul"]


def test_modes_and_subclasses_are_off_inside() -> None:
    with Names() as mode:
        with torch.DisableTorchFunction():
            assert type(sub() + 1) is torch.Tensor
        torch.ones(1).neg()
    assert mode.seen == ["neg"]


def test_subclasses_count_again_inside() -> None:
    with torch.DisableTorchFunctionSubclass():
        assert not O.has_torch_function((sub(),))
        with O.enable_reentrant_dispatch():
            assert O.has_torch_function((sub(),))
        assert not O.has_torch_function((sub(),))


def test_what_can_be_overridden() -> None:
    overridable = O.get_overridable_functions()
    assert torch.add in overridable[torch] and torch.zeros not in overridable[torch]
    assert torch.nn.functional.mse_loss in overridable[torch.nn.functional]
    assert torch.Tensor.view in overridable[torch.Tensor]
    assert torch.zeros in O.get_ignored_functions()
    assert not O.get_ignored_functions() & set(overridable[torch])
    override = O.get_testing_overrides()[torch.add]
    assert override(1, 2) == -1
    assert inspect.signature(override) == inspect.signature(torch.add)


@pytest.mark.parametrize(
    ("path", "name"),
    [("add", "torch.add"), ("linalg.inv", "torch.linalg.inv"), ("Tensor.view", "torch.Tensor.view"),
     ("nn.functional.mse_loss", "torch.nn.functional.mse_loss"), ("zeros", None)],
)  # fmt: skip
def test_names(path: str, name: str | None) -> None:
    found: Any = torch
    for part in path.split("."):
        found = getattr(found, part)
    assert O.resolve_name(found) == name


def test_methods_and_getters() -> None:
    assert O.is_tensor_method_or_property(torch.Tensor.view)
    assert O.is_tensor_method_or_property(torch.Tensor.requires_grad.__get__)
    assert not O.is_tensor_method_or_property(torch.nn.functional.mse_loss)
    assert torch.Tensor.grad.__get__ in O.get_default_nowrap_functions()
