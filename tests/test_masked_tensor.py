"""``MaskedTensor``: operators, reductions, gradients and text; facts measured with PyTorch 2.13."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import flambeau as torch
from flambeau.masked import MaskedTensor, as_masked_tensor, is_masked_tensor, masked_tensor

pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
NAN = float("nan")


def data() -> torch.Tensor:
    return torch.arange(6.0).reshape(2, 3) + 1


def mask() -> torch.Tensor:
    return torch.tensor([[True, False, True], [True, True, False]])


def sample(requires_grad: bool = False) -> MaskedTensor:
    return masked_tensor(data(), mask(), requires_grad)


def values(x: Any) -> Any:
    """The elements, None where one does not count."""
    assert is_masked_tensor(x)
    return _chosen(x.get_data().detach().tolist(), x.get_mask().tolist())


def _chosen(value: Any, counts: Any) -> Any:
    if isinstance(value, list):
        return [_chosen(v, c) for v, c in zip(value, counts)]
    return (pytest.approx(value, abs=1e-4, nan_ok=True)) if counts else None


def test_text() -> None:
    """PyTorch's, for every rank."""
    assert repr(sample()) == (
        "MaskedTensor(\n  [\n    [  1.0000,       --,   3.0000],\n"
        "    [  4.0000,   5.0000,       --]\n  ]\n)"
    )
    first = torch.tensor([True, False, True])
    assert str(masked_tensor(torch.arange(3), first)) == "MaskedTensor(\n  [0,       --, 2]\n)"
    none = torch.tensor(False)
    assert repr(masked_tensor(torch.tensor(1.0), none)) == "MaskedTensor(--, False)"


