"""Views that reorder, pick or drop dimensions. Those that regroup elements are in
``reshaping.py``, the splitting ones in ``splitting.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import int8, int16, int32, int64, uint8
from flambeau.core.families import ViewOp
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import LINEAR, SAME, Op, wrap_dim
from flambeau.core.publish import exported, method, named
from flambeau.core.storage import strides
from flambeau.core.tensor import Tensor, share_version, wrap, wrap_view
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import views as kernels
from flambeau.ops.geometry import in_place_view, ints, strided

Dims = int | Sequence[int]
_ALL = slice(None)
_INTEGERS = (uint8, int8, int16, int32, int64)


# ---- reordering dimensions


def _transposed(array: Any, dim0: int, dim1: int) -> Any:
    if array.size and array.ndim:
        return array.swapaxes(dim0, dim1)
    order = list(range(array.ndim))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permuted(array, tuple(order))


def _permuted(array: Any, dims: tuple[int, ...]) -> Any:
    if array.size:
        return array.transpose(dims)
    shape, steps = array.shape, strides(array)
    return strided(array, [shape[d] for d in dims], [steps[d] for d in dims])


_transpose = ViewOp("transpose", _transposed, dims=("dim0", "dim1"),
    vjp={"input": lambda grad, dim0, dim1: grad.transpose(dim0, dim1)})  # fmt: skip
_t = ViewOp("t", _transposed, dims=("dim0", "dim1"),
    vjp={"input": lambda grad, dim0, dim1: grad.transpose(dim0, dim1)})  # fmt: skip
_permute = ViewOp("permute", _permuted, params=("dims",),
    batch=lambda op, input, dims: op(input, (0, *[d + 1 for d in dims])),
    vjp={"input": lambda grad, dims: grad.permute(_inverse(dims))})  # fmt: skip


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@in_place_view("transpose_ swapdims_")
@method("transpose swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view of ``input`` with dimensions ``dim0`` and ``dim1`` swapped.

    >>> torch.ones(2, 3).transpose(0, 1).shape
    torch.Size([3, 2])
    """
    kind = input._kind
    if kind is not None and not flags.active:
        array = input._array
        if array.size:
            try:
                result = wrap_view(array.swapaxes(dim0, dim1), kind, input)
            except (ValueError, TypeError):
                return _transpose(input, _int("transpose", dim0), _int("transpose", dim1))
            if input._node is not None and modes.grad:
                record(_transpose, result, (input,), (dim0, dim1))
            return result
    return _transpose(input, dim0, dim1)


def _int(function: str, value: Any) -> int:
    if not hasattr(value, "__index__"):
        raise TypeError(
            f"{function}(): argument 'dim0' (position 1) must be int, not {type(value).__name__}"
        )
    return int(value)


@in_place_view("swapaxes_")
@method("swapaxes")
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """The same as ``transpose``."""
    return transpose(input, axis0, axis1)


swapdims = named(transpose, "swapdims", "The same as ``transpose``.")


@in_place_view("t_")
@method("t")
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; tensors of 0 and 1 dimensions come back as views of themselves.

    >>> torch.tensor([[1, 2], [3, 4]]).t().tolist()
    [[1, 3], [2, 4]]
    """
    ndim = input.ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return _t(input, 0, 1 if ndim == 2 else 0)


def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """A view of ``input`` with its dimensions in the order ``dims``.

    >>> torch.ones(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    dims, ndim = ints((dims,)), input.ndim
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal "
            f"to len(dims) = {len(dims)}"
        )
    dims = tuple([d if 0 <= d < ndim else wrap_dim(d, ndim) for d in dims])
    if len(set(dims)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return _permute(input, dims)


@method("permute")
def _permute_method(self: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """A view with the dimensions in the order ``dims``, given one by one or as a sequence."""
    return permute(self, ints(sizes) if dims is None else dims)


@method("movedim moveaxis")
def movedim(input: Tensor, source: Dims, destination: Dims) -> Tensor:
    """A view of ``input`` with dimensions ``source`` at ``destination``, the others in order.

    >>> torch.ones(2, 3, 4).movedim(0, -1).shape
    torch.Size([3, 4, 2])
    """
    sources = ints(source if isinstance(source, tuple | list) else (source,))
    places = ints(destination if isinstance(destination, tuple | list) else (destination,))
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should "
            f"contain the same number of dims as destination ({list(places)} dims)"
        )
    ndim = input.ndim
    wrapped = [_unrepeated(d, ndim, n) for d, n in ((sources, "source"), (places, "destination"))]
    order: list[Any] = [None] * ndim
    for place, dim in zip(wrapped[1], wrapped[0], strict=True):
        order[place] = dim
    rest = iter([d for d in range(ndim) if d not in wrapped[0]])
    return _permute(input, tuple([next(rest) if d is None else d for d in order]))


def _unrepeated(dims: tuple[int, ...], ndim: int, name: str) -> list[int]:
    wrapped = [wrap_dim(d, ndim) for d in dims]
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(dims)})")
    return wrapped if ndim else []


