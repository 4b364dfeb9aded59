"""``sparse_coo_tensor``, ``sparse_csr_tensor`` and their kin."""

from __future__ import annotations

from typing import Any

from flambeau.core import layout as layouts
from flambeau.core.dispatch import dispatch
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int64
from flambeau.core.errors.messages import same_device
from flambeau.core.kind import Kind
from flambeau.core.publish import exported
from flambeau.core.sparse import wrap_any
from flambeau.core.tensor import Tensor
from flambeau.kernels.select import places
from flambeau.kernels.shared.sparse import checks, parts
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo, SparseArray
from flambeau.ops.factories import filled, kind_for, sizes
from flambeau.ops.from_data import tensor as make_tensor
from flambeau.sparse.forms import declare
from flambeau.sparse.invariants import check_compressed, check_coo, check_coo_shapes, wanted
from flambeau.sparse.parts import values_at

Size = Any


# ---- from values, with their history


def _gradient_of_values(grad: Tensor, places: SparseArray) -> Tensor:
    return values_at(grad, wrap_any(places, grad.kind))


def _constructor(name: str, node: str) -> Any:
    return declare(name, parts.with_values, inputs=("values",),
                   params=("places",), node=node, vjp={"values": _gradient_of_values},
                   doc="A sparse tensor of values at given places.")  # fmt: skip


_coo = _constructor("sparse_coo_tensor", "SparseCooTensorWithDimsAndTensors")
_compressed = _constructor("sparse_compressed_tensor", "SparseCompressedTensor")


def _as_values(values: Any, dtype: DType | None, device: Any) -> Tensor:
    """The values as a tensor; one that is given keeps its history."""
    made = values if isinstance(values, Tensor) else make_tensor(values, dtype=dtype, device=device)
    made = made.to(device=device, dtype=dtype)  # type: ignore[attr-defined]
    return made if made.ndim else made.reshape(1)  # type: ignore[attr-defined]


def _as_indices(indices: Any, like: Tensor) -> Tensor:
    made = indices if isinstance(indices, Tensor) else make_tensor(indices, device=like.device)
    return made.to(device=like.device)  # type: ignore[attr-defined]


def _finished(op: Any, values: Tensor, array: Any, requires_grad: bool) -> Tensor:
    if requires_grad:
        return wrap_any(array, values.kind).requires_grad_()  # type: ignore[attr-defined]
    return dispatch(op, (values,), (array,))


def at_places_of(like: Tensor, values: Tensor) -> Tensor:
    """Values, with their history, at the places of a sparse tensor."""
    return dispatch(
        _coo if isinstance(like._array, Coo) else _compressed, (values,), (like._array,)
    )


# ---- coordinates

_bounds = places(checks.out_of_bounds)


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Size = None,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A sparse tensor with ``values`` ``[nnz, *dense]`` at ``indices`` ``[sparse_dim, nnz]``.

    ``size`` is by default as large as the indices need. ``sparse_coo_tensor(size)`` is all zeros.
    Gradients flow back to ``values``. Raises RuntimeError where the shapes do not fit; indices
    are looked at with ``check_invariants`` (by default as the switch
    ``torch.sparse.check_sparse_tensor_invariants`` says), and so is ``is_coalesced``.

    >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    if values is None:
        if indices is None and size is None:
            raise TypeError(
                "sparse_coo_tensor() received an invalid combination of arguments - got ()"
            )
        return empty_coo(
            size if indices is None else indices, kind_for(dtype, device), requires_grad
        )
    values = _as_values(values, dtype, device)
    given = _as_indices(indices, values).to(int64)  # type: ignore[attr-defined]
    if given.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(given.shape)}")
    if given.device is not values.device:
        raise same_device(given.device, values.device)
    shape = _needed(given, values) if size is None else sizes("sparse_coo_tensor", (size,))
    check_coo_shapes(given, values, shape)
    array = Coo(given._array, values._array, shape, bool(is_coalesced))
    if wanted(check_invariants):
        check_coo(array, values.kind.place)
    return _finished(_coo, values, array, requires_grad)


def _needed(indices: Tensor, values: Tensor) -> tuple[int, ...]:
    """The least size that holds all indices; RuntimeError for a negative one."""
    fault = _bounds[values.kind.place](indices._array, (1 << 62,) * indices.shape[0])  # type: ignore
    if fault is not None:
        raise RuntimeError(f"found negative index {fault[1]} for dim {fault[0]}")
    needed = [int(row.max()) + 1 if row.size else 0 for row in indices._array]
    return (*needed, *values.shape[1:])


def empty_coo(
    size: Size, kind: Kind, requires_grad: bool = False, sparse_dim: int | None = None
) -> Tensor:
    """A tensor in coordinates that keeps no element."""
    shape = sizes("sparse_coo_tensor", (size,))
    at = len(shape) if sparse_dim is None else sparse_dim
    indices = filled((at, 0), kind.of(int64), 0)
    made = wrap_any(Coo(indices, filled((0, *shape[at:]), kind, 0), shape, True), kind)
    return made.requires_grad_() if requires_grad else made  # type: ignore[attr-defined]


