"""Several tensors as one: ``cat``, ``stack`` and their relatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core.dtype import scalar_name
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.numpy_names import chosen
from flambeau.core.op import LINEAR, Op, wrap_dim
from flambeau.core.promotion import can_cast
from flambeau.core.publish import aten, exported, named
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU
from flambeau.kernels.shared import joining as kernels
from flambeau.ops.in_place import check_no_overlap
from flambeau.ops.reshaping import atleast_1d, atleast_2d, atleast_3d

Tensors = Sequence[Tensor]
_array = numpy.array
_concatenate = getattr(numpy.concatenate, "_implementation", numpy.concatenate)  # 0.3 us faster


# ---- along a dimension that exists


def _cat_shape(*arrays_and_dim: Any) -> Any:
    *arrays, dim = arrays_and_dim
    shape = list(arrays[0].shape)
    shape[dim] = sum([a.shape[dim] for a in arrays])
    return tuple(shape), arrays[0].dtype


def _cat_pieces(grad: Tensor, needs: Any, tensors_shape: Any, dim: int) -> list[Any]:
    start, pieces = 0, []
    for need, shape in zip(needs, tensors_shape, strict=True):
        pieces.append(grad.narrow(dim, start, shape[dim]) if need else None)  # type: ignore
        start += shape[dim]
    return pieces


_cat = Op("cat", kernels.concatenated, inputs="*tensors", dims=("dim",), promote="same",
    jvp=LINEAR, shape=_cat_shape, vjp=_cat_pieces,
    doc="Tensors one after the other along a dimension.")  # fmt: skip


def cat(
    tensors: Tensors, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None
) -> Tensor:
    """The ``tensors`` one after the other along ``dim``; their other sizes have to be equal.

    Empty tensors of one dimension are left out. Dtypes are promoted to a common one. RuntimeError
    where other sizes differ.

    >>> torch.cat((torch.zeros(1, 2), torch.ones(2, 2))).shape
    torch.Size([3, 2])
    """
    if axis is not None:
        dim = chosen("cat", "axis", axis, dim, 0)
    if out is None and not flags.active and type(tensors) in _SEQUENCES:
        try:
            kind = tensors[0]._kind
            arrays = [t._array for t in tensors if t._kind is kind]
            if kind.place == CPU and len(arrays) == len(tensors):  # type: ignore[union-attr]
                array = _concatenate(arrays, dim)
                if array.flags.c_contiguous:
                    result = wrap(array, kind)  # type: ignore[arg-type]
                    for t in tensors:
                        if t._node is not None:
                            if modes.grad:
                                record(_cat, result, tensors, (dim,))
                            break
                    return result
        except (AttributeError, IndexError, TypeError, ValueError):
            pass
    return _delivered(_cat_all(tensors, dim), tensors, out)


_SEQUENCES = (tuple, list)


def _cat_all(tensors: Any, dim: int) -> Tensor:
    tensors = checked_list("cat", tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for place, t in enumerate(tensors):
        if not t.ndim:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {place}) cannot be concatenated"
            )
    kept = [t for t in tensors if t._array.shape != (0,)]
    if not kept:
        return _cat(tensors, dim)
    dim = wrap_dim(dim, kept[0].ndim)
    _check_sizes(kept, dim)
    result = _cat(kept, dim)
    return result if len(kept) == len(tensors) else _promoted(result, tensors)


def _delivered(result: Tensor, tensors: Tensors, out: Tensor | None) -> Tensor:
    """The result, or ``out`` filled with it, which may not lie over the inputs."""
    if out is None:
        return result
    check_no_overlap(out, tuple(tensors), resized=True)
    if not can_cast(result.dtype, out.dtype):
        raise TypeError(
            "torch.cat(): input types can't be cast to the desired output type "
            f"{scalar_name(out.dtype)}"
        )
    return deliver("cat", result, out)


def _promoted(result: Tensor, tensors: list[Tensor]) -> Tensor:
    """Left out tensors still count for the dtype."""
    of = _cat([t.detach().reshape(-1)[:0] for t in tensors], 0).dtype  # type: ignore
    return result.to(of)  # type: ignore[attr-defined]


def checked_list(function: str, tensors: Any) -> list[Tensor]:
    """The tensors as a list; TypeError unless all are tensors."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for place, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"expected Tensor as element {place} in argument 0, but got {type(t).__name__}"
            )
    return list(tensors)


