"""Tools that tell where: non-finite values, sources, pictures, holders of memory."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

import flambeau as torch
from flambeau.core.modes import flags
from flambeau.diagnostics import NonFiniteError
from flambeau.utils.weak import WeakIdKeyDictionary


def test_the_producer_is_named_with_line_and_position() -> None:
    x = torch.tensor([[1.0, 0.0]])
    before = flags.active
    with torch.detect_nonfinite(), pytest.raises(NonFiniteError, match="log made -inf") as caught:
        torch.nn.functional.relu(x).log()
    error = caught.value
    assert (error.operator, error.position, error.stage, error.producer) == (
        "log", (0, 1), "forward", True,
    )  # fmt: skip
    assert "test_diagnostics.py" in error.line and flags.active == before


def test_values_from_outside_are_passed_on() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2))
    data = torch.tensor([[float("nan"), 1.0]])
    with (
        torch.detect_nonfinite(),
        pytest.raises(NonFiniteError, match="came from outside") as caught,
    ):
        net(data)
    assert not caught.value.producer and caught.value.module == "Sequential.0"


def test_backward_and_step() -> None:
    x = torch.tensor([1.0, 0.0], requires_grad=True)
    with torch.detect_nonfinite():
        y = x.sqrt()
        with pytest.raises(NonFiniteError, match="in the gradient of SqrtBackward0") as caught:
            y.sum().backward()
    assert caught.value.stage == "backward" and "y = x.sqrt()" in caught.value.line
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([parameter], lr=float("inf"))
    parameter.sum().backward()
    with torch.detect_nonfinite(), pytest.raises(NonFiniteError) as caught:
        optimizer.step()
    assert caught.value.stage == "step" and caught.value.operator == "SGD.step"


def test_masks_are_allowed_and_what_follows_from_them() -> None:
    scores, mask = torch.zeros(2, 2), torch.tensor([[False, True], [False, False]])
    with torch.detect_nonfinite():
        weights = scores.masked_fill(mask, float("-inf")).softmax(-1)
        assert torch.equal(weights[0], torch.tensor([1.0, 0.0]))
        with pytest.raises(NonFiniteError, match="log made"):
            weights.log()
    with torch.detect_nonfinite(allow=["log"]):
        weights.log()


def test_masks_from_outside_are_allowed() -> None:
    """Infinities of tensors without gradients, as masks have them; NaN is not."""
    mask = torch.full((2, 2), float("-inf")).triu(1)
    with torch.detect_nonfinite():
        assert torch.isfinite((torch.zeros(2, 2) + mask).softmax(-1)).all()
        with pytest.raises(NonFiniteError, match="add passed on nan"):
            torch.zeros(1) + torch.tensor(float("nan"))
    weight = torch.tensor([float("inf")], requires_grad=True)
    with torch.detect_nonfinite(), pytest.raises(NonFiniteError, match="mul passed on inf"):
        weight * 2


def test_source_of_names_and_compositions() -> None:
    """A name stands for its public function; a composed one tells which kernels it calls."""
    assert "def softmax(" in torch.source("softmax")["function"]
    page = torch.source(torch.nn.functional.conv2d)
    assert [part[0] for part in page.parts] == ["function", "calls"]
    assert page["calls"] == "convolution" and "def conv2d(" in page["function"]


def test_source_shows_all_parts() -> None:
    page = torch.source(torch.softmax)
    assert "def softmax(" in page["function"] and "def softmax(x" in page["kernel"]
    assert "_softmax_backward(grad, result, dim)" in page["gradient of input"]
    assert "flambeau/kernels/shared/normalization.py:" in str(page)
    assert torch.source("exp")["kernel"] == "<ufunc 'exp'>"
    assert "def polar" in torch.source(torch.polar)["function"]
    with pytest.raises(ValueError, match="neither an operator nor a function"):
        torch.source("nothing of the kind")


def test_picture_of_a_graph(tmp_path: Path) -> None:
    w = torch.ones(3, requires_grad=True)
    picture = torch.draw_graph(((w * 2).exp() + w.split(1)[0]).sum(), {"w": w})
    labels = [label for label, _, _ in picture.nodes]
    assert sorted(labels) == [
        "AddBackward0", "ExpBackward0", "MulBackward0", "SplitBackward0", "SumBackward0", "w",
    ]  # fmt: skip
    assert all(a < b for a, b in picture.edges) and len(picture.edges) == 6
    assert picture.svg.count("<rect") == 6 and "->" in picture.dot
    picture.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == picture.svg
    with pytest.raises(ValueError, match="there is no graph"):
        torch.draw_graph(torch.ones(1))


def test_who_holds_and_snapshots() -> None:
    class Holder:
        pass

    x, holder = torch.ones(3, requires_grad=True) * 1, Holder()
    holder.kept = x
    listed = [x]
    y = x * x
    told = torch.memory.who_holds(x)
    assert any(line.startswith("variable 'x' at ") for line in told)
    assert "an object of test_who_holds_and_snapshots.<locals>.Holder.kept" in told
    assert "a list of 1 items" in told and "saved for the gradient of MulBackward0" in told
    assert not [line for line in told if "a dict" in line]  # variables are told once
    net = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    told = torch.memory.who_holds(net.weight)
    assert "an object of Linear._parameters, key 'weight'" in told
    assert "a list of 2 items: key 'params' of a dict" in told and optimizer.param_groups
    del listed, y
    with torch.memory.record():
        before = torch.memory.snapshot()
        kept = [torch.ones(1000) * 2 for _ in range(3)]
        view = kept[0][:10]
        grown = torch.memory.snapshot() - before
    assert (grown.total, sum(grown.tensors.values())) == (12_000, 4)
    assert all("test_diagnostics.py" in line for line in grown.bytes)
    del kept, view
    gc.collect()
    assert (torch.memory.snapshot() - before).total <= 0


def test_weak_dictionary_goes_by_identity() -> None:
    known, x = WeakIdKeyDictionary(), torch.ones(2)
    known[x] = 1
    assert x in known and torch.ones(2) not in known and dict(known | {x: 2})[x] == 2
    del x
    gc.collect()
    assert len(known) == 0
