"""Copies and pickles of tensors: tensors over one memory share one again afterwards."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from flambeau.core import storage as memory
from flambeau.core.device import device
from flambeau.core.flips import flip
from flambeau.core.graph import Leaf
from flambeau.core.kind import kind_of
from flambeau.core.publish import method
from flambeau.core.sparse import wrap_any
from flambeau.core.tensor import Parameter, Tensor, wrap
from flambeau.core.untyped_storage import UntypedStorage, array_over, storage_of
from flambeau.core.virtual import virtual_like
from flambeau.kernels.select import META
from flambeau.kernels.shared.sparse.arrays import SparseArray


@method("__deepcopy__")
def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """A copy with memory, attributes and gradient of its own; not of a computed tensor."""
    if id(self) in memo:
        return memo[id(self)]
    if self._node is not None and type(self._node) is not Leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be "
            "because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    if self._flips:
        result = memo[id(self)] = self.detach().clone().requires_grad_(self.requires_grad)
        return result
    if isinstance(self, Parameter):
        result = type(self)(self.detach().clone(), self.requires_grad)  # type: ignore[call-arg]
        memo[id(self)] = result
        return result
    result = wrap_any(_copied_array(self, memo), self.kind)
    if type(self) is not Tensor:
        result = result.as_subclass(type(self))  # type: ignore[attr-defined]
    memo[id(self)] = result
    if self.requires_grad:
        result.requires_grad_()  # type: ignore[attr-defined]
    for name, value in self.__dict__.items():
        if name == "_grad" or not hasattr(Tensor, name):
            result.__dict__[name] = deepcopy(value, memo)
    return result


def _copied_array(tensor: Tensor, memo: dict[int, Any]) -> Any:
    array = tensor._array
    if isinstance(array, SparseArray):
        return array.copy()
    if tensor.kind.place == META:
        return virtual_like(array)
    storage = deepcopy(storage_of(tensor), memo)
    return array_over(
        storage, array.dtype, array.shape, memory.strides(array), memory.offset(array)
    )


@method("__reduce_ex__")
def _reduce_ex(self: Any, protocol: Any) -> tuple[Any, ...]:
    """What a pickle keeps: the memory, the shape and strides, and the attributes of its own."""
    array = self._array
    own = {name: value for name, value in self.__dict__.items() if not hasattr(Tensor, name)}
    if isinstance(array, SparseArray):
        kept = array, self.dtype, str(self.device), self.requires_grad, own
        return restored_sparse, (type(self), *kept)
    storage = storage_of(self)
    place = memory.offset(array) if self.kind.place != META else 0
    geometry = place, tuple(array.shape), memory.strides(array)
    rest = self.requires_grad, own, self._flips
    return restored, (type(self), storage, self.dtype, *geometry, *rest)


def restored(
    cls: type,
    storage: UntypedStorage,
    dtype: Any,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
    own: dict[str, Any],
    flips: int = 0,
) -> Any:
    """A tensor from its pickle."""
    kind = kind_of(dtype, storage.device)
    plain = wrap(array_over(storage, kind.array_type, size, stride, offset), kind)
    return _of_class(cls, flip(plain, flips), requires_grad, own)


def restored_sparse(
    cls: type, array: SparseArray, dtype: Any, where: str, requires_grad: bool, own: dict[str, Any]
) -> Any:
    """A sparse tensor from its pickle."""
    tensor = wrap_any(array, kind_of(dtype, device(where)))
    return _of_class(cls, tensor, requires_grad, own)


def _of_class(cls: type, tensor: Any, requires_grad: bool, own: dict[str, Any]) -> Any:
    if issubclass(cls, Parameter):
        tensor = cls(tensor, requires_grad)  # type: ignore[call-arg]
    else:
        tensor = tensor if cls is Tensor else tensor.as_subclass(cls)
        tensor.requires_grad_(requires_grad)
    for name, value in own.items():
        setattr(tensor, name, value)
    return tensor