def _check_sizes(tensors: list[Tensor], dim: int) -> None:
    shape = tensors[0]._array.shape
    for place, t in enumerate(tensors):
        other = t._array.shape
        if len(other) != len(shape):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)}"
            )
        for d, (n, m) in enumerate(zip(shape, other, strict=True)):
            if n != m and d != dim:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {n} "
                    f"but got size {m} for tensor number {place} in the list."
                )


concat = named(cat, "concat", """The same as ``cat``.

    >>> torch.concat((torch.ones(1, 2), torch.zeros(1, 2)))
    tensor([[1., 1.],
            [0., 0.]])""")  # fmt: skip
concatenate = named(cat, "concatenate", """The same as ``cat``.

    >>> torch.concatenate((torch.ones(1), torch.zeros(1)))
    tensor([1., 0.])""")  # fmt: skip


# ---- along a new dimension


def _stack_shape(*arrays_and_dim: Any) -> Any:
    *arrays, dim = arrays_and_dim
    shape = arrays[0].shape
    return (*shape[:dim], len(arrays), *shape[dim:]), arrays[0].dtype


def _stack_pieces(grad: Tensor, needs: Any, dim: int) -> list[Any]:
    return [grad.select(dim, i) if need else None for i, need in enumerate(needs)]  # type: ignore


_stack = Op("stack", kernels.stacked, inputs="*tensors", params=("dim",), promote="same",
    jvp=LINEAR, shape=_stack_shape, vjp=_stack_pieces,
    batch=lambda op, tensors, dim: op(tensors, dim + 1),
    doc="Tensors of one shape along a new dimension.")  # fmt: skip


def stack(
    tensors: Tensors, dim: int = 0, *, out: Tensor | None = None, axis: int | None = None
) -> Tensor:
    """The ``tensors``, which have one shape, along a new dimension.

    RuntimeError where the shapes differ.

    >>> torch.stack((torch.zeros(2), torch.ones(2))).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    if axis is not None:
        dim = chosen("stack", "axis", axis, dim, 0)
    if out is None and dim == 0 and not flags.active and type(tensors) in _SEQUENCES:
        try:
            kind = tensors[0]._kind
            arrays = [t._array for t in tensors if t._kind is kind]
            if kind.place == CPU and len(arrays) == len(tensors):  # type: ignore[union-attr]
                result = wrap(_array(arrays), kind)  # type: ignore[arg-type]
                for t in tensors:
                    if t._node is not None:
                        if modes.grad:
                            record(_stack, result, tensors, (0,))
                        break
                return result
        except (AttributeError, IndexError, TypeError, ValueError):
            pass
    return _delivered(_stack_all(tensors, dim), tensors, out)


def _stack_all(tensors: Any, dim: int) -> Tensor:
    tensors = checked_list("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    dim, shape = wrap_dim(dim, tensors[0].ndim + 1), tensors[0]._array.shape
    for place, t in enumerate(tensors):
        if t._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(t._array.shape)} at entry {place}"
            )
    return _stack(tensors, dim)


# ---- in the manner of NumPy


def _at_least(name: str, function: Any, tensors: Any) -> list[Tensor]:
    tensors = checked_list(name, tensors)
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return list(function(tensors))


def hstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The ``tensors`` side by side: along the second dimension, vectors along the first.

    RuntimeError where other sizes differ.

    >>> torch.hstack((torch.zeros(1), torch.ones(2))).tolist()
    [0.0, 1.0, 1.0]
    """
    wide = _at_least("hstack", atleast_1d, tensors)
    return cat(wide, 0 if wide[0].ndim == 1 else 1, out=out)


def vstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The ``tensors`` one below the other; vectors are rows.

    RuntimeError where other sizes differ.

    >>> torch.vstack((torch.zeros(2), torch.ones(2))).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    return cat(_at_least("vstack", atleast_2d, tensors), 0, out=out)


row_stack = named(vstack, "row_stack", """The same as ``vstack``.

    >>> torch.row_stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
    tensor([[1, 2],
            [3, 4]])""")  # fmt: skip


