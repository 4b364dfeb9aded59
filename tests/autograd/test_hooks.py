"""Hooks of tensors and nodes: order, changes, removal."""

from __future__ import annotations

import pytest

import flambeau as torch


def number(value: float) -> torch.Tensor:
    return torch.tensor([value], requires_grad=True)


def test_order_of_all_kinds() -> None:
    """Those of the tensor in the order of their registration, then the node's, then the leaf's."""
    log: list = []
    a = number(1.0)
    b = a * 2
    c = b * 3
    a.register_hook(lambda g: log.append(("a", g.item())))
    a.register_hook(lambda g: g * 10)
    a.register_post_accumulate_grad_hook(lambda t: log.append(("post", t.grad.item())))
    b.register_hook(lambda g: log.append(("b1", g.item())))
    b.register_hook(lambda g: g * 2)
    b.register_hook(lambda g: log.append(("b3", g.item())))
    b.grad_fn.register_prehook(lambda gs: log.append(("pre", gs[0].item())))
    b.grad_fn.register_hook(lambda gi, go: log.append(("node", gi[0].item(), go[0].item())))
    b.retain_grad()
    c.backward()
    assert log == [
        ("b1", 3.0), ("b3", 6.0), ("pre", 6.0), ("node", 12.0, 6.0), ("a", 12.0), ("post", 120.0),
    ]  # fmt: skip
    assert (b.grad.item(), a.grad.item()) == (6.0, 120.0)


def test_nodes_may_change_gradients() -> None:
    """A node's prehook changes what arrives, its hook what leaves."""
    x = number(1.0)
    y = x * 2
    y.grad_fn.register_prehook(lambda grads: (grads[0] + 1,))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 100, *inputs[1:]))
    y.backward()
    assert x.grad.item() == 400.0


def test_removal() -> None:
    """A removed hook is not called; a handle is a context manager."""
    x, log = number(1.0), []
    handle = x.register_hook(log.append)
    x.sum().backward()
    handle.remove()
    handle.remove()
    with x.register_hook(log.append):
        pass
    x.sum().backward()
    assert len(log) == 1


def test_retained_gradients() -> None:
    """``retain_grad`` keeps the gradient of a result, for leaves it changes nothing."""
    x = number(2.0)
    y = x * x
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    x.retain_grad()
    (y * 3).backward()
    assert (y.retains_grad, x.retains_grad) == (True, False)
    assert (y.grad.item(), x.grad.item()) == (3.0, 12.0)


def test_post_accumulate_hooks_free_gradients() -> None:
    """An optimiser step inside of the pass."""
    x = number(5.0)

    def step(tensor: torch.Tensor) -> None:
        with torch.no_grad():
            tensor -= tensor.grad
        tensor.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * 2).backward()
    assert (x.item(), x.grad) == (3.0, None)


def test_hooks_of_several_tensors() -> None:
    """ "all" waits for every gradient that the pass gives, "any" for the first."""
    register = torch.autograd.graph.register_multi_grad_hook
    a, b, log = number(2.0), number(2.0), []
    handle = register([a, b], lambda gs: log.append([None if g is None else g.item() for g in gs]))
    (a * b).backward()
    (a * 3).backward()
    handle.remove()
    (a * b).backward()
    assert log == [[2.0, 2.0], [3.0, None]]
    first: list = []
    with register([a, b], first.append, mode="any"):
        (a * b * b).backward()
    assert len(first) == 1
    with pytest.raises(ValueError, match="Expects mode to be one of"):
        register([a], print, mode="some")


def test_hooks_of_leaves_see_passes_of_grad() -> None:
    """``autograd.grad`` runs hooks of tensors, not those after accumulation."""
    x, log = number(1.0), []
    x.register_hook(lambda g: g * 2)
    x.register_post_accumulate_grad_hook(log.append)
    (g,) = torch.autograd.grad((x * 3).sum(), x)
    assert (g.item(), log) == (6.0, [])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.detach().register_hook(print), "cannot register a hook on a tensor that"),
        (
            lambda x: (x * 1).register_post_accumulate_grad_hook(print),
            "post accumulate grad hooks cannot be registered on non-leaf tensors",
        ),
        (lambda x: x.detach().retain_grad(), "can't retain_grad on Tensor that has requires_grad"),
        (
            lambda x: (x.register_hook(lambda g: g[:0]), x.sum().backward()),
            "hook '<lambda>' has changed the size of value",
        ),
    ],
)
def test_refusals(call, message: str) -> None:
    """Tensors that cannot have the hook, and gradients that a hook must not return."""
    with pytest.raises(RuntimeError, match=message):
        call(number(1.0))
