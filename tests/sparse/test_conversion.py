"""Every way from one layout to another, and the gradients that come back."""

from __future__ import annotations

from itertools import permutations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import flambeau as torch
from tests.sparse.examples import LAYOUTS, holed, sample, to_layout

EVERY = ["strided", *LAYOUTS]
UNDEFINED = {("bsr", "csr"), ("bsr", "csc"), ("bsc", "csr"), ("bsc", "csc")}
PAIRS = [pair for pair in permutations(EVERY, 2) if pair not in UNDEFINED]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_there(source: str, target: str) -> None:
    """The elements are the same in every layout, and so is the gradient."""
    dense = torch.tensor(holed(4, 6), requires_grad=True)
    it = dense if source == "strided" else to_layout(dense, source)
    made = it.to_dense() if target == "strided" else to_layout(it, target)
    assert made.layout is getattr(torch, target if target == "strided" else f"sparse_{target}")
    np.testing.assert_array_equal(made.detach().to_dense().numpy(), holed(4, 6))
    weight = torch.arange(24.0, dtype=torch.float64).reshape(4, 6)
    (made.to_dense() * weight).sum().backward()
    kept = holed(4, 6) != 0
    assert dense.grad is not None
    np.testing.assert_array_equal(dense.grad.numpy()[kept], weight.numpy()[kept])


@pytest.mark.parametrize(("source", "target"), sorted(UNDEFINED))
def test_not_from_blocks(source: str, target: str) -> None:
    """Blocks do not become single elements, as in PyTorch."""
    with pytest.raises(RuntimeError, match="expected SparseCsr or SparseCsc layout but got Sparse"):
        to_layout(sample(source), target)


@settings(max_examples=40, deadline=None)
@given(some.integers(0, 5), some.integers(1, 5), some.integers(0, 2**32), some.floats(0, 1))
def test_round_trips(rows: int, columns: int, seed: int, share: float) -> None:
    """There and back again, for matrices of any size, also without an element."""
    dense = torch.tensor(holed(2 * rows, 3 * columns, seed=seed, share=share))
    for layout in LAYOUTS:
        assert torch.equal(to_layout(dense, layout, (2, 3)).to_dense(), dense)
    assert torch.equal(dense.to_sparse_csr().to_sparse().to_sparse_csc().to_dense(), dense)


@pytest.mark.parametrize("of", [np.float16, ml_dtypes.bfloat16, np.complex128, np.int64, np.bool_])
def test_dtypes(of: type) -> None:
    """Elements of every dtype survive."""
    dense = torch.tensor(holed(4, 6, dtype=np.float32)).to(torch.from_numpy(np.ones(1, of)).dtype)
    for layout in LAYOUTS:
        assert torch.equal(to_layout(dense, layout).to_dense(), dense)
    assert dense.to_sparse().to(torch.float32).dtype is torch.float32


def test_blocks() -> None:
    """A block is kept whole if anything in it is not zero; sizes have to divide."""
    dense = torch.zeros(4, 6)
    dense[0, 1], dense[3, 5] = 1.5, 2
    it = dense.to_sparse_bsr((2, 3))
    assert it.values().tolist() == [[[0, 1.5, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 2]]]
    assert (it.crow_indices().tolist(), it.col_indices().tolist()) == ([0, 1, 2], [0, 1])
    with pytest.raises(RuntimeError, match=r"\(4,6\) must be divisible by given blocksize \(3,3\)"):
        dense.to_sparse_bsr((3, 3))
    with pytest.raises(RuntimeError, match="without blocksize argument given is not supported"):
        dense.to_sparse(layout=torch.sparse_bsr)


def test_sparse_dimensions() -> None:
    """``to_sparse(n)`` leaves the other dimensions dense; n has to fit."""
    dense = torch.tensor(holed(3, 4, 2))
    for n in (1, 2, 3):
        assert dense.to_sparse(n).sparse_dim() == n
        assert torch.equal(dense.to_sparse(n).to_dense(), dense)
    with pytest.raises(RuntimeError, match=r"must be in \[0,3\] range, but 4 is given"):
        dense.to_sparse(4)
    assert dense.to_sparse_csr(dense_dim=1).values().ndim == 2


def test_itself() -> None:
    """A conversion that changes nothing returns the tensor."""
    for layout in LAYOUTS:
        it = sample(layout)
        assert to_layout(it, layout) is it and it.double() is it and it.cpu() is it
    dense = torch.ones(2)
    assert dense.to_dense() is dense


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks(layout: str) -> None:
    """Elements of a dense or sparse tensor at the places of a sparse one."""
    mask, dense = sample(layout), torch.tensor(holed(4, 6, seed=5, share=0), requires_grad=True)
    masked = dense.sparse_mask(mask)
    there = (to_layout(torch.ones(4, 6), layout).sparse_mask(mask)).to_dense()
    assert masked.layout is mask.layout and masked._nnz() == mask._nnz()
    assert torch.equal(masked.detach().to_dense(), dense.detach() * there)
    masked.to_dense().sum().backward()
    assert dense.grad is not None and torch.equal(dense.grad, there.double())
    again = dense.detach().to_sparse().sparse_mask(mask)
    assert torch.equal(again.to_dense(), masked.detach().to_dense())
    with pytest.raises(RuntimeError, match="operands have incompatible sizes"):
        torch.ones(2, 3).sparse_mask(mask)