def dstack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The ``tensors`` along the third dimension.

    RuntimeError where other sizes differ.

    >>> torch.dstack((torch.zeros(2), torch.ones(2))).shape
    torch.Size([1, 2, 2])
    """
    return cat(_at_least("dstack", atleast_3d, tensors), 2, out=out)


def column_stack(tensors: Tensors, *, out: Tensor | None = None) -> Tensor:
    """The ``tensors`` side by side; vectors and numbers are columns.

    RuntimeError where the numbers of rows differ.

    >>> torch.column_stack((torch.zeros(2), torch.ones(2))).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    columns = _at_least("column_stack", tuple, tensors)
    return hstack([t if t.ndim > 1 else t.reshape(t.numel(), 1) for t in columns], out=out)  # type: ignore


# ---- along the diagonal


def _block_pieces(grad: Tensor, needs: Any, tensors_shape: Any) -> list[Any]:
    row = column = 0
    pieces: list[Any] = []
    for need, (height, width) in zip(needs, tensors_shape, strict=True):
        piece = grad.narrow(0, row, height).narrow(1, column, width) if need else None  # type: ignore
        row, column = row + height, column + width
        pieces.append(piece)
    return pieces


def _block_shape(*arrays: Any) -> Any:
    rows, columns = zip(*[a.shape for a in arrays], strict=True)
    return (sum(rows), sum(columns)), arrays[0].dtype


def _batch_blocks(op: Op, blocks: list[Tensor]) -> Tensor:
    """Each block between zeros, and such rows one below the other."""
    size, column, total = blocks[0].shape[0], 0, sum([b.shape[2] for b in blocks])
    rows: list[Tensor] = []
    for block in blocks:
        height, width = block.shape[1:]
        around = (column, total - column - width)
        left, right = [block.new_zeros((size, height, n)) for n in around]  # type: ignore
        rows.append(cat([left, block, right], 2))
        column += width
    return cat(rows, 1)


_block_diag = Op("block_diag", kernels.block_diagonal, inputs="*tensors", promote="same",
    batch=_batch_blocks, jvp=LINEAR, shape=_block_shape, vjp=_block_pieces,
    doc="Matrices along the diagonal of a zero matrix.")  # fmt: skip


def block_diag(*tensors: Tensor) -> Tensor:
    """The ``tensors`` along the diagonal of a matrix that is zero elsewhere; vectors are rows.

    RuntimeError for more than two dimensions.

    >>> torch.block_diag(torch.ones(1), torch.ones(1, 2)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]
    """
    for place, t in enumerate(tensors):
        if t.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{place} has {t.ndim} dimensions"
            )
    return _block_diag([atleast_2d(t) for t in tensors])


@aten("_chunk_cat")
def _chunk_cat(
    tensors: Sequence[Tensor], dim: int, num_chunks: int, *, out: Tensor | None = None
) -> Tensor:
    """Cuts each tensor into as many pieces along ``dim``, padded with zeros, and joins the pieces
    of the same number, flattened from ``dim`` on: ``[*leading, num_chunks, -1]``.

    >>> torch._chunk_cat([torch.arange(3), torch.arange(2)], 0, 2)
    tensor([[0, 1, 0],
            [2, 0, 1]])
    """
    if not tensors:
        raise RuntimeError("_chunk_cat expects a non-empty input tensor list")
    if num_chunks < 1:
        raise RuntimeError("_chunk_cat expects positive num_chunks")
    dim = wrap_dim(dim, tensors[0].ndim)
    for tensor in tensors:
        if tensor.numel() == 0:
            raise RuntimeError("_chunk_cat expects non-empty tensor")
        if tensor.dtype is not tensors[0].dtype:
            raise RuntimeError("_chunk_cat expects all input tensors with the same dtype")
        if tensor.ndim <= dim:
            raise RuntimeError("_chunk_cat expects tensors that have the dimension dim")
        if tensor.shape[:dim] != tensors[0].shape[:dim]:
            raise RuntimeError(
                "_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors"
            )
    pieces = [_in_chunks(tensor, dim, num_chunks) for tensor in tensors]
    return cat(pieces, dim + 1, out=out)


def _in_chunks(tensor: Tensor, dim: int, count: int) -> Tensor:
    leading, size, rest = tensor.shape[:dim], tensor.shape[dim], tensor.shape[dim + 1 :]
    missing = -size % count
    if missing:
        zeros = tensor.new_zeros((*leading, missing, *rest))  # type: ignore[attr-defined]
        tensor = cat((tensor, zeros), dim)
    return tensor.reshape(*leading, count, -1)  # type: ignore[attr-defined]


__all__ = [name for name in exported(globals()) if name != "checked_list"]
__all__ += ["concat", "concatenate", "row_stack"]
silence(globals())
