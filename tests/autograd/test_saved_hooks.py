"""``saved_tensors_hooks``: what is packed, when it is unpacked, and what is refused."""

from __future__ import annotations

import pytest

import flambeau as torch

hooks = torch.autograd.graph.saved_tensors_hooks


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_packed_and_unpacked() -> None:
    """Each saved tensor once: at the call, and again when the pass needs it."""
    x, log = leaf(2.0, 3.0), []

    def pack(tensor: torch.Tensor) -> list[float]:
        log.append("pack")
        return tensor.tolist()

    def unpack(payload: list[float]) -> torch.Tensor:
        log.append("unpack")
        return torch.tensor(payload, dtype=torch.float64)

    with hooks(pack, unpack):
        y = (x.exp() * x).sum()
    assert log == ["pack"] * 3
    y.backward()
    assert log == ["pack"] * 3 + ["unpack"] * 3
    assert torch.allclose(x.grad, x.detach().exp() * (1 + x.detach()))


def test_second_derivatives() -> None:
    """Unpacked values have the history of what was packed."""
    x = leaf(2.0)
    with hooks(lambda t: t.detach().clone(), lambda t: t):
        y = (x * x * x).sum()
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert (first.item(), second.item()) == (12.0, 12.0)


def test_innermost_hooks_count() -> None:
    """Contexts nest; outside nothing is packed."""
    x, log = leaf(1.0), []
    with hooks(lambda t: (log.append("outer"), t)[1], lambda t: t):
        with hooks(lambda t: (log.append("inner"), t)[1], lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert log == ["inner", "outer"]


def test_save_on_cpu() -> None:
    """The gradients are the same."""
    x = leaf(1.0, 2.0)
    with torch.autograd.graph.save_on_cpu():
        y = (x * x).sum()
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_refusals() -> None:
    """Disabled hooks, packing that writes, and unpacking that gives no tensor."""
    x = leaf(1.0)
    with (
        torch.autograd.graph.disable_saved_tensors_hooks("no hooks here"),
        pytest.raises(RuntimeError, match="no hooks here"),
        hooks(lambda t: t, lambda t: t),
    ):
        pass
    with (
        hooks(lambda t: t.add_(1), lambda t: t),
        pytest.raises(RuntimeError, match="A saved tensor pack hook is modifying its input"),
    ):
        (x * 1).exp()
    with hooks(lambda t: 1, lambda payload: payload):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor but got result of"):
        y.backward()
