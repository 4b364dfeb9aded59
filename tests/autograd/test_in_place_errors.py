"""Saved values that were written to: PyTorch's message, and the lines that saved and wrote."""

from __future__ import annotations

import inspect

import pytest

import flambeau as torch

MESSAGE = (
    "one of the variables needed for gradient computation has been modified by an inplace "
    "operation: [torch.FloatTensor [2]], which is output 0 of {made}, is at version 1; expected "
    "version 0 instead. Hint: enable anomaly detection to find the operation that failed to "
    "compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
)


def result(x: torch.Tensor) -> torch.Tensor:
    y = x.exp()  # saves
    y.add_(1)  # writes
    return y


def operand(x: torch.Tensor) -> torch.Tensor:
    w = x * 1
    y = w * w  # saves
    w.mul_(2)  # writes
    return y


def through_a_view(x: torch.Tensor) -> torch.Tensor:
    w = x * 1
    v = w[0]
    y = w * w  # saves
    v.zero_()  # writes
    return y


@pytest.mark.parametrize(
    ("function", "made"),
    [(result, "Exp"), (operand, "Mul"), (through_a_view, "torch::autograd::CopySlices")],
)
def test_message(function, made: str) -> None:
    """The first line is PyTorch's; two more name the lines of this file."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = function(x).sum()
    with pytest.raises(RuntimeError) as caught:
        y.backward()
    first, saved, written, *_ = str(caught.value).split("\n")
    assert first == MESSAGE.format(made=made)
    source, start = inspect.getsourcelines(function)
    lines = {
        w: start + i for i, text in enumerate(source) for w in ("saves", "writes") if w in text
    }
    assert "saved by" in saved
    assert f"test_in_place_errors.py:{lines['saves']}" in saved
    assert "written at" in written
    assert f"test_in_place_errors.py:{lines['writes']}" in written


def test_writes_that_do_no_harm() -> None:
    """What no rule needs may be written to; so may tensors of which a copy was saved."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    w = x * 1
    y = w + w
    w.mul_(5)
    z = w.clone().exp()
    w.zero_()
    (y + z).sum().backward()
    assert torch.allclose(x.grad, 2 + 5 * (5 * x.detach()).exp())


def test_detached_tensors_share_the_counter() -> None:
    """A write to ``detach()`` is noticed, a write to ``.data`` is not."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    y.detach().zero_()
    assert y._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    z = x.exp()
    z.data.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_mutation_allowed() -> None:
    """Inside of ``allow_mutation_on_saved_tensors`` the values that were saved count."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        w = x * 1
        y = (w * w).sum()
        w.detach().zero_()
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda x: x.add_(1), "a leaf Variable that requires grad is being used in an in-place"),
        (lambda x: x[0].add_(1), "a view of a leaf Variable that requires grad is being used"),
        (
            lambda x: (x * 1).chunk(2)[0].mul_(2),
            "Output 0 of Split is a view and is being modified",
        ),
        (lambda x: under_no_grad(x * 1).mul_(2), "A view was created in no_grad mode and is being"),
        (
            lambda x: x.detach()[:1].expand(3).add_(1),
            "unsupported operation: more than one element",
        ),
    ],
)
def test_refusals(write, message: str) -> None:
    """Writes that are refused when they happen."""
    with pytest.raises(RuntimeError, match=message):
        write(torch.tensor([1.0, 2.0], requires_grad=True))


def under_no_grad(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return x[0]


@pytest.mark.parametrize("name", ["mul_", "div_", "atan2_", "hypot_"])
def test_a_write_of_a_tensor_to_itself(name: str) -> None:
    """What a rule saves beside the target is the written tensor, and the pass finds it written."""
    base = torch.tensor([1.0, 2.0], requires_grad=True) * 1
    getattr(base, name)(base)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0 instead"):
        base.sum().backward()


def test_a_sum_with_itself_saves_nothing() -> None:
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    base = leaf * 1
    base.add_(base).sub_(base, alpha=3)
    base.sum().backward()
    assert leaf.grad.tolist() == [-4, -4]
