"""Sparse tensors without elements, and sparse tensors written over with one value."""

from __future__ import annotations

from typing import Any

from flambeau.core.kind import Kind
from flambeau.core.op import REGISTRY
from flambeau.core.sparse import is_sparse, unsupported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import write
from flambeau.kernels.select import CPU, places
from flambeau.kernels.shared.sparse import filling as kernels
from flambeau.kernels.shared.sparse.arrays import Coo

_without, _emptied = places(kernels.without_elements), places(kernels.emptied)
_full_like = places(kernels.full_like)


def without_elements(
    shape: tuple[int, ...], kind: Kind, layout: str = "sparse_coo", dense_dim: int = 0
) -> Any:
    """A sparse array of zeros alone."""
    kernel = _without[kind.place] or _without[CPU]
    return kernel(shape, kind.array_type, layout, dense_dim)  # type: ignore[misc]


def like_sparse(input: Tensor, kind: Kind, value: Any) -> Any:
    """A sparse array like that of a tensor: of zeros, or with one value at its places."""
    array = input._array
    if isinstance(array, Coo) and value is None:
        value = 0
    if value == 0:
        return _emptied[kind.place](array.astype(kind.array_type))  # type: ignore[misc]
    if isinstance(array, Coo):
        raise unfillable(input)
    return _full_like[kind.place](array, value, kind.array_type)  # type: ignore[misc]


def unfillable(tensor: Tensor) -> Exception:
    """The error for filling a tensor in coordinates, whose zeros cannot be written to."""
    return unsupported(REGISTRY["fill"], (tensor,))


def fill_sparse(tensor: Tensor, value: Any) -> Tensor:
    """Writes 0 over all elements, or a value over those that a compressed tensor keeps."""
    assert is_sparse(tensor)
    array = tensor._array
    if value != 0 and isinstance(array, Coo):
        raise unfillable(tensor)
    place = tensor.kind.place
    if value == 0:
        write(tensor, _emptied[place](array))  # type: ignore[misc]
    else:
        write(tensor, _full_like[place](array, value, array.dtype))  # type: ignore[misc]
    return tensor
