"""``repr`` of sparse tensors, as PyTorch 2.13 shows them."""

from __future__ import annotations

import flambeau as torch

COO = """\
tensor(indices=tensor([[0, 1, 1],
                       [1, 0, 2]]),
       values=tensor([1.5000, 2.5000, 1.0000]),
       size=(2, 3), nnz=3, layout=torch.sparse_coo)"""
CSR = """\
tensor(crow_indices=tensor([0, 1, 3]),
       col_indices=tensor([1, 0, 2]),
       values=tensor([1.5000, 2.5000, 1.0000]), size=(2, 3), nnz=3,
       layout=torch.sparse_csr)"""
BSC = """\
tensor(ccol_indices=tensor([0, 2, 2, 3]),
       row_indices=tensor([0, 1, 1]),
       values=tensor([[[0.0000, 1.5000],
                       [0.0000, 0.0000]],

                      [[3.0000, 0.0000],
                       [0.0000, 0.0000]],

                      [[0.0000, 0.0000],
                       [0.0000, 2.0000]]]), size=(4, 6), nnz=3,
       layout=torch.sparse_bsc)"""
RECORDED = """\
tensor(indices=tensor([[0, 1],
                       [1, 0]]),
       values=tensor([1., 2.]),
       size=(2, 2), nnz=2, layout=torch.sparse_coo,
       grad_fn=<SparseCooTensorWithDimsAndTensorsBackward0>)"""
DOUBLE = """\
tensor(indices=tensor([[0, 1],
                       [1, 0]]),
       values=tensor([1., 2.]),
       size=(2, 2), nnz=2, dtype=torch.float64, layout=torch.sparse_coo,
       requires_grad=True)"""
EMPTY = """\
tensor(indices=tensor([], size=(2, 0)),
       values=tensor([], size=(0, 3)),
       size=(2, 2, 3), nnz=0, layout=torch.sparse_coo)"""
SCALED = """\
tensor(crow_indices=tensor([0, 1, 3]),
       col_indices=tensor([1, 0, 2]),
       values=tensor([3., 5., 2.]), size=(2, 3), nnz=3,
       layout=torch.sparse_csr, grad_fn=<MulBackward0>)"""


def test_repr() -> None:
    """Indices, values, size, number of values, dtype, layout and history."""
    dense = torch.tensor([[0.0, 1.5, 0], [2.5, 0.0, 1]])
    assert repr(dense.to_sparse()) == COO
    assert repr(dense.to_sparse_csr()) == CSR
    assert repr(dense.to_sparse_csr().requires_grad_() * 2) == SCALED
    blocks = torch.zeros(4, 6)
    blocks[0, 1], blocks[3, 5], blocks[2, 0] = 1.5, 2, 3
    assert repr(blocks.to_sparse_bsc((2, 2))) == BSC
    places, values = [[0, 1], [1, 0]], torch.tensor([1.0, 2.0])
    recorded = torch.sparse_coo_tensor(places, values.requires_grad_(), (2, 2))
    assert repr(recorded) == RECORDED
    leaf = torch.sparse_coo_tensor(
        places, values.detach(), (2, 2), requires_grad=True, dtype=torch.float64
    )
    assert repr(leaf) == DOUBLE
    nothing = torch.sparse_coo_tensor(
        torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 3), (2, 2, 3)
    )
    assert repr(nothing) == EMPTY
    assert repr(torch.nn.Parameter(dense.to_sparse())).startswith(
        "Parameter containing:\ntensor(indices=tensor([[0, 1, 1],"
    )
