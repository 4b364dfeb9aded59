"""Products of matrices, against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, holed, sample

DENSE = holed(6, 3, seed=7, share=0)


def close(actual: torch.Tensor, expected: Any) -> None:
    np.testing.assert_allclose(actual.detach().to_dense().numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_with_dense(layout: str) -> None:
    """A sparse matrix on either side, vectors, and sums."""
    it, dense = sample(layout), torch.tensor(DENSE)
    x, added = it.to_dense().numpy(), torch.tensor(holed(4, 3, seed=9, share=0))
    for product in (torch.mm(it, dense), it @ dense, torch.sparse.mm(it, dense)):
        close(product, x @ DENSE)
        assert product.layout is torch.strided
    close(it.mv(dense[:, 0]), x @ DENSE[:, 0])
    close(it @ dense[:, 1], x @ DENSE[:, 1])
    left = torch.tensor(holed(3, 4, seed=2))
    close(left @ it, left.numpy() @ x)
    expected = 0.5 * added.numpy() + 2 * (x @ DENSE)
    close(torch.addmm(added, it, dense, beta=0.5, alpha=2.0), expected)
    close(torch.sparse.addmm(added, it, dense, beta=0.5, alpha=2.0), expected)
    close(added.clone().addmm_(it, dense), added.numpy() + x @ DENSE)


@pytest.mark.parametrize("layout", ["coo", "csr", "csc"])
def test_sparse_by_sparse(layout: str) -> None:
    """The product of two sparse matrices is sparse."""
    a, b = sample(layout), sample(layout, 6, 4, seed=3)
    expected = a.to_dense().numpy() @ b.to_dense().numpy()
    for product in (a @ b, torch.sparse.mm(a, b)):
        close(product, expected)
        assert product.layout is (torch.sparse_coo if layout == "coo" else torch.sparse_csr)


@pytest.mark.parametrize("of", ["float16", "bfloat16", "float32", "complex64", "int64"])
def test_dtypes(of: str) -> None:
    """Half precision is computed in float32; integers stay integers."""
    kind = getattr(torch, of)
    it = torch.tensor(holed(4, 6)).to(kind)
    dense = torch.tensor(DENSE).to(kind)
    product = it.to_sparse_csr() @ dense
    assert product.dtype is kind
    np.testing.assert_allclose(
        product.to(torch.complex64).numpy(), (it @ dense).to(torch.complex64).numpy(), rtol=1e-2
    )


def test_large() -> None:
    """Sizes at which compiled loops take over."""
    random = np.random.default_rng(0)
    places, values = random.integers(0, 300, (2, 4000)), random.standard_normal(4000)
    it = torch.sparse_coo_tensor(torch.tensor(places), torch.tensor(values), (300, 300))
    x, dense = it.to_dense(), torch.tensor(random.standard_normal((300, 40)))
    close(it @ dense, (x @ dense).numpy())
    close(it.to_sparse_csr() @ it.to_sparse_csr(), (x @ x).numpy())
    bad = torch.sparse_csr_tensor([0, 1], [500], torch.ones(1), (1, 300))
    with pytest.raises(IndexError):
        bad @ torch.ones(300, 40)


def test_linear() -> None:
    """A layer applied to sparse rows, or with sparse weights."""
    rows, weight = sample("coo"), torch.tensor(holed(3, 6, seed=5))
    bias = torch.arange(3.0, dtype=torch.float64, requires_grad=True)
    expected = rows.to_dense().numpy() @ weight.numpy().T + bias.detach().numpy()
    linear = torch.nn.functional.linear
    close(linear(rows, weight, bias), expected)
    close(linear(rows.to_dense(), weight.to_sparse_csr(), bias), expected)
    linear(rows, weight.requires_grad_(), bias).sum().backward()
    assert weight.grad is not None and bias.grad is not None
    close(weight.grad, np.tile(rows.to_dense().numpy().sum(0), (3, 1)))


def test_stacks() -> None:
    """A sparse stack of matrices times a dense one."""
    batch = torch.tensor(holed(2, 3, 4))
    dense = torch.tensor(holed(2, 4, 5, seed=4, share=0))
    close(torch.bmm(batch.to_sparse(), dense), (batch @ dense).numpy())


def test_older_names() -> None:
    """``smm``, ``sspaddmm`` and ``hspmm`` keep the product sparse."""
    it, dense, added = sample("coo"), torch.tensor(DENSE), sample("coo", 4, 3, seed=8)
    product = it.to_dense().numpy() @ DENSE
    expected = 2 * added.to_dense().numpy() + 0.5 * product
    total = torch.sspaddmm(added, it, dense, beta=2.0, alpha=0.5)
    assert total.is_sparse and not total.is_coalesced()
    close(total, expected)
    assert torch.smm(it, dense).is_sparse
    close(torch.smm(it, dense), product)
    rows = torch.hspmm(it, dense)
    assert (rows.sparse_dim(), rows.dense_dim()) == (1, 1)
    close(rows, product)
    close(torch.spmm(it, dense), product)
    close(torch.dsmm(it, dense), product)


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
def test_reduced(reduce: str) -> None:
    """Products of a row reduced otherwise than by their sum; a row without any gives zeros."""
    x = np.array([[-1.0, 0, 0, 2], [0, 0, 0, 0], [0, 3, -4, 5]])
    dense = holed(4, 3, seed=1, share=0)
    it = torch.tensor(x).to_sparse_csr()
    function = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min}[reduce]
    expected = [
        function(row[row != 0][:, None] * dense[row != 0], axis=0) if row.any() else np.zeros(3)
        for row in x
    ]
    close(torch.sparse.mm(it, torch.tensor(dense), reduce), np.array(expected))


def test_sampled() -> None:
    """A dense product at some places alone."""
    places = sample("csr")
    a, b = torch.tensor(holed(4, 5, share=0)), torch.tensor(holed(5, 6, seed=6, share=0))
    kept = places.to_dense().numpy() != 0
    expected = 0.5 * places.to_dense().numpy() + 2 * kept * (a.numpy() @ b.numpy())
    close(torch.sparse.sampled_addmm(places, a, b, beta=0.5, alpha=2.0), expected)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        torch.sparse.sampled_addmm(places, a, torch.ones(5, 6).double().t())
    with pytest.raises(NotImplementedError, match="sparse_sampled_addmm"):
        torch.sparse.sampled_addmm(sample("coo"), a, b)


def test_solved() -> None:
    """A linear system, with gradients in the matrix and the right side."""
    pytest.importorskip("scipy.sparse")
    x = holed(5, 5, seed=2) + 4 * np.eye(5)
    matrix = torch.tensor(x).to_sparse_csr().requires_grad_()
    right = torch.arange(5.0, dtype=torch.float64, requires_grad=True)
    solution = torch.sparse.spsolve(matrix, right)
    close(solution, np.linalg.solve(x, right.detach().numpy()))
    assert torch.autograd.gradcheck(torch.sparse.spsolve, (matrix, right), masked=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_refused(layout: str) -> None:
    """Sizes and dtypes that do not fit; two dense matrices."""
    it = sample(layout)
    with pytest.raises(RuntimeError):
        torch.matmul(it, torch.ones(5, 3, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="dtype"):
        torch.matmul(it, torch.ones(6, 3))
    with pytest.raises(NotImplementedError, match="Could not run 'aten::_nnz'"):
        torch.sparse.mm(torch.ones(2, 2), torch.ones(2, 2))
