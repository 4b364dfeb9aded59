"""Tensors over sparse arrays.

A sparse tensor is an ordinary ``Tensor`` whose ``_array`` is a ``SparseArray``. It has no ``_kind``
of its own (``_hidden_kind`` holds it), so no shortcut takes it: every call reaches ``dispatch``,
which runs the operator's sparse form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flambeau.core.kind import Kind
from flambeau.core.layout import layout, named, strided
from flambeau.core.tensor import PLAIN, Tensor, wrap
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray

if TYPE_CHECKING:
    from flambeau.core.op import Op


def wrap_any(array: Any, kind: Kind) -> Tensor:
    """A new tensor without history over an array of any layout."""
    tensor = wrap(array, kind)
    if isinstance(array, SparseArray):
        tensor._kind, tensor._hidden_kind = None, kind
    return tensor


def own_kind(array: Any, kind: Kind) -> Kind | None:
    """The ``_kind`` of a tensor of no subclass over an array: None sends it down the full road."""
    return None if isinstance(array, SparseArray) else kind


def is_sparse(value: Any) -> bool:
    """Whether a value is a tensor over a sparse array."""
    return isinstance(value, Tensor) and isinstance(value._array, SparseArray)


def is_plain_sparse(tensor: Tensor) -> bool:
    """Whether a tensor without a kind is one of no subclass: a sparse one."""
    return type(tensor) in PLAIN and isinstance(tensor._array, SparseArray)


def layout_of(tensor: Tensor) -> layout:
    """How the elements of a tensor are stored."""
    array = tensor._array
    return named(array.layout) if isinstance(array, SparseArray) else strided


def title(tensor: Tensor) -> str:
    """What PyTorch's messages call the layout of a tensor: ``SparseCsr``."""
    array = tensor._array
    return array.title if isinstance(array, SparseArray) else "Strided"


def backend(tensors: tuple[Any, ...]) -> str:
    """What PyTorch calls the backend of a call: ``SparseCPU`` with a sparse tensor."""
    first = next((t for t in tensors if is_sparse(t)), tensors[0])
    array = first._array
    name = "Sparse" if isinstance(array, Coo) else "SparseCsr" if is_sparse(first) else ""
    return name + {"cpu": "CPU", "cuda": "CUDA", "meta": "Meta"}[first.device.type]


def unsupported(op: Op, tensors: tuple[Any, ...]) -> Exception:
    """The error for an operator that has no sparse form."""
    first = next(t for t in tensors if is_sparse(t))
    if op.batch_rule == "pointwise" and isinstance(first._array, Compressed):
        return RuntimeError(f"unsupported tensor layout: {first._array.title}")
    return NotImplementedError(
        f"Could not run 'aten::{op.name}' with arguments from the '{backend(tensors)}' backend. "
        "There is no form of it for sparse tensors: call to_dense() first"
    )
