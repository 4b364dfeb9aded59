"""Sparse tensors on a GPU, or on the stand-in for CuPy: nothing passes through host arrays."""

from __future__ import annotations

import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, assert_near, holed, sample, to_layout, twice

pytestmark = pytest.mark.usefixtures("cuda")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_there_and_back(layout: str) -> None:
    """Moved, converted, multiplied and brought back."""
    host = sample(layout)
    it = host.to("cuda")
    assert it.is_cuda and it.layout is host.layout and it.values().is_cuda
    assert torch.equal(it.cpu().to_dense(), host.to_dense())
    assert torch.equal(it.to_dense().cpu(), host.to_dense())
    made = to_layout(torch.tensor(holed(4, 6)).cuda(), layout)
    assert torch.equal(made.cpu().to_dense(), host.to_dense())
    assert torch.equal((it * 2).to_dense().cpu(), host.to_dense() * 2)
    assert torch.equal(it.sin().to_dense().cpu(), host.to_dense().sin())
    dense = torch.tensor(holed(6, 3, share=0))
    assert_near((it @ dense.cuda()).cpu(), host.to_dense() @ dense)


def test_coalescing_and_sums() -> None:
    """Sorting, sums and softmax."""
    it = twice().cuda()
    assert it.coalesce().values().cpu().tolist() == [7, 4, 4]
    assert torch.equal((it + it.coalesce()).to_dense().cpu(), 2 * twice().to_dense())
    assert torch.equal(torch.sparse.sum(it, 0).to_dense().cpu(), twice().to_dense().sum(0))
    soft = torch.sparse.softmax(it, 1).to_dense().cpu()
    assert_near(soft, torch.sparse.softmax(twice(), 1).to_dense())


def test_gradients() -> None:
    """Sparse gradients of a table, and a step with them."""
    layer = torch.nn.Embedding(6, 3, sparse=True, device="cuda")
    before = layer.weight.detach().cpu()
    layer(torch.tensor([1, 1, 4], device="cuda")).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.is_sparse
    torch.optim.SGD(layer.parameters(), lr=1.0).step()
    moved = (before - layer.weight.detach().cpu())[:, 0]
    assert_near(moved, torch.tensor([0.0, 2, 0, 0, 1, 0]))
