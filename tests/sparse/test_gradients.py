"""Gradients against finite differences, and the layouts in which they arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, TWICE, holed, sample, twice

WEIGHT = holed(4, 6, seed=11, share=0)
ONE_INPUT: dict[str, Callable[[Any], Any]] = {
    "to_dense": lambda x: x.to_dense(),
    "product with a number": lambda x: x * 2.5,
    "quotient": lambda x: x / 4,
    "negative": lambda x: -x,
    "product with dense": lambda x: x * torch.tensor(WEIGHT),
    "sum with dense": lambda x: torch.tensor(WEIGHT) + x,
    "clone": lambda x: x.clone(),
    "conversion": lambda x: (
        x.to_sparse_csr() if not x._array.layout.endswith(("bsr", "bsc")) else x
    ),
    "product": lambda x: torch.sparse.mm(x, torch.tensor(WEIGHT).t()),
    "sum of products": lambda x: torch.sparse.addmm(
        torch.ones(4, 4, dtype=torch.float64), x, torch.tensor(WEIGHT).t(), alpha=2.0
    ),
}
COORDINATES: dict[str, Callable[[Any], Any]] = {
    "coalesce": lambda x: x.coalesce(),
    "values": lambda x: x.coalesce().values(),
    "sum over rows": lambda x: torch.sparse.sum(x, 0),
    "total": lambda x: torch.sparse.sum(x),
    "softmax": lambda x: torch.sparse.softmax(x, 1),
    "log_softmax": lambda x: torch.sparse.log_softmax(x, 0),
    "transpose": lambda x: x.t(),
    "permutation": lambda x: x.permute(1, 0),
    "square": lambda x: x.pow(2),
    "relu": lambda x: x.relu(),
    "join": lambda x: torch.cat([x, x], 1),
    "by sparse": lambda x: torch.sparse.mm(x, sample("coo", 6, 4)),
    "mask": lambda x: x.sparse_mask(sample("coo", seed=4)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ONE_INPUT)
def test_numerically(name: str, layout: str) -> None:
    """The values' gradients are those of finite differences."""
    it = sample(layout, grad=True)
    assert torch.autograd.gradcheck(ONE_INPUT[name], (it,), masked=True)


@pytest.mark.parametrize("name", COORDINATES)
def test_coordinates_numerically(name: str) -> None:
    """The same, of what exists for coordinates alone."""
    assert torch.autograd.gradcheck(COORDINATES[name], (sample("coo", grad=True),), masked=True)


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_products_numerically(layout: str) -> None:
    """Products in both of their matrices."""
    dense = torch.tensor(holed(6, 2, share=0), requires_grad=True)
    assert torch.autograd.gradcheck(
        torch.sparse.mm, (sample(layout, grad=True), dense), masked=True
    )
    if layout == "csr":
        a = torch.tensor(holed(4, 3, share=0), requires_grad=True)
        b = torch.tensor(holed(3, 6, seed=2, share=0), requires_grad=True)
        inputs = sample("csr", grad=True), a, b
        assert torch.autograd.gradcheck(torch.sparse.sampled_addmm, inputs, masked=True)


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
def test_reduced_products(reduce: str) -> None:
    """The gradient goes to the greatest (least) product, or to all."""
    inputs = sample("csr", grad=True), torch.tensor(holed(6, 2, share=0), requires_grad=True)
    function: Any = lambda a, b: torch.sparse.mm(a, b, reduce)  # noqa: E731
    assert torch.autograd.gradcheck(function, inputs, masked=True)


def test_unmasked() -> None:
    """With ``masked_grad=False`` elements that are not kept have gradients too."""
    it = sample("coo", grad=True)
    (it.to_dense(masked_grad=False) * torch.tensor(WEIGHT)).sum().backward()
    assert it.grad is not None and torch.equal(it.grad.to_dense(), torch.tensor(WEIGHT))
    check = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
    assert check(lambda x: x.to_dense(masked_grad=False), (sample("coo", grad=True),))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_gradients(layout: str) -> None:
    """``torch.sparse.mm`` gives the layout of the matrix, ``torch.mm`` a dense gradient."""
    if layout in ("coo", "csr"):
        it, dense = sample(layout, grad=True), torch.ones(6, 3, dtype=torch.float64)
        torch.sparse.mm(it, dense).sum().backward()
        assert it.grad is not None and it.grad.layout is it.layout
        it.grad = None
        torch.mm(it, dense).sum().backward()
        assert it.grad.layout is torch.strided
    it = sample(layout, grad=True)
    it.to_dense().sum().backward()
    assert it.grad is not None and it.grad.layout is it.layout and it.is_leaf


def test_of_what_is_not_coalesced() -> None:
    """The gradient of a leaf that names places twice is coalesced; that of values is not."""
    weight = torch.arange(12.0, dtype=torch.float64).reshape(3, 4)
    leaf = twice(grad=True)
    (leaf.to_dense() * weight).sum().backward()
    assert leaf.grad is not None and leaf.grad.indices().tolist() == [[0, 1, 2], [3, 0, 1]]
    assert leaf.grad.values().tolist() == [3, 4, 9]
    values = torch.ones(5, dtype=torch.float64, requires_grad=True)
    made = torch.sparse_coo_tensor(TWICE, values, (3, 4))
    assert type(made.grad_fn).__name__ == "SparseCooTensorWithDimsAndTensorsBackward0"
    (made.to_dense() * weight).sum().backward()
    assert values.grad is not None and values.grad.tolist() == [9, 3, 9, 4, 3]


def test_accumulated() -> None:
    """Sparse gradients add up sparse; a dense one makes the sum dense."""
    weight = torch.ones(6, 3, requires_grad=True)
    embed = torch.nn.functional.embedding
    embed(torch.tensor([1, 2]), weight, sparse=True).sum().backward()
    embed(torch.tensor([2, 3]), weight, sparse=True).sum().backward()
    assert weight.grad is not None and weight.grad.is_sparse
    assert weight.grad.to_dense()[:, 0].tolist() == [0, 1, 2, 1, 0, 0]
    (weight * 2).sum().backward()
    assert weight.grad.layout is torch.strided
    assert weight.grad[:, 0].tolist() == [2, 3, 4, 3, 2, 2]
    embed(torch.tensor([0]), weight, sparse=True).sum().backward()
    assert weight.grad[0, 0] == 3
    weight.grad = None
    both = embed(torch.tensor([1]), weight, sparse=True).sum() + weight.sum()
    both.backward()
    assert weight.grad[:2, 0].tolist() == [1, 2]