moveaxis = named(movedim, "moveaxis", "The same as ``movedim``.")


@method("adjoint")
def adjoint(input: Tensor) -> Tensor:
    """The conjugate of ``input`` with its last two dimensions swapped."""
    return _conjugate_transpose(input, "adjoint()")


def _conjugate_transpose(self: Tensor, name: str) -> Tensor:
    if self.ndim == 1 or (self.ndim == 0 and name != "adjoint()"):
        raise _no_matrix(self, name)
    swapped = transpose(self, -2, -1) if self.ndim else self[...]
    return swapped.conj() if self.is_complex() else swapped


def _no_matrix(self: Tensor, name: str) -> RuntimeError:
    return RuntimeError(
        f"tensor.{name} is only supported on matrices or batches of matrices. Got {self.ndim}-D "
        "tensor."
    )


def _reversed(self: Tensor) -> Tensor:
    """A view with the dimensions in reverse order."""
    if self.ndim == 2:
        return permute(self, (1, 0))
    return permute(self, tuple(range(self.ndim))[::-1])


def _matrix_transpose(self: Tensor) -> Tensor:
    """A view with the last two dimensions swapped."""
    if self.ndim < 2:
        if self.ndim:
            raise _no_matrix(self, "mT")
        return self
    return transpose(self, -2, -1)


def _matrix_adjoint(self: Tensor) -> Tensor:
    """The conjugate with the last two dimensions swapped."""
    return _conjugate_transpose(self, "mH")


def _adjoint_of_matrix(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self.ndim not in (0, 2):
        hint = " For batches of matrices, consider using tensor.mH" if self.ndim > 2 else ""
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.{hint}"
        )
    return _conjugate_transpose(self, "adjoint()")


Tensor.T, Tensor.mT = property(_reversed), property(_matrix_transpose)  # type: ignore
Tensor.mH, Tensor.H = property(_matrix_adjoint), property(_adjoint_of_matrix)  # type: ignore


# ---- dimensions of size 1


def _squeezed(array: Any, dims: tuple[int, ...]) -> Any:
    shape = array.shape
    drop = tuple([d for d in dims if shape[d] == 1])
    if array.size:
        return array.squeeze(drop) if drop else array[...]
    steps, keep = strides(array), [d for d in range(array.ndim) if d not in drop]
    return strided(array, [shape[d] for d in keep], [steps[d] for d in keep])


def _squeezer(node: str) -> ViewOp:
    op = ViewOp("squeeze", _squeezed, params=("dims",),
        batch=lambda op, input, dims: op(input, tuple([d + 1 for d in dims])),
        vjp={"input": lambda grad, input_shape: grad.reshape(input_shape)})  # fmt: skip
    op.node_type.__name__ = op.node_type.__qualname__ = node
    return op


_squeeze, _squeeze_dim, _squeeze_dims = map(
    _squeezer, ("SqueezeBackward0", "SqueezeBackward1", "SqueezeBackward2")
)


