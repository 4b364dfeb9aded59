"""Constructors, invariants, and the parts that a sparse tensor consists of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, holed, sample, twice


def test_coordinates() -> None:
    """Indices, values and size; a size that is left out is the least that fits."""
    indices, values = torch.tensor([[0, 2], [1, 0]]), torch.tensor([1.5, 2.5])
    sized = torch.sparse_coo_tensor(indices, values, (3, 5))
    assert sized.shape == (3, 5) and sized.layout is torch.sparse_coo and sized.is_sparse
    assert torch.sparse_coo_tensor(indices, values).shape == (3, 2)
    assert (sized.sparse_dim(), sized.dense_dim(), sized._nnz()) == (2, 0, 2)
    assert not sized.is_coalesced() and sized.coalesce().is_coalesced()
    empty = torch.sparse_coo_tensor((2, 3))
    assert empty._nnz() == 0 and empty.is_coalesced() and not empty.to_dense().any()
    listed = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1, 2], dtype=torch.float64)
    assert listed.dtype is torch.float64 and listed.to_dense().tolist() == [[0, 1], [2, 0]]
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        torch.sparse_coo_tensor()


def test_dense_dimensions() -> None:
    """Rows of values: one sparse dimension, one dense one."""
    values = torch.arange(6.0).reshape(2, 3)
    hybrid = torch.sparse_coo_tensor([[2, 0]], values, (4, 3))
    assert (hybrid.sparse_dim(), hybrid.dense_dim()) == (1, 1)
    assert hybrid.to_dense()[2].tolist() == [0, 1, 2]
    rows = torch.tensor(holed(3, 4, 2)).to_sparse(1)
    assert rows.values().shape[1:] == (4, 2)


def test_values_share_memory() -> None:
    """The values given are those of the tensor, as long as nothing has to be converted."""
    values = torch.ones(2)
    made = torch.sparse_coo_tensor([[0, 1]], values, (2,))
    values[0] = 5
    assert made.to_dense().tolist() == [5, 1]
    made.coalesce().values()[1] = 7  # a coalesced copy of its own
    assert values.tolist() == [5, 1]
    csr = torch.eye(2).to_sparse_csr()
    csr.values().mul_(3)
    assert csr.to_dense().diagonal().tolist() == [3, 3]


COO_FAULTS = [
    ([[0, -1], [0, 1]], 2, (2, 2), "found negative index -1 for dim 0"),
    ([[0, 2], [0, 1]], 2, (2, 2), "for dim 0, size is 2 but found index 2"),
    ([[0, 1], [0, 1]], 1, (2, 2), "same nnz, but got nnz from indices: 2, nnz from values: 1"),
    ([[0, 1], [0, 1]], 2, (2, 2, 2), "len(size) = 3, sparse_dim = 2, dense_dim = 0"),
    ([0, 1], 2, (2, 2), "indices must be sparse_dim x nnz, but got: [2]"),
]


@pytest.mark.parametrize(("indices", "count", "size", "words"), COO_FAULTS)
def test_coordinates_are_checked(indices: Any, count: int, size: Any, words: str) -> None:
    """The first condition that does not hold is named in PyTorch's words."""
    with pytest.raises(RuntimeError) as caught:
        torch.sparse_coo_tensor(
            torch.tensor(indices), torch.ones(count), size, check_invariants=True
        )
    assert words in str(caught.value)


CSR_FAULTS = [
    ([1, 2, 3], [0, 1, 0], 3, "`crow_indices[..., 0] == 0` is not satisfied."),
    ([0, 1, 2], [0, 1, 0], 3, "`crow_indices[..., -1] == nnz` is not satisfied."),
    ([0, 1, 2], [0, 5], 2, "`0 <= col_indices < ncols` is not satisfied."),
    ([0, 1, 2], [0, -1], 2, "`0 <= col_indices < ncols` is not satisfied."),
    ([0, 2, 2], [1, 0], 2, "for all i = 1, ..., nrows are sorted and distinct"),
    ([0, 2, 2], [1, 1], 2, "for all i = 1, ..., nrows are sorted and distinct"),
    ([0, 1, 2], [0, 1], 1, "col_indices.shape[-1] must be equal to nnz (=1)"),
    ([0, 2], [0, 1], 2, "crow_indices.shape[-1] must be equal to the number of rows + 1 (=3)"),
]


@pytest.mark.parametrize(("pointers", "columns", "count", "words"), CSR_FAULTS)
def test_compressed_is_checked(pointers: Any, columns: Any, count: int, words: str) -> None:
    """The first condition that does not hold is named in PyTorch's words."""
    with pytest.raises(RuntimeError) as caught:
        torch.sparse_csr_tensor(pointers, columns, torch.ones(count), (2, 3), check_invariants=True)
    assert words in str(caught.value)


def test_the_switch() -> None:
    """Checks are off by default, and nest."""
    switch = torch.sparse.check_sparse_tensor_invariants
    assert not switch.is_enabled()
    with switch():
        with switch(False):
            assert not switch.is_enabled()
        with pytest.raises(RuntimeError, match="found index 5"):
            torch.sparse_coo_tensor([[5]], [1.0], (2,))
    switch.enable()
    assert switch.is_enabled()
    switch.disable()

    @switch()
    def inside() -> bool:
        return switch.is_enabled()

    assert inside() and not switch.is_enabled()


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_compressed(layout: str) -> None:
    """The parts of a compressed tensor make it again; those of the other sort are refused."""
    it = sample(layout)
    rows = layout in ("csr", "bsr")
    along = it.crow_indices() if rows else it.ccol_indices()
    across = it.col_indices() if rows else it.row_indices()
    kind = getattr(torch, f"sparse_{layout}")
    again = torch.sparse_compressed_tensor(
        along, across, it.values(), it.shape, layout=kind, check_invariants=True
    )
    assert again.layout is kind and torch.equal(again.to_dense(), it.to_dense())
    make = getattr(torch, f"sparse_{layout}_tensor")
    assert torch.equal(make(along, across, it.values(), it.shape).to_dense(), it.to_dense())
    with pytest.raises(RuntimeError, match="compressed tensor layout but got Sparse"):
        (it.ccol_indices if rows else it.crow_indices)()


