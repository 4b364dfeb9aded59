"""The Optimizer class: groups, state, hooks and messages."""

from __future__ import annotations

import copy
import pickle

import pytest

import flambeau as torch
from flambeau import nn, optim
from flambeau.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


def parameter(size=2):
    return nn.Parameter(torch.ones(size))


def moved(optimizer, params):
    for one in params:
        one.grad = torch.ones_like(one)
    optimizer.step()
    return [one.detach().tolist() for one in params]


class TestGroups:
    def test_options_of_their_own(self):
        first, second = parameter(), parameter(3)
        optimizer = optim.SGD([{"params": first, "lr": 0.5}, {"params": [second]}], lr=0.1)
        assert moved(optimizer, [first, second])[0] == [0.5, 0.5]
        assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]

    def test_names(self):
        model = nn.Linear(2, 2)
        optimizer = optim.SGD(model.named_parameters())
        assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
        with pytest.raises(ValueError, match="cannot add param group without names"):
            optimizer.add_param_group({"params": [parameter()]})

    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda p: optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
            (lambda p: optim.SGD(p), TypeError, r"iterable of Tensors or dicts, but got torch\.Fl"),
            (lambda p: optim.SGD([1.0]), TypeError, "one of the params is float"),
            (lambda p: optim.SGD([p * 2]), ValueError, "can't optimize a non-leaf Tensor"),
            (lambda p: optim.SGD([{"params": {p}}]), TypeError, "organized in ordered collections"),
            (lambda p: optim.SGD([p], lr=-1), ValueError, "Invalid learning rate: -1"),
            (lambda p: optim.SGD([p], nesterov=True), ValueError, "Nesterov momentum requires"),
            (lambda p: optim.SGD([p], lr=torch.ones(2)), ValueError, "must be 1-element"),
            (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "at index 0: 1.0"),
            (lambda p: optim.Adam([p], eps=-1), ValueError, "Invalid epsilon value: -1"),
            (lambda p: optim.Adam([p], fused=True, foreach=True), RuntimeError, "together"),
            (lambda p: optim.Rprop([p], etas=(2, 1)), ValueError, "Invalid eta values: 2, 1"),
            (lambda p: optim.Muon([p]), ValueError, "only supports 2D parameters"),
            (lambda p: optim.SparseAdam([p], lr=0), ValueError, "Invalid learning rate: 0"),
        ],
    )
    def test_refusals(self, make, error, message):
        with pytest.raises(error, match=message):
            make(parameter())

    def test_groups_are_distinct(self):
        shared = parameter()
        optimizer = optim.SGD([shared])
        with pytest.raises(ValueError, match="appear in more than one parameter group"):
            optimizer.add_param_group({"params": [shared]})
        with pytest.warns(UserWarning, match="duplicate parameters"):
            optim.SGD([shared, shared])

    def test_printed_form(self):
        assert repr(optim.SGD([parameter()], lr=0.1)) == (
            "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n"
            "    foreach: None\n    fused: None\n    lr: 0.1\n    maximize: False\n"
            "    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
        )


class TestState:
    def test_resuming_goes_on_as_before(self):
        one, other = parameter(), parameter()
        first = optim.Adam([one], lr=0.1)
        moved(first, [one])
        second = optim.Adam([other], lr=0.5)
        with torch.no_grad():
            other.copy_(one)
        second.load_state_dict(copy.deepcopy(first.state_dict()))
        assert moved(first, [one]) == moved(second, [other])
        assert second.param_groups[0]["lr"] == 0.1

    def test_form_of_the_state_dict(self):
        one = parameter()
        optimizer = optim.Adam([one])
        moved(optimizer, [one])
        state = optimizer.state_dict()
        assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
        assert state["param_groups"][0]["params"] == [0]
        assert state["state"][0]["step"].dtype is torch.float32

    def test_loading_casts_to_the_parameter(self):
        one, other = nn.Parameter(torch.ones(2, dtype=torch.float64)), parameter()
        first, second = optim.Adam([one]), optim.Adam([other])
        moved(first, [one])
        second.load_state_dict(first.state_dict())
        assert second.state[other]["exp_avg"].dtype is torch.float32

    def test_sizes_must_match(self):
        with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
            optim.SGD([parameter()]).load_state_dict(
                optim.SGD([parameter(), parameter()]).state_dict()
            )

    def test_copies_and_pickles(self):
        one = parameter()
        optimizer = optim.Adam([one])
        moved(optimizer, [one])
        for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
            assert twin.param_groups[0]["params"][0] is not one
            assert len(twin.state) == 1

    def test_zero_grad(self):
        one = parameter()
        optimizer = optim.SGD([one])
        one.grad = kept = torch.ones(2)
        optimizer.zero_grad(set_to_none=False)
        assert one.grad is kept
        assert kept.tolist() == [0.0, 0.0]
        optimizer.zero_grad()
        assert one.grad is None

    def test_swapping_in_other_parameters(self):
        one, other = parameter(), parameter()
        optimizer = optim.SGD([one], lr=0.5)
        state = optimizer.state_dict()
        with optim.swap_in_optimizer_params_and_state(optimizer, [other], state):
            moved(optimizer, [other])
        assert one.tolist() == [1.0, 1.0]
        assert other.tolist() == [0.5, 0.5]


class TestHooks:
    def test_around_a_step(self):
        calls = []
        one = parameter()
        optimizer = optim.SGD([one], lr=0.1)
        handles = [
            register_optimizer_step_pre_hook(lambda *given: calls.append("everywhere before")),
            register_optimizer_step_post_hook(lambda *given: calls.append("everywhere after")),
            optimizer.register_step_pre_hook(lambda opt, args, kwargs: calls.append(len(args))),
            optimizer.register_step_post_hook(lambda opt, args, kwargs: calls.append("after")),
        ]
        moved(optimizer, [one])
        assert calls == ["everywhere before", 1, "after", "everywhere after"]
        for handle in handles:
            handle.remove()
        moved(optimizer, [one])
        assert len(calls) == 4

    def test_around_states(self):
        optimizer = optim.SGD([parameter()])
        optimizer.register_state_dict_post_hook(lambda opt, state: {**state, "extra": 1})
        optimizer.register_load_state_dict_pre_hook(lambda opt, state: {
            key: value for key, value in state.items() if key != "extra"
        })  # fmt: skip
        state = optimizer.state_dict()
        assert state["extra"] == 1
        optimizer.load_state_dict(state)


def test_an_optimizer_of_ones_own():
    class Decay(optim.Optimizer):
        def __init__(self, params, rate):
            super().__init__(params, {"rate": rate})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for one in group["params"]:
                    self.state[one]["seen"] = self.state[one].get("seen", 0) + 1
                    one.mul_(group["rate"])

    one = parameter()
    optimizer = Decay([one], 0.5)
    optimizer.step()
    optimizer.step()
    assert one.tolist() == [0.25, 0.25]
    assert optimizer.state_dict()["state"] == {0: {"seen": 2}}


def test_closures_run_with_gradients_on():
    one = parameter()
    optimizer = optim.SGD([one], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (one * one).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 2.0
    assert one.tolist() == pytest.approx([0.8, 0.8])
