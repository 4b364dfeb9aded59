"""Checkpointing: the same gradients with fewer values kept."""

from __future__ import annotations

import gc
import weakref
from functools import partial

import pytest

import flambeau as torch
from flambeau.utils import checkpoint as space

checkpoint = space.checkpoint
BOTH = pytest.mark.parametrize("reentrant", [True, False])


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(4, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)


def block(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return (x @ w).tanh().exp() / (x * x + 1).sum(1, keepdim=True)


@BOTH
def test_gradients_are_those_of_the_plain_run(reentrant: bool) -> None:
    x, w = inputs()
    checkpoint(block, x, w, use_reentrant=reentrant).sum().backward()
    a, b = inputs()
    block(a, b).sum().backward()
    assert torch.equal(x.grad, a.grad) and torch.equal(w.grad, b.grad)


@BOTH
def test_second_run_draws_the_same_numbers(reentrant: bool) -> None:
    x = torch.ones(1000, requires_grad=True)
    y = checkpoint(lambda t: torch.nn.functional.dropout(t * t), x, use_reentrant=reentrant)
    state = torch.get_rng_state()
    y.sum().backward()
    assert torch.equal(x.grad, y.detach() * 2)  # the same elements were dropped
    assert torch.equal(torch.get_rng_state(), state)


def test_second_derivatives_flow_through() -> None:
    x = torch.tensor([0.5, 1.5], requires_grad=True)
    y = checkpoint(lambda t: t.exp() * t.sin(), x, use_reentrant=False)
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert torch.allclose(second, 2 * x.exp() * x.cos())


def test_nested_checkpoints_and_two_passes() -> None:
    calls = []

    def inner(t: torch.Tensor) -> torch.Tensor:
        calls.append("inner")
        return t.sin().exp()

    def outer(t: torch.Tensor) -> torch.Tensor:
        calls.append("outer")
        return checkpoint(inner, t.cos(), use_reentrant=False) * t

    x = torch.tensor([0.3, 0.7], requires_grad=True)
    y = checkpoint(outer, x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    once = x.grad.clone()
    y.sum().backward()
    assert torch.allclose(x.grad, 2 * once)
    plain = torch.tensor([0.3, 0.7], requires_grad=True)
    (plain.cos().sin().exp() * plain).sum().backward()
    assert torch.allclose(once, plain.grad)
    assert calls[:2] == ["outer", "inner"] and calls.count("outer") == 3


def test_stops_as_early_as_it_can() -> None:
    reached: list[str] = []

    def function(t: torch.Tensor) -> torch.Tensor:
        y = t.exp()
        reached.append("end")
        return y

    x = torch.ones(2, requires_grad=True)
    checkpoint(function, x, use_reentrant=False).sum().backward()
    assert reached == ["end"]
    with space.set_checkpoint_early_stop(False):
        y = checkpoint(function, x, use_reentrant=False)
    y.sum().backward()
    assert reached == ["end"] * 3


def test_intermediate_values_are_not_kept() -> None:
    seen: list[weakref.ref] = []

    def function(t: torch.Tensor) -> torch.Tensor:
        y = t * 2
        seen.append(weakref.ref(y))
        return y.exp().sin()

    out = checkpoint(function, torch.ones(3, requires_grad=True), use_reentrant=False)
    gc.collect()
    assert seen[0]() is None
    out.sum().backward()


def different(flip: list[int], t: torch.Tensor) -> torch.Tensor:
    flip[0] += 1
    return (t if flip[0] == 1 else t[:2]).sin()


def test_a_change_between_the_runs_is_an_error() -> None:
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(partial(different, [0]), x, use_reentrant=False)
    with pytest.raises(space.CheckpointError, match=r"different metadata.*\n.*position 0"):
        y.sum().backward()
    y = checkpoint(partial(different, [0]), x, use_reentrant=False, debug=True)
    with pytest.raises(space.CheckpointError, match=r"Operators of the recomputation:\n>  slice"):
        y.sum().backward()

    def fewer(flip: list[int], t: torch.Tensor) -> torch.Tensor:
        flip[0] += 1
        return t.sin().cos() if flip[0] == 1 else t.sin()

    y = checkpoint(partial(fewer, [0]), x, use_reentrant=False)
    with pytest.raises(space.CheckpointError, match="saved during recomputation: 1"):
        y.sum().backward()


def test_reentrant_refuses_what_it_cannot_do() -> None:
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(torch.sin, x, use_reentrant=True)
    with pytest.raises(RuntimeError, match=r"incompatible with \.grad\(\)"):
        torch.autograd.grad(y.sum(), x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: foo"):
        checkpoint(torch.sin, x, use_reentrant=True, foo=1)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        checkpoint(torch.sin, torch.ones(3), use_reentrant=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(torch.sin, x)


def test_sequential_is_the_whole_chain() -> None:
    model = torch.nn.Sequential(*[torch.nn.Linear(3, 3) for _ in range(5)])
    x, _ = inputs()
    out = space.checkpoint_sequential(model, 2, x, use_reentrant=False)
    assert torch.equal(out, model(x))
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_selective_keeps_the_chosen_results() -> None:
    computed: list[str] = []

    def policy(ctx: space.SelectiveCheckpointContext, op: object, *args: object) -> object:
        computed.append(f"{op.name}{'*' * ctx.is_recompute}")
        save = op.name == "exp"
        return space.CheckpointPolicy.MUST_SAVE if save else space.CheckpointPolicy.MUST_RECOMPUTE

    x = torch.tensor([0.1, 0.2], requires_grad=True)
    contexts = partial(space.create_selective_checkpoint_contexts, policy)
    y = checkpoint(lambda t: t.sin().exp().cos(), x, use_reentrant=False, context_fn=contexts)
    y.sum().backward()
    assert computed == ["sin", "exp", "cos", "sin*", "exp*", "cos*"]
    expected = -x.sin().exp().sin() * x.sin().exp() * x.cos()
    assert torch.allclose(x.grad, expected)
    with pytest.raises(TypeError, match="either a function or a list"):
        space.create_selective_checkpoint_contexts(5)
    with pytest.raises(ValueError, match="Expected op in `op_list`"):
        space.create_selective_checkpoint_contexts([5])
