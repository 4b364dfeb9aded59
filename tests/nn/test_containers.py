"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import flambeau as torch
from flambeau import nn


def names(modules):
    return [type(module).__name__ for module in modules]


def test_sequential():
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Tanh())
    assert names(model[1:]) == ["ReLU", "Tanh"] and type(model[:1]) is nn.Sequential
    model.append(nn.GELU()).insert(0, nn.SELU())
    assert names(model) == ["SELU", "Linear", "ReLU", "Tanh", "GELU"]
    assert names([model.pop(1)]) == ["Linear"] and list(model._modules) == ["0", "1", "2", "3"]
    model[-1] = nn.ELU()
    del model[0]
    assert names(model + nn.Sequential(nn.CELU())) == ["ReLU", "Tanh", "ELU", "CELU"]
    assert len(nn.Sequential(nn.ReLU()) * 3) == 3
    assert model(torch.zeros(1)).item() == 0.0
    named = nn.Sequential(OrderedDict(first=nn.ReLU()))
    assert repr(named) == "Sequential(\n  (first): ReLU()\n)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Sequential(3), TypeError, "int is not a Module subclass"),
        (lambda: nn.Sequential(nn.ReLU())[3], IndexError, "index 3 is out of range"),
        (lambda: nn.Sequential(nn.ReLU()) + 3, ValueError, "supports only objects of Sequential"),
        (lambda: nn.Sequential(nn.ReLU()) * 0, ValueError, "Non-positive multiplication factor 0"),
        (lambda: nn.ModuleList([3]), TypeError, "int is not a Module subclass"),
        (lambda: nn.ModuleList(3), TypeError, "extend should be called with an iterable"),
        (lambda: nn.ModuleList()(1), NotImplementedError, "missing the required"),
        (lambda: nn.ModuleDict([3]), TypeError, "element #0 should be Iterable; isint"),
        (lambda: nn.ModuleDict([(1, 2, 3)]), ValueError, "has length 3; 2 is required"),
        (lambda: nn.ModuleDict({"a": nn.ReLU()})["b"], KeyError, "b"),
        (lambda: nn.ParameterList([3])[1], IndexError, "index 1 is out of range"),
        (lambda: nn.ParameterDict({3: 4}), TypeError, "cannot be used as a key"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_module_list():
    modules = nn.ModuleList([nn.ReLU()])
    modules += [nn.Tanh(), nn.GELU()]
    modules.insert(1, nn.SELU())
    assert names(modules) == ["ReLU", "SELU", "Tanh", "GELU"]
    assert names(modules[1:3]) == ["SELU", "Tanh"] and modules[0] in modules
    assert names([modules.pop(-1)]) == ["GELU"] and len(modules) == 3
    assert names(modules + [nn.CELU()])[-1] == "CELU"
    shown = repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()]))
    assert shown == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"


def test_module_dict():
    modules = nn.ModuleDict([["relu", nn.ReLU()], ["tanh", nn.Tanh()]])
    modules["linear"] = nn.Linear(1, 1)
    modules.update({"relu": nn.ReLU6()})
    assert list(modules) == ["relu", "tanh", "linear"] and "tanh" in modules
    assert names([modules.pop("tanh")]) == ["Tanh"]
    assert names(modules.values()) == ["ReLU6", "Linear"]
    modules.clear()
    assert len(modules) == 0


def test_parameter_list():
    parameters = nn.ParameterList([nn.Parameter(torch.ones(2)), torch.ones(2, 3), 3])
    parameters += [torch.ones(1)]
    assert names(parameters) == ["Parameter", "Parameter", "int", "Parameter"]
    assert list(parameters.state_dict()) == ["0", "1", "3"]
    assert len(parameters[1:3]) == 2
    assert repr(nn.ParameterList([torch.ones(2, 3), 3])) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [torch.float32 of size 2x3]\n"
        "    (1): Object of type: int\n"
        ")"
    )


def test_parameter_dict():
    parameters = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.ones(3))})
    assert list(parameters) == ["a", "b"]
    parameters["c"] = 7
    assert parameters.setdefault("d", torch.ones(1)).requires_grad
    assert parameters.popitem()[0] == "d" and parameters.pop("c") == 7
    union = parameters | nn.ParameterDict({"z": torch.ones(1)})
    assert list(union) == ["a", "b", "z"] and list(reversed(parameters)) == ["b", "a"]
    assert parameters.get("nothing") is None and list(parameters.copy()) == ["a", "b"]
    assert list(nn.ParameterDict().fromkeys(["x", "y"], 1)) == ["x", "y"]
