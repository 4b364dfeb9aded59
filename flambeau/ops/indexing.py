"""``tensor[index]`` and ``tensor[index] = value``.

An index of ints, slices, ``None`` and ``...`` makes a view; with tensors, lists, masks or arrays in
it, the picked elements are copied. The plain cases go straight to the array's own indexing; the
full road below them takes an index apart as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core.dtype import bool_, int32, int64, uint8
from flambeau.core.errors.messages import broadcast_shape
from flambeau.core.families import ViewOp
from flambeau.core.graph import record
from flambeau.core.kind import CPU_KINDS
from flambeau.core.modes import flags, modes
from flambeau.core.op import LINEAR, SAME, Op
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor, wrap, wrap_view
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU
from flambeau.kernels.shared import indexing as kernels
from flambeau.kernels.shared import views as view_kernels
from flambeau.ops.batching import by_index, index_sum
from flambeau.ops.from_data import tensor as make_tensor
from flambeau.ops.slicing import select_op, slice_op
from flambeau.ops.views import alias_op, unsqueeze_op

_scalar = numpy.generic
_long, _bool = CPU_KINDS[int64], CPU_KINDS[bool_]
_MASKS = (bool_, uint8)
Found = list[tuple[int, Tensor]]  # index tensors with the first dimension that each indexes


# ---- basic indices in one step


def _basic(array: Any, index: Any) -> Any:
    return array[index]


def _behind(index: Any) -> tuple[Any, ...]:
    """The index of dimensions behind the hidden one."""
    return (slice(None), *index) if isinstance(index, tuple) else (slice(None), index)


def _basic_op(node: str) -> ViewOp:
    """The view of a tuple of ints and slices; its node has the name of the last step."""
    return ViewOp("basic_" + node.lower(), _basic, params=("index",), node=node,
        batch=lambda op, input, index: op(input, _behind(index)),
        vjp={"input": lambda grad, input_shape, index: _basic_backward(grad, input_shape, index)},
        doc="A view by a tuple of ints and slices.")  # fmt: skip


_basic_select, _basic_slice = _basic_op("Select"), _basic_op("Slice")
_basic_backward = Op("basic_backward", view_kernels.basic_backward, params=("shape", "index"),
    batch=lambda op, grad, shape, index: op(grad, (grad.shape[0], *shape), _behind(index)),
    jvp=LINEAR, shape=lambda grad, shape, index: shape,
    vjp={"input": lambda grad, index: _basic_slice(grad, index)},
    doc="Zeros with a gradient at a basic index.")  # fmt: skip


# ---- by tensors


class IndexOp(Op):
    """An operator whose last inputs are index tensors; rules that name ``tensors_indices`` get
    these alone, so that nothing else is kept for them."""

    first_index: int

    def literal(self, name: str, edges: tuple[Any, ...], tensors: Any) -> Any:
        if name == "tensors_indices":
            return tuple(tensors[self.first_index :])
        return super().literal(name, edges, tensors)


def _index_vjp(grad: Any, tensors_shape: Any, tensors_indices: Any, places: Any) -> list[Any]:
    return [_index_sum((grad, *tensors_indices), places, tuple(tensors_shape[0]))]


def _index_sum_vjp(grad: Any, tensors_indices: Any, places: Any) -> list[Any]:
    return [index_op((grad, *tensors_indices), places)]


def _index_put_vjp(
    grad: Any, needs: Any, tensors_indices: Any, places: Any, accumulate: bool
) -> list[Any]:
    kept = grad
    if needs[0] and not accumulate:
        zero = grad.new_zeros(())
        kept = index_put_op((grad, zero, *tensors_indices), places, False)
    picked = index_op((grad, *tensors_indices), places) if needs[1] else None
    return [kept if needs[0] else None, picked]


index_op = IndexOp("index", kernels.indexed, inputs="*tensors", params=("places",), jvp=LINEAR,
    batch=by_index(0), vjp=_index_vjp, doc="The elements at index tensors.")  # fmt: skip
index_put_op = IndexOp("index_put", kernels.index_written, inputs="*tensors",
    params=("places", "accumulate"), jvp=LINEAR, vjp=_index_put_vjp, batch=by_index(1),
    shape=SAME,
    doc="The tensor with other values at index tensors.")  # fmt: skip
_index_sum = IndexOp("index_backward", kernels.index_summed, inputs="*tensors",
    params=("places", "shape"), jvp=LINEAR, vjp=_index_sum_vjp, batch=index_sum,
    shape=lambda values, *rest: (rest[-1], values.dtype),
    doc="Zeros with values added at index tensors.")  # fmt: skip
index_op.first_index, index_put_op.first_index, _index_sum.first_index = 1, 2, 1


# ---- tensor[index]


@method("__getitem__")
def _get_item(self: Tensor, index: Any) -> Tensor:
    """The elements at an index: a view for ints, slices, ``None`` and ``...``, else a copy."""
    kind = self._kind
    if kind is None or flags.active:
        return _get(self, index)
    array, cls = self._array, type(index)
    try:
        if cls is int:
            viewed = array[index] if array.ndim > 1 else array[index, ...]
            op: Any = select_op
            params: Any = (0, index)
        elif cls is Tensor:
            return _get_by_tensor(self, index)
        else:
            if cls is slice:
                if index.step is not None or index.start is None is index.stop:
                    return _get(self, index)
                op = _basic_slice
            elif cls is tuple and index:
                for item in index:
                    step = type(item)
                    if step is slice:
                        if item.step is not None:
                            return _get(self, index)
                    elif step is not int:
                        return _get(self, index)
                op = _basic_slice if step is slice else _basic_select
            else:
                return _get(self, index)
            viewed = array[index]
            if isinstance(viewed, _scalar):
                index = (*index, ...)
                viewed = array[index]
            params = (index if cls is tuple else (index,),)
    except (IndexError, TypeError):
        return _get(self, index)
    if not viewed.size:
        return _get(self, index)
    result = wrap_view(viewed, kind, self)
    if self._node is not None and modes.grad:
        record(op, result, (self,), params)
    return result


def _get_by_tensor(self: Tensor, index: Tensor) -> Tensor:
    """The slices, or elements, that one tensor picks."""
    kind, given = self._kind, index._kind
    if (given is _long or given is _bool) and kind.place == CPU and index._array.ndim:  # type: ignore
        array, picks = self._array, index._array
        if array.size and (given is _long or picks.shape == array.shape):
            try:
                result = wrap(array[picks], kind)  # type: ignore[arg-type]
            except IndexError:
                return _get(self, index)
            if self._node is not None and modes.grad:
                record(index_op, result, (self, index), ((True,),))
            return result
    return _get(self, index)


def _get(self: Tensor, index: Any) -> Tensor:
    """The full road of ``tensor[index]``."""
    result, found = apply_views(self, items_of(index))
    if found:
        given, places = canonical_indices(result, found)
        return index_op((result, *given), places)
    return alias_op(result) if result is self else result


# ---- taking an index apart


def items_of(index: Any) -> list[Any]:
    """The parts of an index: ints, slices, None, ``...``, bools and tensors."""
    if not (type(index) is tuple or _is_like_tuple(index)):
        index = (index,)
    return [_item(part) for part in index]


def _is_like_tuple(index: Any) -> bool:
    """Whether a sequence is taken for a tuple of indices, as NumPy once did."""
    if isinstance(index, tuple):
        return True
    if not isinstance(index, Sequence) or isinstance(index, str) or len(index) >= 32:
        return False
    return any(
        part is None or part is ... or isinstance(part, slice | Tensor | Sequence) for part in index
    )


def _item(part: Any) -> Any:
    if part is None or part is ... or isinstance(part, bool | slice | Tensor):
        return part
    if isinstance(part, numpy.ndarray | Sequence) and not isinstance(part, str):
        made = make_tensor(part)
        return made.to(int64) if made.dtype.is_floating_point and not made.numel() else made  # type: ignore
    if isinstance(part, str):
        raise TypeError(f"new(): invalid data type '{type(part).__name__}'")
    if hasattr(part, "__index__"):
        return part.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
        f"indices (got {type(part).__name__})"
    )


def _width(item: Any) -> int:
    """How many dimensions of the tensor a part of an index uses up."""
    if item is None or item is ... or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, Tensor) and item.dtype in _MASKS else 1


def apply_views(self: Tensor, items: list[Any]) -> tuple[Tensor, Found]:
    """Applies ints, slices, None and ``...`` as views; index tensors remain, with their places."""
    used, ndim = sum([_width(item) for item in items]), self.ndim
    if ndim == 0 and used and len(items) == 1 and not isinstance(items[0], Tensor):
        raise _of_number(items[0])
    if used > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    result, dim, shown, skipped = self, 0, 0, ndim - used
    found: Found = []
    for item in items:
        if item is ...:
            dim, shown, skipped = dim + skipped, shown + skipped, 0
            continue
        if isinstance(item, Tensor) and item.ndim == 0 and item._kind is not None:
            item = bool(item) if item.dtype in _MASKS else _checked_number(item)
        if isinstance(item, slice):
            result = _sliced(result, dim, item)
        elif item is None or isinstance(item, bool):
            result = unsqueeze_op(result, dim)
            if item is not None:
                found.append((dim, _index_of(item, self)))
        elif isinstance(item, Tensor):
            found.append((dim, item))
        else:
            result = _selected(result, dim, item, shown)
            dim -= 1
        width = _width(item) or 1
        dim, shown = dim + width, shown + width
    return result, found


def _of_number(item: Any) -> IndexError:
    if isinstance(item, slice):
        return IndexError("slice() cannot be applied to a 0-dim tensor.")
    return IndexError(
        "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
        "C++ to convert a 0-dim tensor to a number"
    )


def _checked_number(item: Tensor) -> int:
    _check_dtype(item)
    return int(item.item())  # type: ignore[attr-defined]


def _index_of(item: bool, like: Tensor) -> Tensor:
    """The index tensor of ``True`` (everything once) or ``False`` (nothing)."""
    return like.new_zeros((1 if item else 0,), dtype=int64)  # type: ignore[attr-defined]


def _sliced(tensor: Tensor, dim: int, item: slice) -> Tensor:
    size = tensor.shape[dim]
    start, end, step = item.indices(size)
    if step <= 0:
        raise ValueError("step must be greater than zero")
    if start == 0 and end == size and step == 1:
        return tensor
    return slice_op(tensor, dim, start, end if end > start else start, step)


def _selected(tensor: Tensor, dim: int, index: int, shown: int) -> Tensor:
    size = tensor.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for dimension {shown} with size {size}")
    return select_op(tensor, dim, index)


# ---- index tensors


def _check_dtype(index: Tensor) -> None:
    if index.dtype not in (int64, int32, bool_, uint8):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def canonical_indices(self: Tensor, found: Found) -> tuple[list[Tensor], tuple[bool, ...]]:
    """The index tensors as integers on the device of `self`, and which dimensions they index."""
    given: list[Tensor] = []
    places: list[bool] = []
    for dim, index in found:
        _check_dtype(index)
        parts = _places_of_mask(self, index, dim) if index.dtype in _MASKS else [index]
        places += [False] * (dim - len(places)) + [True] * len(parts)
        given += parts
    if len(places) > self.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {self.ndim} (got {len(places)})"
        )
    shapes = [tuple(index.shape) for index in given]
    if broadcast_shape(shapes) is None:
        listed = ", ".join([str(list(shape)) for shape in shapes])
        raise IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes " + listed
        )
    return [moved(index, self) for index in given], tuple(places)


def moved(index: Tensor, self: Tensor) -> Tensor:
    """An index or a value on the device of `self`."""
    kind = index._kind
    if kind is None or kind.device is self.device:
        return index
    return index.to(self.device)  # type: ignore[attr-defined]


def _places_of_mask(self: Tensor, mask: Tensor, dim: int) -> list[Tensor]:
    shape, covered = tuple(mask.shape), tuple(self.shape)[dim : dim + mask.ndim]
    for place, size in enumerate(shape):
        if place >= len(covered) or size != covered[place]:
            raise IndexError(
                f"The shape of the mask {list(shape)} at index {place} does not match the shape of "
                f"the indexed tensor {list(self.shape)} at index {dim + place}"
            )
    return list(mask.nonzero().unbind(1))  # type: ignore[attr-defined]


__all__: list[str] = []
silence(globals())
