"""Views that regroup or repeat elements: ``view``, ``reshape``, ``flatten``, ``expand``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core.dispatch import dispatch
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import scalar_name
from flambeau.core.families import ViewOp
from flambeau.core.flips import CONJ
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import LEADING, LINEAR, Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.storage import offset, strides
from flambeau.core.tensor import Tensor, wrap_view
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import copying
from flambeau.kernels.shared import views as kernels
from flambeau.ops.geometry import all_ints, ints, strided

_NO_VIEW = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans "
    "across two contiguous subspaces). Use .reshape(...) instead."
)


# ---- the same elements in another shape


def full_shape(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The shape with its -1, if any, worked out for `count` elements."""
    known, unknown = 1, None
    for place, size in enumerate(shape):
        if size >= 0:
            known *= size
        elif size < -1:
            raise RuntimeError(
                f"invalid shape dimension {size} at index {place} of shape {list(shape)}"
            )
        elif unknown is not None:
            raise RuntimeError("only one dimension can be inferred")
        else:
            unknown = place
    if known == count and unknown is None:
        return shape
    if unknown is None or (known and count % known) or (not known and count):
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    if not known:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified "
            "dimension size -1 can be any value and is ambiguous"
        )
    return (*shape[:unknown], count // known, *shape[unknown + 1 :])


def _viewed(array: Any, shape: tuple[int, ...]) -> Any:
    viewed = _viewed_or_none(array, shape)
    if viewed is None:
        raise RuntimeError(_NO_VIEW)
    return viewed


def _viewed_or_none(array: Any, shape: tuple[int, ...]) -> Any:
    if array.flags.c_contiguous and shape and shape[-1] != 1:
        return array.reshape(shape)  # only a last dimension of size 1 may have a stride of its own
    steps = kernels.view_strides(array.shape, strides(array), shape)
    return None if steps is None else strided(array, shape, steps)


view_op = ViewOp("view", _viewed, params=("shape",),
    batch=lambda op, input, shape: reshaped(input, (input.shape[0], *shape)),
    vjp={"input": lambda grad, input_shape: grad.reshape(input_shape)})  # fmt: skip
_unsafe_view = Op("_unsafe_view", copying.in_order, params=("shape",), jvp=LINEAR,
    shape=lambda array, shape: shape,
    batch=lambda op, input, shape: reshaped(input, (input.shape[0], *shape)),
    vjp={"input": lambda grad, input_shape: grad.reshape(input_shape)},
    doc="A copy of the elements in another shape.")  # fmt: skip


@method("view")
def _view_method(self: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same memory in another shape, or seen as elements of another dtype.

    One size may be -1. Raises RuntimeError where the strides do not allow it: ``reshape`` copies
    then.

    >>> torch.arange(6).view(2, -1).shape
    torch.Size([2, 3])
    """
    kind, array = self._kind, self._array
    if (
        kind is not None
        and not flags.active
        and shape
        and shape[-1] != 1
        and array.flags.c_contiguous
    ):
        try:
            result = wrap_view(array.reshape(shape), kind, self)
        except (TypeError, ValueError):
            return _view(self, shape, size, dtype)
        if self._node is not None and modes.grad:
            record(view_op, result, (self,), (shape,))
        return result
    return _view(self, shape, size, dtype)


def _view(self: Tensor, shape: tuple[Any, ...], size: Any, dtype: Any) -> Tensor:
    if size is not None or dtype is not None:
        shape = (size if dtype is None else dtype,)
    if len(shape) == 1 and isinstance(shape[0], DType):
        return _view_as_dtype(self, shape[0])
    if not shape:
        raise TypeError("view() received an invalid combination of arguments - got ()")
    return view_op(self, full_shape(all_ints("view", shape), self.numel()))


@method("reshape")
def _reshape_method(self: Tensor, *size: Any, shape: Any = None) -> Tensor:
    """A view in another shape where the strides allow it, else a copy in that shape."""
    kind, array = self._kind, self._array
    if (
        kind is not None
        and not flags.active
        and size
        and size[-1] != 1
        and array.flags.c_contiguous
    ):
        try:
            result = wrap_view(array.reshape(size), kind, self)
        except (TypeError, ValueError):
            return _reshape(self, size if shape is None else (shape,))
        if self._node is not None and modes.grad:
            record(view_op, result, (self,), (size,))
        return result
    return _reshape(self, size if shape is None else (shape,))


def _reshape(self: Tensor, shape: tuple[Any, ...]) -> Tensor:
    if not shape:
        raise TypeError('reshape() missing 1 required positional arguments: "shape"')
    return reshaped(self, full_shape(all_ints("reshape", shape), self.numel()))


def reshaped(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The view of that shape, or a copy."""
    array = input._array
    if kernels.view_strides(array.shape, strides(array), shape) is None:
        return _unsafe_view(input, shape)
    return view_op(input, shape)


def reshape(input: Tensor, shape: Sequence[int]) -> Tensor:
    """``input`` in another shape: a view where the strides allow it, else a copy.

    One size may be -1. RuntimeError for a shape with another number of elements.

    >>> torch.reshape(torch.arange(4), (2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    return _reshape_method(input, *all_ints("reshape", (shape,))) if len(shape) else _scalar(input)


def _scalar(input: Tensor) -> Tensor:
    return reshaped(input, full_shape((), input.numel()))


@method("view_as")
def _view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same as ``view(other.shape)``."""
    return view_op(self, full_shape(tuple(other.shape), self.numel()))


@method("reshape_as")
def _reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same as ``reshape(other.shape)``."""
    return reshaped(self, full_shape(tuple(other.shape), self.numel()))


@method("flatten")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """``input`` with the dimensions from ``start_dim`` to ``end_dim`` made one.

    RuntimeError for an end before the start.

    >>> torch.ones(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])
    """
    ndim = input.ndim
    start, end = wrap_dim(start_dim, ndim), wrap_dim(end_dim, ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not ndim:
        return reshaped(input, (1,))
    if start == end:
        return input
    shape, size = input._array.shape, 1
    for n in shape[start : end + 1]:
        size *= n
    return reshaped(input, (*shape[:start], size, *shape[end + 1 :]))


@method("unflatten")
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """A view of ``input`` with one dimension made several; one size may be -1.

    RuntimeError where the sizes do not multiply to that of ``dim``.

    >>> torch.ones(2, 12).unflatten(1, (3, -1)).shape
    torch.Size([2, 3, 4])
    """
    dim, wanted, shape = wrap_dim(dim, input.ndim), ints((tuple(sizes),)), input._array.shape
    if not wanted:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        if not shape:
            raise RuntimeError("a tensor without dimensions has none to unflatten")
        full = full_shape(wanted, shape[dim])
    except RuntimeError as error:
        if "is invalid for" not in str(error):
            raise RuntimeError(f"unflatten got an unexpected error:\n{error}") from None
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {dim} "
            f"({shape[dim]}) in the input tensor"
        ) from None
    return view_op(input, (*shape[:dim], *full, *shape[dim + 1 :]))


@method("ravel")
def ravel(input: Tensor) -> Tensor:
    """``input`` in one dimension: a view where it is contiguous, else a copy.

    >>> torch.ravel(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return view_op(input.contiguous(), (input.numel(),))


# ---- the same bytes as another dtype


def _retyped(array: Any, of: Any) -> Any:
    """The bytes of an array as elements of another NumPy type."""
    old, new = array.itemsize, numpy.dtype(of).itemsize
    if old == new:
        return array.view(of)
    shape, steps = array.shape, strides(array)
    if old > new:
        times = old // new
        shape, steps = (*shape[:-1], shape[-1] * times), [s * times for s in steps[:-1]]
    else:
        times = new // old
        shape, steps = (*shape[:-1], shape[-1] // times), [s // times for s in steps[:-1]]
    if array.size and array.strides[-1] == old:
        return array.view(of)
    return strided(array[..., :0].view(of), shape, (*steps, 1))


def _view_as_dtype(self: Tensor, of: DType) -> Tensor:
    if self._flips:
        kind_of_view = (
            "conjugate view tensors" if self._flips & CONJ else "tensors with negative bit set"
        )
        raise RuntimeError(
            f"torch.Tensor.view is not supported for {kind_of_view} when converting to a different "
            "dtype."
        )
    if of is self.dtype:
        return self.detach()  # type: ignore[attr-defined]
    kind = self.kind
    new = kind.family[of].array_type
    _check_retyping(self, of, kind.array_type.itemsize, new.itemsize)
    result = dispatch(_dtype_view, (self,), (new,))
    result._node = result._base = None  # bytes have no gradient
    return result


_dtype_view = ViewOp("view_dtype", _retyped, params=("array_type",), batch=LEADING,
    doc="The bytes of a tensor as another dtype.")  # fmt: skip


def _check_retyping(self: Tensor, of: DType, old: int, new: int) -> None:
    if old == new:
        return
    what = f"to view {scalar_name(self.dtype)} as {scalar_name(of)} (different element sizes)"
    array = self._array
    if not array.ndim:
        raise RuntimeError(f"self.dim() cannot be 0 {what}")
    steps = strides(array)
    if steps[-1] != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {steps[-1]}")
    if new <= old:
        return
    times = new // old
    if array.shape[-1] % times:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {times} {what}, but got {array.shape[-1]}"
        )
    if offset(array) % times:
        raise RuntimeError(
            f"self.storage_offset() must be divisible by {times} {what}, but got {offset(array)}"
        )
    for dim in range(array.ndim - 1):
        if steps[dim] % times:
            raise RuntimeError(
                f"self.stride({dim}) must be divisible by {times} {what}, but got {steps[dim]}"
            )


# ---- at least so many dimensions


def _each(function: Any, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], tuple | list):
        return function(tensors[0])
    if len(tensors) == 1:
        tensors = tensors[0]
    return tuple([function(t) for t in tensors])


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor as a view of at least one dimension.

    One tensor gives a tensor, several or a sequence a tuple.

    >>> torch.atleast_1d(torch.tensor(1))
    tensor([1])
    """
    return _each(lambda t: t if t.ndim else t.reshape(1), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor as a view of at least two dimensions; vectors become rows.

    One tensor gives a tensor, several or a sequence a tuple.

    >>> torch.atleast_2d(torch.tensor([1, 2])).shape
    torch.Size([1, 2])
    """
    return _each(
        lambda t: t if t.ndim > 1 else t.unsqueeze(0) if t.ndim else t.reshape(1, 1), tensors
    )


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor as a view of at least three dimensions; a matrix gets a last one.

    One tensor gives a tensor, several or a sequence a tuple.

    >>> torch.atleast_3d(torch.tensor([[1, 2]])).shape
    torch.Size([1, 2, 1])
    """
    return _each(_to_3d, tensors)


def _to_3d(tensor: Tensor) -> Tensor:
    if tensor.ndim > 2:
        return tensor
    if tensor.ndim == 2:
        return tensor.unsqueeze(-1)  # type: ignore[attr-defined]
    return tensor.unsqueeze(0).unsqueeze(-1) if tensor.ndim else tensor.reshape(1, 1, 1)  # type: ignore


__all__ = [name for name in exported(globals()) if name not in ("full_shape", "reshaped")]
silence(globals())