# ---- compressed


def sparse_compressed_tensor(
    compressed_indices: Any,
    plain_indices: Any,
    values: Any,
    size: Size = None,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A sparse tensor in the compressed ``layout``: CSR, CSC, BSR or BSC.

    ``compressed_indices`` ``[*batch, lines + 1]`` say where each row (or column) begins among
    ``plain_indices`` ``[*batch, nnz]`` and ``values`` ``[*batch, nnz, *block, *dense]``. Raises
    RuntimeError for another layout and, when invariants are checked, for parts that do not fit.

    >>> parts = [0, 1, 2], [1, 0], [5.0, 6.0]
    >>> torch.sparse_compressed_tensor(*parts, layout=torch.sparse_csr).to_dense()
    tensor([[0., 5.],
            [6., 0.]])
    """
    if layout not in _LAYOUTS:
        found = {None: "none", layouts.strided: "Strided"}.get(layout, "Sparse")
        raise RuntimeError(
            "sparse_compressed_tensor expected sparse compressed tensor layout but got " + found
        )
    values = (
        values if isinstance(values, Tensor) else make_tensor(values, dtype=dtype, device=device)
    )
    values = values.to(device=device, dtype=dtype)
    pointers, plain = [_as_indices(i, values)._array for i in (compressed_indices, plain_indices)]
    array = Compressed(layout.name, pointers, plain, values._array, ())
    array.shape = _estimated(array) if size is None else sizes("sparse_compressed_tensor", (size,))
    if wanted(check_invariants):
        check_compressed(array, values.kind.place)
    return _finished(_compressed, values, array, requires_grad)


_LAYOUTS = (layouts.sparse_csr, layouts.sparse_csc, layouts.sparse_bsr, layouts.sparse_bsc)


def _estimated(array: Compressed) -> tuple[int, ...]:
    """The least size that holds all indices."""
    lines = array.pointers.shape[-1] - 1
    others = int(array.plain.max()) + 1 if array.plain.size else 0
    (p, q), at = array.block, array.plain.ndim + 2 * array.blocked
    pair = (lines * p, others * q) if array.by_rows else (others * p, lines * q)
    return (*array.batch, *pair, *array.values.shape[at:])


def sparse_csr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Size = None, *,
    dtype: DType | None = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A sparse tensor in compressed rows: row i holds ``values[k]`` in column ``col_indices[k]``
    for ``crow_indices[i] <= k < crow_indices[i + 1]``.

    >>> torch.sparse_csr_tensor([0, 1, 2], [1, 0], [5.0, 6.0]).to_dense()
    tensor([[0., 5.],
            [6., 0.]])
    """
    return sparse_compressed_tensor(
        crow_indices, col_indices, values, size, dtype=dtype, device=device,
        layout=_only(layouts.sparse_csr, layout), requires_grad=requires_grad,
        check_invariants=check_invariants,
    )  # fmt: skip


def sparse_csc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Size = None, *,
    dtype: DType | None = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A sparse tensor in compressed columns: column j holds ``values[k]`` in row ``row_indices[k]``
    for ``ccol_indices[j] <= k < ccol_indices[j + 1]``.

    >>> torch.sparse_csc_tensor([0, 1, 2], [1, 0], [5.0, 6.0]).to_dense()
    tensor([[0., 6.],
            [5., 0.]])
    """
    return sparse_compressed_tensor(
        ccol_indices, row_indices, values, size, dtype=dtype, device=device,
        layout=_only(layouts.sparse_csc, layout), requires_grad=requires_grad,
        check_invariants=check_invariants,
    )  # fmt: skip


def sparse_bsr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Size = None, *,
    dtype: DType | None = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A sparse tensor in compressed rows of blocks: ``values`` is ``[nnz, p, q]``, and the indices
    count blocks.

    >>> torch.sparse_bsr_tensor([0, 1], [0], [[[1.0, 2.0]]]).shape
    torch.Size([1, 2])
    """
    return sparse_compressed_tensor(
        crow_indices, col_indices, values, size, dtype=dtype, device=device,
        layout=_only(layouts.sparse_bsr, layout), requires_grad=requires_grad,
        check_invariants=check_invariants,
    )  # fmt: skip


def sparse_bsc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Size = None, *,
    dtype: DType | None = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """A sparse tensor in compressed columns of blocks: ``values`` is ``[nnz, p, q]``, and the
    indices count blocks.

    >>> torch.sparse_bsc_tensor([0, 1], [0], [[[1.0, 2.0]]]).shape
    torch.Size([1, 2])
    """
    return sparse_compressed_tensor(
        ccol_indices, row_indices, values, size, dtype=dtype, device=device,
        layout=_only(layouts.sparse_bsc, layout), requires_grad=requires_grad,
        check_invariants=check_invariants,
    )  # fmt: skip


def _only(layout: Any, given: Any) -> Any:
    """The layout of a constructor; RuntimeError if another one was asked of it."""
    if given not in (None, layout):
        raise RuntimeError(f"{layout.name}_tensor: the layout is {layout}, not {given}")
    return layout


__all__ = exported(globals(), "at_places_of empty_coo")
