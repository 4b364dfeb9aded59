"""Sums, norms and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, holed, sample, twice


@pytest.mark.parametrize("layout", LAYOUTS)
def test_total(layout: str) -> None:
    """The sum of everything; of integers in int64."""
    it = sample(layout)
    assert it.sum() == it.to_dense().sum() and it.sum().layout is torch.strided
    assert it.to(torch.int32).sum().dtype is torch.int64
    assert it.norm().item() == pytest.approx(np.linalg.norm(it.to_dense().numpy()))


@pytest.mark.parametrize("dim", [0, 1, -1, 2, (0, 1), (0, 2), (1, 2), (0, 1, 2), None])
def test_sum_over(dim: Any) -> None:
    """Sparse and dense dimensions; dense where no sparse dimension is left."""
    it = torch.tensor(holed(3, 4, 2)).to_sparse(2)
    result = torch.sparse.sum(it, dim)
    axis = tuple(range(3)) if dim is None else dim
    np.testing.assert_allclose(result.to_dense().numpy(), it.to_dense().numpy().sum(axis))
    gone = {d % 3 for d in (axis if isinstance(axis, tuple) else (axis,))}
    assert result.is_sparse == (not gone >= {0, 1})
    assert not result.is_sparse or result.is_coalesced()


def test_keepdim() -> None:
    """CSR tensors keep the dimension; without that they refuse."""
    it = sample("csr")
    for dim in (0, 1):
        result = it.sum(dim, keepdim=True)
        assert result.layout is torch.sparse_csr
        assert torch.equal(result.to_dense(), it.to_dense().sum(dim, keepdim=True))
    with pytest.raises(RuntimeError, match="with keepdim=False is unsupported"):
        it.sum(0)
    assert torch.sparse.sum(twice(), dtype=torch.float32).dtype is torch.float32


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_softmax(name: str, dim: int) -> None:
    """Elements that are not kept count as minus infinity."""
    dense = holed(3, 4, 2)
    it = torch.tensor(dense).to_sparse(2)
    kept = np.broadcast_to((dense != 0).any(2, keepdims=True), dense.shape)
    filled = torch.tensor(np.where(kept, dense, -np.inf))
    expected = getattr(torch, name)(filled, dim).numpy()
    result = getattr(torch.sparse, name)(it, dim).to_dense().numpy()
    np.testing.assert_allclose(result[kept], expected[kept], rtol=1e-12)
    assert getattr(torch.sparse, name)(it, dim, dtype=torch.float32).dtype is torch.float32
    with pytest.raises(NotImplementedError, match="Could not run 'aten::_sparse_"):
        getattr(torch.sparse, name)(torch.ones(2, 2), 0)