ELEMENTWISE = {
    "exp": (lambda x: x.exp(), [[2.7183, None, 20.0855], [54.5981, 148.4132, None]]),
    "number": (lambda x: 1 - x, [[0.0, None, -2.0], [-3.0, -4.0, None]]),
    "plain": (lambda x: data() + x, [[2.0, None, 6.0], [8.0, 10.0, None]]),
    "row": (lambda x: x * data()[0], [[1.0, None, 9.0], [4.0, 10.0, None]]),
    "itself": (lambda x: x + x, [[2.0, None, 6.0], [8.0, 10.0, None]]),
    "less": (lambda x: x < 3, [[True, None, False], [False, False, None]]),
    "clamp": (lambda x: x.clamp(min=2), [[2.0, None, 3.0], [4.0, 5.0, None]]),
    "in place": (lambda x: x.add_(1), [[2.0, None, 4.0], [5.0, 6.0, None]]),
    "softmax": (lambda x: x.softmax(1), [[0.1192, None, 0.8808], [0.2689, 0.7311, None]]),
    "scan": (lambda x: x.cumsum(1), [[1.0, None, 4.0], [4.0, 9.0, None]]),
    "like": (torch.ones_like, [[1.0, None, 1.0], [1.0, 1.0, None]]),
    "double": (lambda x: x.double(), [[1.0, None, 3.0], [4.0, 5.0, None]]),
    "clone": (lambda x: x.clone().detach(), [[1.0, None, 3.0], [4.0, 5.0, None]]),
    "where": (lambda x: torch.where(data() > 2, x, data()), [[1.0, 2.0, 3.0], [4.0, 5.0, None]]),
    "transposed": (lambda x: x.t(), [[1.0, 4.0], [None, 5.0], [3.0, None]]),
    "slice": (lambda x: x[:, 1:], [[None, 3.0], [5.0, None]]),
    "chosen": (lambda x: x[torch.tensor([1])], [[4.0, 5.0, None]]),
    "reshaped": (lambda x: x.reshape(3, 2), [[1.0, None], [3.0, 4.0], [5.0, None]]),
    "joined": (lambda x: torch.cat([x, data()], 1)[0], [1.0, None, 3.0, 1.0, 2.0, 3.0]),
    "split": (lambda x: x.split(1)[1], [[4.0, 5.0, None]]),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_operators(name: str) -> None:
    """Results are masked where the operands are."""
    function, expected = ELEMENTWISE[name]
    assert values(function(sample())) == expected


REDUCTIONS = {  # of all, along the second dimension, along the first one, kept
    "sum": (13.0, [4.0, 9.0], [[5.0, 5.0, 3.0]]),
    "mean": (3.25, [2.0, 4.5], [[2.5, 5.0, 3.0]]),
    "amin": (1.0, [1.0, 4.0], [[1.0, 5.0, 3.0]]),
    "amax": (5.0, [3.0, 5.0], [[4.0, 5.0, 3.0]]),
    "argmin": (0.0, [0.0, 0.0], [[0.0, 1.0, 0.0]]),
    "argmax": (4.0, [2.0, 1.0], [[1.0, 1.0, 0.0]]),
    "prod": (60.0, [3.0, 20.0], [[4.0, 5.0, 3.0]]),
    "all": (True, [True, True], [[True, True, True]]),
    "var": (2.9167, [2.0, 0.5], [[4.5, NAN, NAN]]),
    "std": (1.7078, [1.4142, 0.7071], [[2.1213, NAN, NAN]]),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    """Only elements that count take part; functions and methods agree."""
    whole, rows, columns = REDUCTIONS[name]
    x = sample()
    assert values(getattr(x, name)()) == whole
    assert values(getattr(torch, name)(x)) == whole
    assert values(getattr(x, name)(1)) == rows
    assert values(getattr(x, name)(dim=0, keepdim=True)) == columns
    nothing = masked_tensor(data(), torch.zeros(2, 3).bool())
    assert values(getattr(nothing, name)(1)) == [None, None]


GRADIENTS = {
    "exp": (lambda x: (x.exp() * 2).sum(), [[5.4366, None, 40.1711], [109.1963, 296.8263, None]]),
    "amax": (lambda x: x.amax(1).sum(), [[0.0, None, 1.0], [0.0, 1.0, None]]),
    "mean": (lambda x: x.mean(), [[0.25, None, 0.25], [0.25, 0.25, None]]),
    "prod": (lambda x: x.prod(1).sum(), [[3.0, None, 1.0], [5.0, 4.0, None]]),
    "std": (lambda x: x.std(1).sum(), [[-0.7071, None, 0.7071], [-0.7071, 0.7071, None]]),
    "softmax": (lambda x: x.softmax(1).sum(), [[0.0, None, 0.0], [0.0, 0.0, None]]),
    "data": (lambda x: x.get_data().sum(), [[1.0, None, 1.0], [1.0, 1.0, None]]),
    "view": (lambda x: x.t().reshape(6).sum(), [[1.0, None, 1.0], [1.0, 1.0, None]]),
    "square": (lambda x: (x * x).sum(), [[2.0, None, 6.0], [8.0, 10.0, None]]),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    """They are masked as the tensor is, and add up over passes."""
    function, expected = GRADIENTS[name]
    x = sample(requires_grad=True)
    function(x).backward()
    assert values(x.grad) == expected
    function(x).backward()
    twice = [[None if v is None else pytest.approx(2 * v.expected, abs=1e-3) for v in row]
             for row in values(masked_tensor(*_filled(expected)))]  # fmt: skip
    assert values(x.grad) == twice


def _filled(expected: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.tensor([[0.0 if v is None else v for v in row] for row in expected]),
        torch.tensor([[v is not None for v in row] for row in expected]),
    )


def test_gradients_of_plain_tensors() -> None:
    """They come back masked; a second derivative flows too."""
    plain = data().requires_grad_()
    (as_masked_tensor(plain, mask()) * 3).to_tensor(0).sum().backward()
    assert values(plain.grad) == [[3.0, None, 3.0], [3.0, 3.0, None]]
    row = torch.ones(3, requires_grad=True)
    (sample() * row).sum().backward()
    assert values(row.grad) == [5.0, 5.0, 3.0]
    x = sample(requires_grad=True)
    (first,) = torch.autograd.grad((x * x * x).sum(), x, create_graph=True)
    first.sum().backward()
    assert values(x.grad) == [[6.0, None, 18.0], [24.0, 30.0, None]]


def test_refusals() -> None:
    """What does not fit, or has no meaning, raises PyTorch's error."""
    x = sample()
    with pytest.raises(ValueError, match=r"^Input masks must match\."):
        x + masked_tensor(data(), ~mask())
    with pytest.raises(TypeError, match=r"^Multiple dispatch failed for 'torch\._ops\.aten\.mm"):
        x @ data().t()
    with pytest.raises(ValueError, match="expected a mask tensor"):
        x[0, 1].item()
    with pytest.raises(RuntimeError, match=r"\.tolist\(\) is not supported"):
        x.tolist()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        sample(requires_grad=True).exp_()
    for d, m, error, message in (
        (1, mask(), TypeError, "data must be a Tensor"),
        (x, mask(), TypeError, "data must be a Tensor"),
        (data(), data(), TypeError, "mask must have dtype bool."),
        (data().bfloat16(), mask(), TypeError, "torch.bfloat16 is not supported in MaskedTensor."),
        (data(), mask()[0], ValueError, r"data.dim\(\) must equal mask.dim\(\)"),
        (data(), mask().t(), ValueError, r"data.size\(\) must equal mask.size\(\)"),
    ):
        with pytest.raises(error, match=message):
            masked_tensor(d, m)


def test_values_and_copies() -> None:
    """Data, mask and fill; copies are independent."""
    x = sample(requires_grad=True)
    assert x.to_tensor(0).tolist() == [[1.0, 0.0, 3.0], [4.0, 5.0, 0.0]]
    assert x[0, 0].item() == 1.0 and bool(x[0, 0]) and not x.is_sparse_coo()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert values(twin) == values(x) and twin.requires_grad and twin is not x
    assert values(MaskedTensor.unary(torch.exp, torch.zeros(2), torch.tensor([True, False]))) == [
        1.0, None,
    ]  # fmt: skip


def test_construction_warns() -> None:
    """That the interface may change, and of data with a history."""
    with pytest.warns(UserWarning, match="not recommended to create a MaskedTensor"):
        masked_tensor(torch.ones(1, requires_grad=True), torch.tensor([True]))
