"""The ctx of a Function: attributes of any name, the node seen through it, saved values packed."""

from __future__ import annotations

import pytest

import flambeau as torch

NAMES = ("shape", "kind", "saved", "edges", "hooks", "outputs", "op", "site", "likes", "function")


class Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        for name in NAMES:
            setattr(ctx, name, f"my {name}")
        ctx.size = x.shape
        ctx.save_for_backward(x)
        return x.sum()

    @staticmethod
    def backward(ctx, grad):
        assert [getattr(ctx, name) for name in NAMES] == [f"my {name}" for name in NAMES]
        (x,) = ctx.saved_tensors
        assert x.requires_grad and ctx.needs_input_grad == (True,)
        return grad.expand(ctx.size)


def test_attributes_may_have_any_name() -> None:
    x = torch.ones(3, requires_grad=True)
    y = Total.apply(x)
    assert y.grad_fn.name() == "TotalBackward" and y.grad_fn.size == (3,)
    assert torch.equal(y.grad_fn.saved_tensors[0], x)
    y.backward()
    assert torch.equal(x.grad, torch.ones(3))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        y.grad_fn.nothing


def test_hooks_of_saved_tensors() -> None:
    log = []

    def pack(tensor):
        assert not torch.is_grad_enabled()
        log.append(tuple(tensor.shape))
        return tensor.numpy().copy() if not tensor.requires_grad else tensor.detach().numpy()

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, torch.from_numpy):
        y = Total.apply(x) * (x * 1).exp()
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)  # unpacked values have their history
    e = x.detach().exp()
    assert torch.allclose(second, 5 * e + e.sum())
    assert sorted(log) == [(), (2,), (2,), (2,)]

    with (
        torch.autograd.graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t),
        pytest.raises(RuntimeError, match="pack hook is modifying its input in place"),
    ):
        x.detach().clone().requires_grad_().clone().exp()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 5):
        y = x.exp()
    with pytest.raises(TypeError, match="expected to be a Tensor but got result of type int"):
        y.sum().backward()


def test_mutation_of_saved_tensors() -> None:
    x = torch.tensor([1.0, 3.0], requires_grad=True)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        y = x.clone()
        out = (y**2).sum()
        y.zero_()
        out.backward()
    assert torch.equal(x.grad, 2 * x.detach())
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        out = (x**2).sum()
    with pytest.raises(AssertionError, match="Trying to backward outside"):
        out.backward()
