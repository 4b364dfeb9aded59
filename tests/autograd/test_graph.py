"""The graph as users see it: names, edges, saved values."""

from __future__ import annotations

import gc
import weakref

import pytest

import flambeau as torch


def names(node) -> list:
    return [(n and n.name(), i) for n, i in node.next_functions]


def test_names_and_edges() -> None:
    """PyTorch's names of nodes; numbers tell the results of a node apart; None: no gradient."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2 + 1).exp()
    assert y.grad_fn.name() == "ExpBackward0"
    assert names(y.grad_fn) == [("AddBackward0", 0)]
    product = y.grad_fn.next_functions[0][0].next_functions[0][0]
    assert names(product) == [("torch::autograd::AccumulateGrad", 0), (None, 0)]
    assert product.next_functions[0][0].variable is x
    assert names((x.unbind()[1] * 2).grad_fn) == [("UnbindBackward0", 1), (None, 0)]
    assert repr(y.grad_fn).startswith("<ExpBackward0 object at 0x")


def test_nodes_of_writes() -> None:
    """A write to a view gives its base a node of its own."""
    base = torch.tensor([1.0, 2.0], requires_grad=True) * 1
    view = base[0]
    view.mul_(3)
    assert base.grad_fn.name() == "torch::autograd::CopySlices"
    assert view.grad_fn.name() == "AsStridedBackward0"


def test_saved_values() -> None:
    """``_saved_*`` are the values that the rules need."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    assert torch.equal(y.grad_fn._saved_result, y)
    assert (x * x).grad_fn._saved_self is x
    assert (x.sum(0)).grad_fn.metadata == {}
    with pytest.raises(AttributeError):
        y.grad_fn._saved_nothing


def test_gradient_edges() -> None:
    """An edge stands for its tensor, as a root and as an input."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    edge = torch.autograd.graph.get_gradient_edge
    first, second = x.unbind()
    assert (edge(second).node.name(), edge(second).output_nr) == ("UnbindBackward0", 1)
    y = (first * second * second).sum()
    assert torch.autograd.grad(y, edge(x), retain_graph=True)[0].tolist() == [4.0, 4.0]
    assert torch.autograd.grad(y, edge(second), retain_graph=True)[0].item() == 4.0
    assert torch.autograd.grad(edge(y), x)[0].tolist() == [4.0, 4.0]
    with pytest.raises(RuntimeError, match="not possible to get the gradient edge for a Tensor"):
        edge(x.detach())


def test_histories_are_no_cycles() -> None:
    """A result that its own node has saved is freed without the garbage collector."""
    gc.disable()
    try:
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        z = (y * y).sum()
        refs = [weakref.ref(y), weakref.ref(z.grad_fn)]
        del y, z
        assert [ref() for ref in refs] == [None, None]
    finally:
        gc.enable()


def test_views_of_what_was_written() -> None:
    """The history of every view follows a write to its base."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    base = x * 1
    head, tail = base[:2], base[1:]
    tail.mul_(10)
    (head.sum() + 0 * base.sum()).backward()
    assert x.grad.tolist() == [1.0, 10.0, 0.0]
