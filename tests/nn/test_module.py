"""nn.Module: attributes, the tree, moves, text, copies, and errors that say where they arose."""

from __future__ import annotations

import copy
import pickle

import pytest

import flambeau as torch
from flambeau import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
        self.table = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Conv2d(1, 2, 3, padding=1)})

    def extra_repr(self):
        return "depth=3"

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class TestAttributes:
    def test_roles_follow_assignment(self):
        module = nn.Module()
        module.thing = nn.Parameter(torch.ones(2))
        assert list(module._parameters) == ["thing"]
        with pytest.raises(TypeError, match=r"cannot assign 'torch\.FloatTensor' as parameter"):
            module.thing = torch.ones(2)
        module.thing = None
        assert module.thing is None and list(module.parameters()) == []
        module.other = nn.ReLU()
        with pytest.raises(TypeError, match="cannot assign 'int' as child module 'other'"):
            module.other = 3
        module.register_buffer("state", torch.ones(2))
        module.state = torch.zeros(3)
        assert module._buffers["state"].shape == (3,)
        del module.other, module.state, module.thing
        assert not module.state_dict() and not hasattr(module, "other")

    def test_a_parameter_replaces_a_plain_attribute(self):
        module = nn.Module()
        module.weight = 3
        module.weight = nn.Parameter(torch.ones(1))
        assert "weight" not in vars(module) and len(list(module.parameters())) == 1

    def test_buffer_class(self):
        module = nn.Module()
        module.kept = nn.Buffer(torch.ones(2))
        module.dropped = nn.Buffer(torch.ones(2), persistent=False)
        assert isinstance(module.kept, nn.Buffer) and type(module.kept) is torch.Tensor
        assert list(module.state_dict()) == ["kept"]
        assert [name for name, _ in module.named_buffers()] == ["kept", "dropped"]

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda m: m.register_parameter("a.b", None), KeyError, "parameter name can"),
            (lambda m: m.register_parameter("", None), KeyError, "be empty string"),
            (lambda m: m.register_parameter(3, None), TypeError, "should be a string. Got int"),
            (lambda m: m.register_buffer("forward", None), KeyError, "'forward' already exists"),
            (lambda m: m.register_buffer("x", 3), TypeError, "'int' object to buffer 'x'"),
            (lambda m: m.add_module("x", 3), TypeError, "int is not a Module subclass"),
            (lambda m: m.nothing, AttributeError, "'Linear' object has no attribute 'nothing'"),
            (lambda m: m.get_submodule("a.b"), AttributeError, "Linear has no attribute `a`"),
            (lambda m: m.get_submodule("weight"), AttributeError, "is not an nn.Module"),
            (lambda m: m.get_parameter("zz"), AttributeError, "Linear has no attribute `zz`"),
            (lambda m: m.get_buffer("weight"), AttributeError, "`weight` is not a buffer"),
            (lambda m: m.train("yes"), ValueError, "training mode is expected to be boolean"),
            (lambda m: nn.Module()(1), NotImplementedError, 'missing the required "forward"'),
        ],
    )
    def test_refusals(self, call, error, message):
        with pytest.raises(error, match=message):
            call(nn.Linear(2, 3))

    def test_too_early(self):
        class Early(nn.Module):
            def __init__(self):
                self.weight = nn.Parameter(torch.ones(1))

        with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
            Early()


class TestTree:
    def test_shared_modules_come_once(self):
        shared = nn.Linear(2, 2)
        model = nn.Sequential(shared, nn.Sequential(shared, nn.BatchNorm1d(2)))
        assert [name for name, _ in model.named_modules()] == ["", "0", "1", "1.1"]
        names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
        assert names == ["0.weight", "0.bias", "1.0.weight", "1.0.bias", "1.1.weight", "1.1.bias"]
        assert len(list(model.parameters())) == 4
        assert next(iter(model.named_buffers(prefix="p")))[0] == "p.1.1.running_mean"

    def test_lookup_and_replacement(self):
        model = nn.Sequential(nn.Sequential(nn.Linear(2, 3)))
        model.set_submodule("0.0", nn.Tanh())
        assert repr(model.get_submodule("0.0")) == "Tanh()" and model.get_submodule("") is model
        with pytest.raises(ValueError, match="without a target name"):
            model.set_submodule("", nn.Tanh())

    def test_apply_goes_upwards(self):
        seen = []
        model = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh()))
        assert model.apply(lambda module: seen.append(type(module).__name__)) is model
        assert seen == ["ReLU", "Tanh", "Sequential", "Sequential"]

    def test_modes(self):
        model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(2)))
        assert not any(module.training for module in model.eval().modules())
        assert all(module.training for module in model.train().modules())
        assert not any(one.requires_grad for one in model.requires_grad_(False).parameters())

    def test_zero_grad(self):
        layer = nn.Linear(2, 2)
        layer(torch.ones(1, 2)).sum().backward()
        grad = layer.weight.grad
        layer.zero_grad(set_to_none=False)
        assert layer.weight.grad is grad and grad.abs().sum() == 0
        layer.zero_grad()
        assert layer.weight.grad is None


class TestMoves:
    def test_parameters_stay_the_same_objects(self):
        norm = nn.BatchNorm1d(2)
        weight = norm.weight
        norm(torch.rand(4, 2)).sum().backward()
        assert norm.to(torch.float64) is norm and norm.weight is weight
        dtypes = [value.dtype for value in norm.state_dict().values()]
        assert dtypes == [torch.float64] * 4 + [torch.int64]
        assert weight.grad.dtype is torch.float64 and weight.is_leaf
        with pytest.raises(TypeError, match="only accepts floating point or complex"):
            norm.to(torch.int64)

    def test_meta(self):
        layer = nn.Linear(2, 3, device="meta")
        assert layer.weight.is_meta
        assert layer.to_empty(device="cpu").weight.device.type == "cpu"
        assert isinstance(layer.weight, nn.Parameter) and layer.weight.requires_grad


def test_printed_form():
    assert repr(nn.Sequential(Block(), nn.Softmax(dim=-1))) == (
        "Sequential(\n"
        "  (0): Block(\n"
        "    depth=3\n"
        "    (layers): ModuleList(\n"
        "      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)\n"
        "    )\n"
        "    (table): ModuleDict(\n"
        "      (a): ReLU()\n"
        "      (b): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n"
        "    )\n"
        "  )\n"
        "  (1): Softmax(dim=-1)\n"
        ")"
    )


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_are_independent_and_keep_sharing(copied):
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model.append(model[0])
    again = copied(model)
    assert again[0] is again[2] and again[0].weight is not model[0].weight
    x = torch.rand(3, 2)
    assert torch.equal(again(x), model(x))


def test_hooks_survive_copies():
    layer = nn.Linear(1, 1)
    layer.register_forward_hook(lambda module, args, output: output * 0)
    again = copy.deepcopy(layer)
    assert again(torch.ones(1)).item() == 0.0


class TestErrorsSayWhere:
    def test_path_of_the_module(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.block = Block()

            def forward(self, x):
                return self.block(x)

        net = nn.Sequential(nn.Identity(), Net())
        with pytest.raises(
            RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"
        ) as caught:
            net(torch.ones(1, 3))
        assert caught.value.__notes__[-1] == (
            "in module 1.block.layers.0 (Linear(in_features=2, out_features=2, bias=True))"
        )

    def test_module_alone(self):
        with pytest.raises(RuntimeError) as caught:
            nn.Linear(2, 2)(torch.ones(1, 3))
        assert "in module Linear(in_features=2" in caught.value.__notes__[-1]
