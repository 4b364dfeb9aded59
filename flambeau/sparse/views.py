"""The parts of sparse tensors as copies: the functions behind ``torch.values_copy`` and its kin."""

from __future__ import annotations

from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver


def values_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the values of a sparse tensor."""
    return deliver("values_copy", input.values().clone(), out)  # type: ignore[attr-defined]


def indices_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the indices of a coalesced tensor in coordinates."""
    return deliver("indices_copy", input.indices().clone(), out)  # type: ignore[attr-defined]


def crow_indices_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the row pointers of a CSR or BSR tensor."""
    return deliver("crow_indices_copy", input.crow_indices().clone(), out)  # type: ignore


def col_indices_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the column indices of a CSR or BSR tensor."""
    return deliver("col_indices_copy", input.col_indices().clone(), out)  # type: ignore


def ccol_indices_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the column pointers of a CSC or BSC tensor."""
    return deliver("ccol_indices_copy", input.ccol_indices().clone(), out)  # type: ignore


def row_indices_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the row indices of a CSC or BSC tensor."""
    return deliver("row_indices_copy", input.row_indices().clone(), out)  # type: ignore


__all__ = exported(globals())