def test_batch_of_matrices() -> None:
    """Leading dimensions: pointers for each matrix, which keep equally many elements."""
    dense = torch.ones(2, 3, 4)
    it = dense.to_sparse_csr()
    assert it.crow_indices().shape == (2, 4) and it.values().shape == (2, 12)
    assert torch.equal(it.to_dense(), dense)
    dense[0, 0, 0] = 0
    with pytest.raises(RuntimeError, match="same number of specified elements per batch"):
        dense.to_sparse_csr()


def test_coalescing() -> None:
    """Values at equal places are added; of bools, any is enough."""
    it = twice()
    united = it.coalesce()
    assert united.indices().tolist() == [[0, 1, 2], [3, 0, 1]]
    assert united.values().tolist() == [7, 4, 4]
    assert united.coalesce() is united
    with pytest.raises(RuntimeError, match="Cannot get indices on an uncoalesced tensor"):
        it.indices()
    with pytest.raises(RuntimeError, match="Cannot get values on an uncoalesced tensor"):
        it.values()
    flags = torch.sparse_coo_tensor([[1, 1]], torch.tensor([True, False]), (3,)).coalesce()
    assert flags.values().tolist() == [True]


@pytest.mark.parametrize("name", ["coalesce", "indices", "values", "is_coalesced"])
def test_dense_tensors_have_no_parts(name: str) -> None:
    """The error names the layout."""
    with pytest.raises(RuntimeError, match=f"{name} expected sparse .*tensor layout but got Str"):
        getattr(torch.ones(2, 2), name)()
    assert torch.ones(2, 2).sparse_dim() == 0 and torch.ones(2, 2).dense_dim() == 2


def test_parameters_and_data() -> None:
    """A sparse parameter is a parameter; ``data`` and ``detach`` share the values."""
    parameter = torch.nn.Parameter(torch.eye(2).to_sparse())
    assert parameter.is_sparse and parameter.requires_grad and parameter.is_leaf
    detached = parameter.detach()
    assert not detached.requires_grad and not parameter.data.requires_grad
    detached.values().mul_(2)
    assert parameter.to_dense().trace() == 4
    assert type(torch.eye(2).to_sparse()) is torch.Tensor


def test_like_and_filled() -> None:
    """``zeros_like`` keeps nothing; compressed tensors can be filled, coordinates cannot."""
    for layout in LAYOUTS:
        it = sample(layout)
        assert torch.zeros_like(it)._nnz() == 0 and torch.zeros_like(it).layout is it.layout
        assert it.clone().zero_()._nnz() == 0 and it._nnz() > 0
    ones = torch.ones_like(sample("csr"))
    assert set(ones.values().tolist()) == {1}
    with pytest.raises(NotImplementedError, match="Could not run 'aten::fill"):
        torch.ones_like(sample("coo"))
    assert torch.zeros(2, 3, layout=torch.sparse_csr).crow_indices().tolist() == [0, 0, 0]
    with pytest.raises(RuntimeError, match="not implemented for sparse layout"):
        torch.ones(2, 3, layout=torch.sparse_coo)


def test_meta() -> None:
    """There is nothing to compute without elements."""
    with pytest.raises(NotImplementedError, match="no sparse tensors on the meta device"):
        torch.ones(2, 2, device="meta").to_sparse()


def test_resized() -> None:
    """Growing keeps the elements; shrinking is refused while there are any."""
    it = twice()
    it.sparse_resize_((5, 6), 2, 0)
    assert it.shape == (5, 6) and it._nnz() == 5
    with pytest.raises(RuntimeError, match=r"shrinking the size of sparse dimensions \(from"):
        it.sparse_resize_((2, 2), 2, 0)
    it.sparse_resize_and_clear_((2, 2), 1, 1)
    assert (it._nnz(), it.sparse_dim(), it.dense_dim()) == (0, 1, 1)
    template = sample("csr")
    assert torch.zeros_like(template).resize_as_sparse_(template)._nnz() == template._nnz()


def test_spdiags() -> None:
    """Diagonals as SciPy's ``spdiags`` places them; gradients come back to them."""
    sparse = pytest.importorskip("scipy.sparse")
    diagonals, offsets = np.arange(1.0, 13).reshape(3, 4), [0, -1, 2]
    expected = sparse.spdiags(diagonals, offsets, 4, 5).toarray()
    rows = torch.tensor(diagonals, requires_grad=True)
    made = torch.sparse.spdiags(rows, torch.tensor(offsets), (4, 5))
    np.testing.assert_array_equal(made.detach().to_dense().numpy(), expected)
    csr = torch.sparse.spdiags(rows.detach(), torch.tensor(offsets), (4, 5), torch.sparse_csr)
    np.testing.assert_array_equal(csr.to_dense().numpy(), expected)
    made.to_dense().sum().backward()
    assert rows.grad is not None and rows.grad.sum() == np.count_nonzero(expected)
    with pytest.raises(RuntimeError, match="Offset tensor contains duplicate values"):
        torch.sparse.spdiags(rows, torch.tensor([0, 0, 1]), (4, 4))
