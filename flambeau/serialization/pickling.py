"""Pickles in PyTorch's words: storages by number, names of this library as PyTorch's."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from types import FunctionType
from typing import Any

from flambeau import _utils
from flambeau.core import layout as layouts
from flambeau.core.dtype import dtype
from flambeau.core.size import Size
from flambeau.core.tensor import Parameter, Tensor
from flambeau.core.typed_storage import LEGACY, TypedStorage, typed
from flambeau.core.untyped_storage import UntypedStorage, storage_of
from flambeau.serialization.names import name_in_files
from flambeau.serialization.options import location_tag

_PLAIN = frozenset((str, int, float, bool, bytes, tuple, list, dict, OrderedDict, type(None)))
_CLASS_OF = {kind.dtype: kind for kind in LEGACY.values()}


class StorageTable:
    """The storages of a file, each with a number as its name."""

    def __init__(self) -> None:
        self.numbers: dict[int, str] = {}
        self.storages: list[UntypedStorage] = []
        self._dtypes: dict[int, dtype] = {}

    def key(self, storage: UntypedStorage, of: dtype | None) -> str:
        """The number of a storage; RuntimeError if its bytes are two dtypes at once."""
        place = id(storage)
        if place not in self.numbers:
            self.numbers[place] = str(len(self.storages))
            self.storages.append(storage)
        if of is not None and self._dtypes.setdefault(place, of) is not of:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                "types"
            )
        return self.numbers[place]

    def itemsize(self, storage: UntypedStorage) -> int:
        """The bytes of an element of a storage."""
        return self._dtypes[id(storage)].itemsize

    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        """What stands in the pickle for a storage: its class, number, place and length."""
        if type(value) is TypedStorage:
            storage, of = value.untyped(), value.dtype
            kind: Any = _CLASS_OF[of]
            count = storage.nbytes() // of.itemsize
        elif type(value) is UntypedStorage:
            storage, of, kind, count = value, None, UntypedStorage, value.nbytes()
        else:
            return None
        return "storage", kind, self.key(storage, of), location_tag(storage), count


class Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes one pickle; ``storages`` collects what it refers to."""

    dispatch = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: Any, protocol: int, storages: Any) -> None:
        super().__init__(file, protocol)
        self.storages = storages

    def persistent_id(self, obj: Any) -> Any:
        """The id of a storage."""
        return self.storages.persistent_id(obj)

    def reducer_override(self, obj: Any) -> Any:
        """How tensors and the library's constants come back."""
        if type(obj) in _PLAIN:
            return NotImplemented
        if isinstance(obj, Tensor):
            return _reduced(obj)
        if isinstance(obj, layouts.layout):
            return _utils._get_layout, (str(obj),)
        if isinstance(obj, Size):
            return Size, (tuple(obj),)
        if isinstance(obj, (dtype, layouts.memory_format)):
            return obj.name
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Writes a class, function or constant by its name; the library's by PyTorch's."""
        named = name_in_files(obj, name)
        if named is None:
            super().save_global(obj, name)
            return
        module, name = named
        if self.proto >= 4:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)

    dispatch[FunctionType] = save_global


def _reduced(tensor: Any) -> tuple[Any, ...]:
    state = _own_attributes(tensor)
    if isinstance(tensor, Parameter):
        args = tensor.data, tensor.requires_grad, OrderedDict()
        if state:
            return _utils._rebuild_parameter_with_state, (*args, state)
        return _utils._rebuild_parameter, args
    function, args = _parts(tensor)
    if type(tensor) is Tensor and not state:
        return function, args
    return _utils._rebuild_from_type_v2, (function, type(tensor), args, state)


def _own_attributes(tensor: Any) -> dict[str, Any]:
    """What users have set on a tensor; the library's own entries have defaults on the class."""
    return {name: value for name, value in tensor.__dict__.items() if not hasattr(Tensor, name)}


def _parts(tensor: Any) -> tuple[Any, tuple[Any, ...]]:
    if tensor.layout is not layouts.strided:
        return _utils._rebuild_sparse_tensor, (tensor.layout, tensor.sparse_parts())
    size, stride, requires_grad = tuple(tensor.shape), tensor.stride(), tensor.requires_grad
    if tensor.device.type == "meta":
        return _utils._rebuild_meta_tensor_no_storage, (tensor.dtype, size, stride, requires_grad)
    storage, offset = storage_of(tensor), tensor.storage_offset()
    rest = size, stride, requires_grad, OrderedDict()
    bits = {"conj": tensor.is_conj(), "neg": tensor.is_neg()}
    flags = [{name: True for name, is_set in bits.items() if is_set}] if any(bits.values()) else []
    if tensor.dtype in _CLASS_OF:
        return _utils._rebuild_tensor_v2, (typed(storage, tensor.dtype), offset, *rest, *flags)
    return _utils._rebuild_tensor_v3, (storage, offset, *rest, tensor.dtype, *flags)
