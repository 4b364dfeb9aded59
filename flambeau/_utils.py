"""What pickled tensors call to come back; files name these functions ``torch._utils.<name>``.

Every argument may come from a file that nobody trusts: shapes, strides and offsets are checked
against the storage before a tensor looks at it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flambeau.core import layout as layouts
from flambeau.core.dtype import dtype as DType
from flambeau.core.flips import CONJ, NEG, flip
from flambeau.core.kind import CPU_KINDS, kind_of
from flambeau.core.tensor import Parameter, Tensor, wrap
from flambeau.core.untyped_storage import array_over
from flambeau.ops.creation import empty_strided
from flambeau.ops.storage import check_geometry
from flambeau.sparse.state import check_rebuilt, rebuild

Sizes = tuple[int, ...]


def _rebuild_tensor(storage: Any, storage_offset: int, size: Sizes, stride: Sizes) -> Tensor:
    """A tensor over a typed storage."""
    return _over(storage, storage.dtype, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Sizes,
    stride: Sizes,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: dict[str, bool] | None = None,
) -> Tensor:
    """A tensor over a typed storage, with its flags."""
    tensor = _over(storage, storage.dtype, storage_offset, size, stride)
    return _with_flags(tensor, requires_grad, metadata)


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Sizes,
    stride: Sizes,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: DType,
    metadata: dict[str, bool] | None = None,
) -> Tensor:
    """A tensor of a dtype that has no storage class of its own."""
    tensor = _over(storage, dtype, storage_offset, size, stride)
    return _with_flags(tensor, requires_grad, metadata)


def _over(storage: Any, dtype: DType, offset: int, size: Any, stride: Any) -> Tensor:
    size, stride = tuple(size), tuple(stride)
    for value in (offset, *size, *stride):
        if not isinstance(value, int):
            raise TypeError(f"a size, stride or offset must be an int, not {type(value).__name__}")
    check_geometry(size, stride, offset)
    untyped = storage.untyped()
    kind = kind_of(dtype, untyped.device)
    return wrap(array_over(untyped, kind.array_type, size, stride, offset), kind)


def _with_flags(tensor: Any, requires_grad: bool, metadata: dict[str, bool] | None) -> Any:
    """The tensor, a lazy conjugate or negative where the file says that it was."""
    named = metadata or {}
    flip(tensor, CONJ * bool(named.get("conj")) | NEG * bool(named.get("neg")))
    return tensor.requires_grad_() if requires_grad else tensor


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """A parameter over the memory of a tensor."""
    return Parameter(data, requires_grad)  # type: ignore[call-arg]


def _rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: Any
) -> Any:
    """A parameter with attributes of its own."""
    return _set_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(func: Any, new_type: type, args: tuple[Any, ...], state: Any) -> Any:
    """A tensor of another class, or with attributes of its own."""
    if not (isinstance(new_type, type) and issubclass(new_type, Tensor)):
        raise TypeError(f"{new_type!r} is no class of tensors")
    tensor = func(*args)
    if type(tensor) is not new_type:
        tensor = tensor.as_subclass(new_type)
    own = getattr(type(tensor), "__setstate__", None)
    if own is not None and own is not getattr(Tensor, "__setstate__", None):
        tensor.__setstate__(state)
        return tensor
    return _set_state(tensor, state)


def _set_state(tensor: Any, state: Any) -> Any:
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in [*(attributes or {}).items(), *(slots or {}).items()]:
        if name.startswith("__") or name in Tensor.__slots__:
            raise ValueError(f"a file must not set the attribute {name} of a tensor")
        setattr(tensor, name, value)
    return tensor


def _rebuild_meta_tensor_no_storage(
    dtype: DType, size: Sizes, stride: Sizes, requires_grad: bool
) -> Tensor:
    """A tensor on the meta device."""
    return empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def _rebuild_device_tensor_from_numpy(
    data: Any, dtype: DType, device: Any, requires_grad: bool
) -> Any:
    """A tensor that was saved as a NumPy array."""
    tensor: Any = wrap(data, CPU_KINDS[data.dtype])
    return tensor.to(dtype=dtype, device=device).requires_grad_(requires_grad)


def _rebuild_device_tensor_from_cpu_tensor(
    data: Any, dtype: DType, device: Any, requires_grad: bool
) -> Any:
    """A tensor that was saved as one on the CPU."""
    return data.to(dtype=dtype, device=device).requires_grad_(requires_grad)


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Any:
    """A sparse tensor from its indices and values."""
    tensor = rebuild(layout, data)
    if _reading.rebuilt is None:
        check_rebuilt(tensor)
    else:
        _reading.rebuilt.append(tensor)
    return tensor


class _Reading(threading.local):
    rebuilt: list[Tensor] | None = None  # sparse tensors of the file that is being read


_reading = _Reading()


@contextmanager
def sparse_checked_at_the_end() -> Iterator[None]:
    """Has sparse tensors checked when a file is read: the data may stand behind the tensors."""
    before, _reading.rebuilt = _reading.rebuilt, []
    try:
        yield
        for tensor in _reading.rebuilt:
            check_rebuilt(tensor)
    finally:
        _reading.rebuilt = before


def _get_layout(name: str) -> Any:
    """The layout of a name: ``torch.strided``."""
    found = getattr(layouts, name.removeprefix("torch."), None)
    if not isinstance(found, layouts.layout):
        raise RuntimeError(f"there is no layout named {name}")
    return found


def no_hooks() -> OrderedDict[Any, Any]:
    """What files hold in the place of hooks."""
    return OrderedDict()
