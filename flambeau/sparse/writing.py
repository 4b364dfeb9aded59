"""Sparse tensors changed in place: other sizes, other elements."""

from __future__ import annotations

from collections.abc import Sequence

from flambeau.core.publish import method
from flambeau.core.sparse import backend, is_sparse
from flambeau.core.tensor import Tensor, replace_array
from flambeau.core.views import bump
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo
from flambeau.ops.sparse_filling import without_elements

Sizes = Sequence[int]


def _checked(tensor: Tensor, name: str, size: Sizes, sparse_dim: int, dense_dim: int) -> Coo:
    array = tensor._array
    if not isinstance(array, Coo):
        raise NotImplementedError(
            f"Could not run 'aten::{name}' with arguments from the '{backend((tensor,))}' backend. "
            "It is there for coordinates only"
        )
    if len(size) != sparse_dim + dense_dim:
        raise RuntimeError(
            "'len(size) == sparse_dim + dense_dim' is not satisfied: "
            f"len(size) = {len(size)}, sparse_dim = {sparse_dim}, dense_dim = {dense_dim}"
        )
    return array


@method("sparse_resize_")
def sparse_resize_(self: Tensor, size: Sizes, sparse_dim: int, dense_dim: int) -> Tensor:
    """Gives a tensor in coordinates another size, in place; its elements stay where they are.

    RuntimeError where elements are kept and would have no place, or dimensions change their sort.
    """
    array = _checked(self, "sparse_resize_", size, sparse_dim, dense_dim)
    if not array.nnz:
        return sparse_resize_and_clear_(self, size, sparse_dim, dense_dim)
    _check_growth(array, tuple(size), sparse_dim, dense_dim)
    values = array.values
    dense = tuple(size[sparse_dim:])
    if values.shape[1:] != dense:
        grown = self.kind.xp.zeros((array.nnz, *dense), values.dtype)
        grown[tuple([slice(0, n) for n in values.shape])] = values
        values = grown
    replace_array(self, Coo(array.indices, values, tuple(size), array.coalesced))
    bump(self)
    return self


def _check_growth(array: Coo, size: tuple[int, ...], sparse_dim: int, dense_dim: int) -> None:
    at = array.sparse_dim
    for name, old, new in (("sparse", at, sparse_dim), ("dense", array.ndim - at, dense_dim)):
        if old != new:
            raise RuntimeError(
                f"changing the number of {name} dimensions (from {old} to {new}) on a non-empty "
                "sparse tensor is not supported."
            )
    for name, old_sizes, new_sizes in (
        ("sparse", array.shape[:at], size[:at]),
        ("dense", array.shape[at:], size[at:]),
    ):
        if any([new < old for old, new in zip(old_sizes, new_sizes)]):
            raise RuntimeError(
                f"shrinking the size of {name} dimensions (from {list(old_sizes)} to "
                f"{list(new_sizes)}) on a non-empty sparse tensor is not supported."
            )


@method("sparse_resize_and_clear_")
def sparse_resize_and_clear_(self: Tensor, size: Sizes, sparse_dim: int, dense_dim: int) -> Tensor:
    """Gives a tensor in coordinates another size, in place, and drops its elements."""
    _checked(self, "sparse_resize_and_clear_", size, sparse_dim, dense_dim)
    replace_array(self, without_elements(tuple(size), self.kind, "sparse_coo", dense_dim))
    bump(self)
    return self


@method("resize_as_sparse_")
def resize_as_sparse_(input: Tensor, the_template: Tensor) -> Tensor:
    """Gives a sparse tensor the size of another in the same layout, in place."""
    if not is_sparse(the_template) or not is_sparse(input):
        raise RuntimeError("resize_as_sparse_: self and other must be sparse tensors")
    like = the_template._array
    if isinstance(like, Coo):
        size = the_template.shape
        return sparse_resize_(input, size, like.sparse_dim, like.ndim - like.sparse_dim)
    if not isinstance(input._array, Compressed) or input._array.layout != like.layout:
        raise RuntimeError(
            f"resize_as_sparse_: layouts differ: {input.layout} and {the_template.layout}"  # type: ignore
        )
    replace_array(input, like.copy().with_values(like.values.astype(input._array.dtype)))
    bump(input)
    return input
