"""Dimensions moved, picked and joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, holed, sample

CUBE = holed(3, 4, 2)
CASES: dict[str, Callable[[Any], Any]] = {
    "permute": lambda x: x.permute(1, 0, 2),
    "transpose": lambda x: x.transpose(0, 1),
    "select sparse": lambda x: x.select(1, -1),
    "select dense": lambda x: x.select(2, 1),
    "item": lambda x: x[1],
    "item of item": lambda x: x[1, 2],
    "slice": lambda x: x[1:, :3],
    "slice dense": lambda x: x[..., 1:],
    "narrow": lambda x: x.narrow_copy(1, 1, 2),
    "index_select": lambda x: x.index_select(0, torch.tensor([2, 0, 2])),
    "index_select dense": lambda x: x.index_select(2, torch.tensor([1, 1, 0])),
    "unsqueeze first": lambda x: x.unsqueeze(0),
    "unsqueeze last": lambda x: x.unsqueeze(-1),
    "cat": lambda x: torch.cat([x, x]),
    "cat dense": lambda x: torch.cat([x, x], 2),
    "stack": lambda x: torch.stack([x, x], 1),
    "vstack": lambda x: torch.vstack([x, x]),
    "unbind": lambda x: x.unbind()[2],
}


@pytest.mark.parametrize("sparse_dim", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_as_dense(name: str, sparse_dim: int) -> None:
    """What happens to the dense tensor, with and without dense dimensions."""
    dense = torch.tensor(CUBE)
    result = CASES[name](dense.to_sparse(sparse_dim))
    assert torch.equal(result.to_dense(), CASES[name](dense))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_transposed(layout: str) -> None:
    """Rows become columns: CSR turns into CSC over the same indices."""
    it = sample(layout)
    turned = {"coo": "coo", "csr": "csc", "csc": "csr", "bsr": "bsc", "bsc": "bsr"}[layout]
    assert it.t().layout is getattr(torch, f"sparse_{turned}")
    assert torch.equal(it.t().to_dense(), it.to_dense().t())
    assert torch.equal(it.transpose(0, 1).to_dense(), it.to_dense().t())


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_picked(layout: str) -> None:
    """Rows and elements; an index outside raises."""
    it = sample(layout)
    assert torch.equal(it[1].to_dense(), it.to_dense()[1])
    assert it[2, 3] == it.to_dense()[2, 3] and it[2, 3].layout is torch.strided
    with pytest.raises(IndexError):
        it[9]


def test_refused() -> None:
    """Joining what does not fit."""
    it = sample("coo")
    with pytest.raises(RuntimeError, match="a dense tensor was found at position 1"):
        torch.cat([it, it.to_dense()])
    with pytest.raises(RuntimeError, match="same sparse_dim and dense_dim: 2, 0"):
        torch.cat([it, it.to_dense().to_sparse(1)])
    with pytest.raises(RuntimeError):
        it.t().t().permute(0, 1).select(0, 0).unsqueeze(0).flatten()
