"""Sparse tensors in copies, pickles and files."""

from __future__ import annotations

from typing import Any

from flambeau.core.layout import sparse_coo
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.sparse.construction import sparse_compressed_tensor, sparse_coo_tensor
from flambeau.sparse.invariants import check_compressed, check_coo
from flambeau.sparse.parts import parts


@method("sparse_parts")
def sparse_parts(self: Tensor) -> tuple[Any, ...]:
    """What ``rebuild`` makes the tensor of again: index tensors, values, size and, for coordinates,
    whether they are coalesced."""
    size = tuple(self.shape)
    if self.layout is sparse_coo:  # type: ignore[attr-defined]
        return (*parts(self), size, self._array.coalesced)
    return (*parts(self), size)


def rebuild(layout: Any, data: Any) -> Tensor:
    """A sparse tensor from its parts; older files do not say whether it is coalesced.

    Its indices may not have been read yet: ``check_rebuilt`` looks at them.
    """
    if layout is sparse_coo:
        indices, values, size, *coalesced = data
        known = coalesced[0] if coalesced else None
        return sparse_coo_tensor(indices, values, size, is_coalesced=known)
    pointers, plain, values, size = data
    return sparse_compressed_tensor(pointers, plain, values, size, layout=layout)


def check_rebuilt(tensor: Tensor) -> None:
    """RuntimeError unless the indices of a sparse tensor are what they have to be."""
    check = check_coo if tensor.layout is sparse_coo else check_compressed  # type: ignore
    check(tensor._array, tensor.kind.place)
