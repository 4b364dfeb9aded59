"""Views of a part of a dimension: one index, a range, a diagonal, windows."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import int8, int16, int32, int64, uint8
from flambeau.core.families import ViewOp
from flambeau.core.op import LINEAR, Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.storage import strides
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import views as kernels
from flambeau.ops.geometry import strided

_ALL = slice(None)
_INTEGERS = (uint8, int8, int16, int32, int64)


def selected_array(array: Any, dim: int, index: int) -> Any:
    ndim = array.ndim
    dim = dim if 0 <= dim < ndim else wrap_dim(dim, ndim)
    size = array.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(array.shape)} at "
            f"dimension {dim}"
        )
    if array.size:
        return array[(_ALL,) * dim + (index, ...)]
    shape, steps = array.shape, strides(array)
    start = (index + size if index < 0 else index) * steps[dim]
    return strided(array, shape[:dim] + shape[dim + 1 :], steps[:dim] + steps[dim + 1 :], start)


select_op = ViewOp("select", selected_array, dims=("dim",), params=("index",),
    vjp={"input": lambda grad, input_shape, dim, index:
        _select_backward(grad, input_shape, dim, index)})  # fmt: skip
_select_backward = Op("select_backward", kernels.select_backward,
    params=("shape", "dim", "index"), jvp=LINEAR,
    batch=lambda op, grad, shape, dim, index: op(grad, (grad.shape[0], *shape), dim + 1, index),
    shape=lambda grad, shape, dim, index: shape,
    vjp={"input": lambda grad, dim, index: select_op(grad, dim, index)})  # fmt: skip


@method("select")
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of one index of a dimension, which is dropped.

    IndexError for an index out of range.

    >>> torch.tensor([[1, 2], [3, 4]]).select(1, 0).tolist()
    [1, 3]
    """
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    return select_op(input, dim, int(index))


def sliced_array(array: Any, dim: int, start: int, end: int, step: int) -> Any:
    """The elements ``start:end:step`` of a dimension; the bounds lie within it."""
    if start < end and array.size:
        return array[(_ALL,) * dim + (slice(start, end, step),)]
    shape, steps = array.shape, strides(array)
    return strided(
        array,
        (*shape[:dim], -((start - end) // step), *shape[dim + 1 :]),
        (*steps[:dim], steps[dim] * step, *steps[dim + 1 :]),
        start * steps[dim],
    )


slice_op = ViewOp("slice", sliced_array, params=("dim", "start", "end", "step"),
    batch=lambda op, input, dim, *bounds: op(input, dim + 1, *bounds),
    vjp={"input": lambda grad, input_shape, dim, start, end, step:
        _slice_backward(grad, input_shape, dim, start, end, step)})  # fmt: skip
_slice_backward = Op("slice_backward", kernels.slice_backward,
    params=("shape", "dim", "start", "end", "step"), jvp=LINEAR,
    batch=lambda op, grad, shape, dim, *bounds: op(grad, (grad.shape[0], *shape), dim + 1, *bounds),
    shape=lambda grad, shape, dim, start, end, step: shape,
    vjp={"input": lambda grad, dim, start, end, step: slice_op(grad, dim, start, end, step)},
)  # fmt: skip


@method("narrow")
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A view of ``length`` indices of a dimension, from ``start`` on.

    RuntimeError or IndexError beyond the size.

    >>> torch.arange(5).narrow(0, 1, 3).tolist()
    [1, 2, 3]
    """
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = wrap_dim(dim, input.ndim)
    if isinstance(start, Tensor) and (start.ndim or start.dtype not in _INTEGERS):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    size, first = input.shape[dim], int(start)
    if not -size <= first <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {first})"
        )
    first += size if first < 0 else 0
    if first + length > size:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    return slice_op(input, dim, first, first + length, 1)


def _diagonal_array(array: Any, offset: int, dim1: int, dim2: int) -> Any:
    return strided(
        array, *kernels.diagonal_geometry(array.shape, strides(array), offset, dim1, dim2)
    )


diagonal_op = ViewOp("diagonal", _diagonal_array, params=("offset", "dim1", "dim2"),
    batch=lambda op, input, offset, dim1, dim2: op(input, offset, dim1 + 1, dim2 + 1),
    vjp={"input": lambda grad, input_shape, offset, dim1, dim2:
        _diagonal_backward(grad, input_shape, offset, dim1, dim2)})  # fmt: skip
_diagonal_backward = Op("diagonal_backward", kernels.diagonal_backward,
    params=("shape", "offset", "dim1", "dim2"), jvp=LINEAR,
    batch=lambda op, grad, shape, offset, dim1, dim2:
        op(grad, (grad.shape[0], *shape), offset, dim1 + 1, dim2 + 1),
    shape=lambda grad, shape, offset, dim1, dim2: shape,
    vjp={"input": lambda grad, offset, dim1, dim2: diagonal_op(grad, offset, dim1, dim2)},
)  # fmt: skip


@method("diagonal")
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of a diagonal with respect to two dimensions; it becomes the last dimension.

    RuntimeError for one dimension twice.

    >>> torch.arange(4).view(2, 2).diagonal().tolist()
    [0, 3]
    """
    first, second = wrap_dim(dim1, input.ndim), wrap_dim(dim2, input.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return diagonal_op(input, offset, first, second)


def _unfolded(array: Any, dim: int, size: int, step: int) -> Any:
    return strided(array, *kernels.unfolded_geometry(array.shape, strides(array), dim, size, step))


def _batch_unfold(op: Op, input: Any, dim: int, size: int, step: int) -> Tensor:
    """A number has one window, or none."""
    if input.ndim == 1:
        return op(input.unsqueeze(1), 1, size, step)[:, 0]
    return op(input, dim + 1, size, step)


def _batch_unfold_grad(op: Op, grad: Any, shape: Any, dim: int, *rest: Any) -> Tensor:
    if not shape:
        return op(grad.unsqueeze(1), (grad.shape[0], 1), 1, *rest)[:, 0]
    return op(grad, (grad.shape[0], *shape), dim + 1, *rest)


_unfold = ViewOp("unfold", _unfolded, params=("dim", "size", "step"), batch=_batch_unfold,
    vjp={"input": lambda grad, input_shape, dim, size, step:
        _unfold_backward(grad, input_shape, dim, size, step)})  # fmt: skip
_unfold_backward = Op("unfold_backward", kernels.unfold_backward,
    params=("shape", "dim", "size", "step"), jvp=LINEAR, batch=_batch_unfold_grad,
    shape=lambda grad, shape, dim, size, step: shape,
    vjp={"input": lambda grad, dim, size, step: _unfold(grad, dim, size, step)})  # fmt: skip


@method("unfold")
def _unfold_method(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of ``size`` along a dimension, every ``step``.

    >>> torch.arange(4).unfold(0, 2, 1).tolist()
    [[0, 1], [1, 2], [2, 3]]
    """
    dim = wrap_dim(dimension, self.ndim)
    limit = self._array.shape[dim] if self.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > limit:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {limit} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return _unfold(self, dim, size, step)


__all__ = exported(globals(), "selected_array sliced_array")
silence(globals())
