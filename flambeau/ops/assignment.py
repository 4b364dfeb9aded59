"""``tensor[index] = value`` and ``index_put``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import bool_, int64, scalar_name, uint8
from flambeau.core.errors.messages import broadcast_shape
from flambeau.core.kind import CPU_KINDS
from flambeau.core.modes import flags
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.core.views import bump
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import CPU
from flambeau.ops.in_place import write_in_place
from flambeau.ops.index_writes import element_of
from flambeau.ops.indexing import (
    Found,
    apply_views,
    canonical_indices,
    index_put_op,
    items_of,
    moved,
)  # fmt: skip

_long, _bool = CPU_KINDS[int64], CPU_KINDS[bool_]

# ---- tensor[index] = value


@method("__setitem__")
def _set_item(self: Tensor, index: Any, value: Any) -> None:
    """Writes ``value``, broadcast, to the elements at an index."""
    kind = self._kind
    if (
        kind is None
        or flags.active
        or kind.place != CPU
        or self._node is not None
        or (self._base is not None and self._base._node is not None)
    ):
        return _set(self, index, value)
    cls = type(value)
    if cls is Tensor:
        writes = value._writes
        if (
            value._kind is not kind
            or value._node is not None
            or (writes is not None and writes is self._writes)
        ):
            return _set(self, index, value)
        source = value._array
    elif cls in kind.scalars:
        source = value
    else:
        return _set(self, index, value)
    cls, key, array = type(index), index, self._array
    if cls is tuple:
        for item in index:
            step = type(item)
            if step is not int and (step is not slice or item.step is not None):
                return _set(self, index, value)
    elif cls is Tensor:
        given = index._kind
        key = index._array
        if not key.ndim or not (given is _long or (given is _bool and key.shape == array.shape)):
            return _set(self, index, value)
    elif cls is not int and (cls is not slice or index.step is not None):
        return _set(self, index, value)
    if 0 in array.strides:
        return _set(self, index, value)
    try:
        array[key] = source
    except (IndexError, TypeError, ValueError, OverflowError):
        return _set(self, index, value)
    bump(self)
    return None


def _set(self: Tensor, index: Any, value: Any) -> None:
    """The full road of ``tensor[index] = value``."""
    value = _as_tensor(self, value)
    if isinstance(index, bool):
        if not index:
            return
        index = None
    target, found = apply_views(self, items_of(index))
    while value.ndim and value.shape[0] == 1:
        value = value.select(0, 0)
    if found:
        _put(target, found, value, False)
    else:
        target.copy_(value.expand(target.shape) if value.ndim else value)  # type: ignore


def _as_tensor(self: Tensor, value: Any) -> Any:
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, bool | int | float | complex):
        raise TypeError(
            f"can't assign a {_type_name(value)} to a torch.{scalar_name(self.dtype)}Tensor"
        )
    return element_of(self, value)


def _type_name(value: Any) -> str:
    cls = type(value)
    return f"{cls.__module__}.{cls.__name__}" if cls.__module__ != "builtins" else cls.__name__


# ---- index_put


def _put(self: Tensor, found: Found, values: Any, accumulate: bool) -> Tensor:
    """Writes `values` to the elements at index tensors of `self` itself."""
    mask = None if accumulate or values.ndim else _only_mask(self, found)
    if mask is not None:
        return self.masked_fill_(mask, values)  # type: ignore[attr-defined]
    given, places = canonical_indices(self, found)
    _check_values(self, given, places, values)
    return write_in_place(index_put_op, (self, moved(values, self), *given), (places, accumulate))


def _only_mask(self: Tensor, found: Found) -> Tensor | None:
    """The mask that is the whole index, with a dimension for each that follows it."""
    if len(found) != 1 or found[0][1].dtype not in (bool_, uint8):
        return None
    (dim, mask), shape = found[0], tuple(self.shape)
    if tuple(mask.shape) != shape[dim : dim + mask.ndim]:
        return None
    after = self.ndim - dim - mask.ndim
    return mask.reshape((*mask.shape, *[1] * after))  # type: ignore[attr-defined]


def _check_values(self: Tensor, given: list[Tensor], places: Any, values: Tensor) -> None:
    """RuntimeError unless the values broadcast to the indexed elements and have their dtype."""
    shape, own = _indexed_shape(self, given, places), tuple(values.shape)
    common = broadcast_shape([shape, own])
    if common is None or tuple(common) != shape:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(own)} cannot be broadcast to indexing "
            f"result of shape {list(shape)}"
        )
    if values.dtype is not self.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{scalar_name(self.dtype)} for the destination and {scalar_name(values.dtype)} for "
            "the source."
        )


def _indexed_shape(self: Tensor, given: list[Tensor], places: Any) -> tuple[int, ...]:
    """The shape of the elements at the indices: in the place of the indexed dimensions where these
    are adjacent, else in front."""
    picked = broadcast_shape([tuple(index.shape) for index in given]) or []
    taken = [dim for dim, is_taken in enumerate(places) if is_taken]
    first, last = taken[0], taken[-1]
    free = [n for dim, n in enumerate(self.shape) if dim not in taken]
    front = first if last - first + 1 == len(taken) else 0
    return (*free[:front], *picked, *free[front:])


def _found(indices: Sequence[Tensor | None]) -> Found:
    """The index tensors with the dimensions where they begin."""
    found: Found = []
    dim = 0
    for index in indices:
        if index is not None:
            found.append((dim, index))
        dim += index.ndim if index is not None and index.dtype in (bool_, uint8) else 1
    return found


@method("index_put")
def index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy of ``input`` with ``values`` at index tensors; None takes a whole dimension.

    Of several values for one element the last stays; with ``accumulate`` all are added. IndexError
    for an index out of range.

    >>> torch.zeros(3).index_put((torch.tensor([0, 0]),), torch.ones(2), True).tolist()
    [2.0, 0.0, 0.0]
    """
    given, places = canonical_indices(input, _found(indices))
    _check_values(input, given, places, values)
    return index_put_op((input, moved(values, input), *given), places, accumulate)


@method("index_put_")
def index_put_(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """In-place form of ``index_put``."""
    return _put(input, _found(indices), values, accumulate)


__all__ = ["index_put", "index_put_"]
silence(globals())
