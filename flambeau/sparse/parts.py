"""What a sparse tensor consists of: indices, values, and how many dimensions have which."""

from __future__ import annotations

from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.publish import method
from flambeau.core.sparse import backend, is_sparse, title
from flambeau.core.tensor import Tensor, wrap
from flambeau.kernels.shared.sparse import coalescing, conversion
from flambeau.kernels.shared.sparse import parts as kernels
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo
from flambeau.sparse.forms import declare


def _coordinates(tensor: Tensor, function: str) -> Coo:
    """The array of a tensor in coordinates; RuntimeError for another layout."""
    if not isinstance(tensor._array, Coo):
        raise RuntimeError(
            f"{function} expected sparse coordinate tensor layout but got {title(tensor)}"
        )
    return tensor._array


def _compressed(tensor: Tensor, function: str, by_rows: bool) -> Compressed:
    array = tensor._array
    if not isinstance(array, Compressed) or array.by_rows is not by_rows:
        raise RuntimeError(
            f"{function} expected sparse {'row' if by_rows else 'column'} compressed tensor layout "
            f"but got {title(tensor)}"
        )
    return array


def _integers(tensor: Tensor, array: Any) -> Tensor:
    return wrap(array, tensor.kind.family[array.dtype])


# ---- values, with their history

_rebuild = declare("values_backward", kernels.with_values,
    inputs=("grad_output", "like"),
    vjp={"grad_output": lambda grad, like: values_at(grad, like)})  # fmt: skip
_values = declare("values", kernels.values_of,
    vjp={"input": lambda grad, input: dispatch(_rebuild, (grad, input))},
    doc="The values of a sparse tensor.")  # fmt: skip
_values_at = declare("values_at", conversion.values_at, inputs=("input", "places"),
    vjp={"input": lambda grad, input, places: _values_at_vjp(grad, input, places)})  # fmt: skip


def _values_at_vjp(grad: Tensor, input: Tensor, places: Tensor) -> Tensor:
    made = dispatch(_rebuild, (grad, places))
    return made if is_sparse(input) else made.to_dense()


def values_at(input: Tensor, places: Tensor) -> Tensor:
    """The elements of a tensor, dense or sparse, at the places of a sparse one: ``[nnz, *]``."""
    return dispatch(_values_at, (input, places))


@method("values")
def values(self: Tensor) -> Tensor:
    """The values of a sparse tensor: writes to them are writes to the tensor.

    RuntimeError for coordinates that are not coalesced.
    """
    array = self._array
    if isinstance(array, Coo) and not array.coalesced:
        raise RuntimeError(
            "Cannot get values on an uncoalesced tensor, please call .coalesce() first"
        )
    if not is_sparse(self):
        raise RuntimeError(f"values expected sparse tensor layout but got {title(self)}")
    return dispatch(_values, (self,))


@method("indices")
def indices(self: Tensor) -> Tensor:
    """The indices ``[sparse_dim, nnz]`` of a coalesced tensor in coordinates."""
    array = _coordinates(self, "indices")
    if not array.coalesced:
        raise RuntimeError(
            "Cannot get indices on an uncoalesced tensor, please call .coalesce() first"
        )
    return _integers(self, array.indices)


@method("_indices")
def _indices(self: Tensor) -> Tensor:
    """The indices as they are stored, coalesced or not."""
    if not isinstance(self._array, Coo):
        raise _not_here("_indices", self)
    return _integers(self, self._array.indices)


@method("_values")
def _stored_values(self: Tensor) -> Tensor:
    """The values as they are stored, without history."""
    if not isinstance(self._array, Coo):
        raise _not_here("_values", self)
    return wrap(self._array.values, self.kind)


def _not_here(name: str, tensor: Tensor) -> Exception:
    return NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the '{backend((tensor,))}' backend. It "
        "is there for coordinates only"
    )


@method("crow_indices")
def crow_indices(self: Tensor) -> Tensor:
    """Where each row of a CSR or BSR tensor begins: ``[*batch, rows + 1]``."""
    return _integers(self, _compressed(self, "crow_indices", True).pointers)


@method("col_indices")
def col_indices(self: Tensor) -> Tensor:
    """The column of each value, or block, of a CSR or BSR tensor."""
    return _integers(self, _compressed(self, "col_indices", True).plain)


@method("ccol_indices")
def ccol_indices(self: Tensor) -> Tensor:
    """Where each column of a CSC or BSC tensor begins: ``[*batch, columns + 1]``."""
    return _integers(self, _compressed(self, "ccol_indices", False).pointers)


@method("row_indices")
def row_indices(self: Tensor) -> Tensor:
    """The row of each value, or block, of a CSC or BSC tensor."""
    return _integers(self, _compressed(self, "row_indices", False).plain)


# ---- counts


@method("_nnz")
def _nnz(self: Tensor) -> int:
    """How many values, or blocks, a sparse tensor keeps."""
    if not is_sparse(self):
        raise _not_here("_nnz", self)
    return self._array.nnz


@method("sparse_dim _dimI")
def sparse_dim(self: Tensor) -> int:
    """The number of dimensions that have indices; 0 for a dense tensor."""
    array = self._array
    if isinstance(array, Coo):
        return array.sparse_dim
    return 2 if isinstance(array, Compressed) else 0


@method("dense_dim _dimV")
def dense_dim(self: Tensor) -> int:
    """The number of trailing dimensions whose elements are stored whole."""
    array = self._array
    if isinstance(array, Coo):
        return array.ndim - array.sparse_dim
    return len(array.dense) if isinstance(array, Compressed) else self.ndim


# ---- coalescing

_coalesce = declare("coalesce", coalescing.coalesce, vjp={"input": lambda grad: grad},
                    doc="Equal places united.")  # fmt: skip


@method("coalesce")
def coalesce(self: Tensor) -> Tensor:
    """The tensor with sorted places of which none occurs twice: values at equal places are added.

    The tensor itself if it is coalesced already.

    >>> twice = torch.sparse_coo_tensor([[1, 1]], [2.0, 3.0], (2,))
    >>> twice.coalesce().values()
    tensor([5.])
    """
    return self if _coordinates(self, "coalesce").coalesced else dispatch(_coalesce, (self,))


@method("is_coalesced")
def is_coalesced(self: Tensor) -> bool:
    """Whether the places are known to be sorted and to occur once each."""
    return _coordinates(self, "is_coalesced").coalesced


@method("_coalesced_")
def _set_coalesced(self: Tensor, coalesced: bool) -> Tensor:
    """Declares a tensor coalesced, or not, in place; nothing is checked."""
    _coordinates(self, "_coalesced_").coalesced = coalesced
    return self


def parts(tensor: Tensor) -> tuple[Any, ...]:
    """The index tensors, as stored, then the values without history."""
    array = tensor._array
    stored = wrap(array.values, tensor.kind)
    if isinstance(array, Coo):
        return _integers(tensor, array.indices), stored
    return _integers(tensor, array.pointers), _integers(tensor, array.plain), stored
