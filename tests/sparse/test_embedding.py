"""Sparse gradients of tables, and optimizers that take them."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch
from tests.sparse.examples import assert_near

USED = [[1, 4, 1], [0, 4, 5]]


def gradient(module: Any, sparse: bool, **options: Any) -> Any:
    torch.manual_seed(0)
    layer = module(6, 3, sparse=sparse, **options)
    weight = torch.arange(18.0).reshape(2, 3, 3)
    out = layer(torch.tensor(USED))
    (out * (weight if out.ndim == 3 else weight[:, 0])).sum().backward()
    return layer.weight.grad


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (torch.nn.Embedding, {}),
        (torch.nn.Embedding, {"padding_idx": 4}),
        (torch.nn.EmbeddingBag, {"mode": "sum"}),
        (torch.nn.EmbeddingBag, {"mode": "mean"}),
    ],
)
def test_gradients(module: Any, options: Any) -> None:
    """A row of values for each use; together the dense gradient."""
    found = gradient(module, True, **options)
    assert found.is_sparse and (found.sparse_dim(), found.dense_dim()) == (1, 1)
    assert found._nnz() == 6 - 2 * ("padding_idx" in options)
    assert_near(found.to_dense(), gradient(module, False, **options))


def test_gather() -> None:
    """``gather(sparse_grad=True)`` keeps what was gathered."""
    table = torch.ones(4, 3, requires_grad=True)
    torch.gather(table, 0, torch.tensor([[0, 1, 2], [3, 1, 1]]), sparse_grad=True).sum().backward()
    assert table.grad is not None and table.grad.is_sparse
    expected = [[1, 0, 0], [0, 2, 1], [0, 0, 1], [1, 0, 0]]
    assert table.grad.to_dense().tolist() == expected


def test_by_frequency() -> None:
    """Gradients scaled by frequency are dense only."""
    weight = torch.ones(3, 2, requires_grad=True)
    out = torch.nn.functional.embedding(
        torch.tensor([1]), weight, scale_grad_by_freq=True, sparse=True
    )
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse"):
        out.sum().backward()


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [(torch.optim.SGD, {"lr": 0.1}), (torch.optim.Adagrad, {"lr": 0.1})],
)
def test_steps_as_dense(optimizer: Any, options: Any) -> None:
    """Rows without a gradient stay; the others move as with dense gradients."""
    ends = []
    for sparse in (True, False):
        torch.manual_seed(0)
        layer = torch.nn.Embedding(6, 3, sparse=sparse)
        steps = optimizer(layer.parameters(), **options)
        for _ in range(3):
            steps.zero_grad()
            layer(torch.tensor(USED)).pow(2).sum().backward()
            steps.step()
        ends.append(layer.weight.detach())
    assert_near(*ends)


def test_sparse_adam() -> None:
    """Moments of rows that are not used stay as they are."""
    torch.manual_seed(0)
    layer = torch.nn.Embedding(6, 3, sparse=True)
    before = layer.weight.detach().clone()
    adam = torch.optim.SparseAdam(layer.parameters(), lr=0.1)
    layer(torch.tensor(USED)).sum().backward()
    adam.step()
    moved = (layer.weight.detach() - before)[:, 0]
    assert moved[[2, 3]].tolist() == [0, 0]
    assert_near(moved[[0, 1, 4, 5]], torch.full((4,), -0.1))
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        (layer.weight * 1).sum().backward()
        layer.weight.grad = layer.weight.grad.to_dense()
        adam.step()
    with pytest.raises(RuntimeError, match="Adam does not support sparse gradients"):
        layer.zero_grad()
        layer(torch.tensor(USED)).sum().backward()
        torch.optim.Adam(layer.parameters()).step()