@in_place_view("squeeze_")
@method("squeeze")
def squeeze(input: Tensor, dim: Dims | None = None) -> Tensor:
    """A view of ``input`` without its dimensions of size 1, or without those among ``dim``.

    >>> torch.ones(1, 2, 1).squeeze().shape
    torch.Size([2])
    """
    ndim = input.ndim
    if dim is None:
        return _squeeze(input, tuple(range(ndim)))
    wrapped = [wrap_dim(d, ndim) for d in ((dim,) if isinstance(dim, int) else ints((dim,)))]
    if len(set(wrapped)) != len(wrapped):
        twice = next(d for d in wrapped if wrapped.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    op = _squeeze_dim if isinstance(dim, int) else _squeeze_dims
    return op(input, tuple(wrapped) if ndim else ())


def _unsqueezed(array: Any, dim: int) -> Any:
    shape, steps = array.shape, strides(array)
    step = shape[dim] * steps[dim] if dim < len(shape) else 1
    return strided(array, shape[:dim] + (1,) + shape[dim:], steps[:dim] + (step,) + steps[dim:])


unsqueeze_op = ViewOp("unsqueeze", _unsqueezed, params=("dim",),
    batch=lambda op, input, dim: op(input, dim + 1),
    vjp={"input": lambda grad, dim: grad.squeeze(dim)})  # fmt: skip


@in_place_view("unsqueeze_")
@method("unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view of ``input`` with a new dimension of size 1 at ``dim``.

    >>> torch.ones(2).unsqueeze(-1).shape
    torch.Size([2, 1])
    """
    kind = input._kind
    if kind is None or flags.active:
        return unsqueeze_op(input, wrap_dim(dim, input.ndim + 1))
    array = input._array
    shape = array.shape
    if dim < 0:
        dim = wrap_dim(dim, len(shape) + 1)
    if array.size > 1 and dim <= len(shape) and 1 not in shape and array.flags.c_contiguous:
        viewed = array.reshape(*shape[:dim], 1, *shape[dim:])
    else:
        viewed = _unsqueezed(array, wrap_dim(dim, len(shape) + 1))
    result = wrap_view(viewed, kind, input)
    if input._node is not None and modes.grad:
        record(unsqueeze_op, result, (input,), (dim,))
    return result


# ---- picking along dimensions


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

    >>> torch.arange(4).view(2, 2).diagonal().tolist()
    [0, 3]
    """
    first, second = wrap_dim(dim1, input.ndim), wrap_dim(dim2, input.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return diagonal_op(input, offset, first, second)


def _unfolded(array: Any, dim: int, size: int, step: int) -> Any:
    return strided(array, *kernels.unfolded_geometry(array.shape, strides(array), dim, size, step))


_unfold = ViewOp("unfold", _unfolded, params=("dim", "size", "step"),
    batch=lambda op, input, dim, size, step: op(input, dim + 1, size, step),
    vjp={"input": lambda grad, input_shape, dim, size, step:
        _unfold_backward(grad, input_shape, dim, size, step)})  # fmt: skip
_unfold_backward = Op("unfold_backward", kernels.unfold_backward,
    params=("shape", "dim", "size", "step"), jvp=LINEAR,
    batch=lambda op, grad, shape, dim, *rest: op(grad, (grad.shape[0], *shape), dim + 1, *rest),
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


# ---- the same elements without history


def _same(array: Any) -> Any:
    return array[...]


_detach = Op(
    "detach",
    _same,
    shape=SAME,
    batch=lambda op, input: op(input),
    doc="The elements without history.",
)
alias_op = ViewOp(
    "alias",
    _same,
    batch=lambda op, input: op(input),
    vjp={"input": lambda grad: grad},
    doc="A view of everything.",
)


@method("detach")
def detach(input: Tensor) -> Tensor:
    """A tensor over the same memory without history: writes are shared, gradients are not.

    >>> torch.ones(2, requires_grad=True).detach().requires_grad
    False
    """
    if input._kind is not None and not (flags.active and modes.interceptors):
        result = wrap(input._array, input._kind)
    else:
        result = _detach(input)
    result._writes = input._writes if input._writes is not None else share_version(input)
    return result


@method("detach_")
def detach_(input: Tensor) -> Tensor:
    """Takes the history away from ``input`` itself; RuntimeError for a view."""
    if input._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
            "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
            "these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
            "function in torch/optim/optimizer.py as the solution."
        )
    input._node = None
    return input


__all__ = [name for name in exported(globals()) if not name.endswith("_array")]
__all__ += ["moveaxis", "swapdims"]
silence(globals())
