"""Names in files: what PyTorch calls things, and which of them are safe.

A pickle names classes and functions by module and name. Files say ``torch.``, here it is
``flambeau.``; the names of ``TABLE`` are translated both ways, all others by that prefix alone.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from importlib import import_module
from typing import Any

from flambeau import _utils
from flambeau.core import dtype as dtypes
from flambeau.core.device import device
from flambeau.core.size import Size
from flambeau.core.tensor import Parameter, Tensor
from flambeau.core.typed_storage import LEGACY, TypedStorage
from flambeau.core.untyped_storage import UntypedStorage

_REBUILD = (
    "_rebuild_device_tensor_from_cpu_tensor", "_rebuild_device_tensor_from_numpy",
    "_rebuild_meta_tensor_no_storage", "_rebuild_parameter", "_rebuild_parameter_with_state",
    "_rebuild_sparse_tensor", "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3",
)  # fmt: skip


def encode(text: str, encoding: str = "latin1", errors: str = "strict") -> bytes:
    """How old pickle protocols spell bytes."""
    if encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise ValueError(f"the encoding {encoding} is not one that pickles use")
    return text.encode(encoding, errors)


TABLE: dict[str, Any] = {
    "torch.Tensor": Tensor,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.Size": Size,
    "torch.device": device,
    "torch.storage.TypedStorage": TypedStorage,
    "torch.storage.UntypedStorage": UntypedStorage,
    "torch._tensor._rebuild_from_type_v2": _utils._rebuild_from_type_v2,
    "torch.serialization._get_layout": _utils._get_layout,
    **{f"torch._utils.{name}": getattr(_utils, name) for name in _REBUILD},
    **{f"torch.{of.name}": of for of in dtypes.ALL.values()},
    **{f"torch.{name}": kind for name, kind in LEGACY.items()},
}

SAFE: dict[str, Any] = {  # what the restricted load finds
    **TABLE,
    **{f"torch.cuda.{name}": kind for name, kind in LEGACY.items()},
    "collections.OrderedDict": collections.OrderedDict,
    "collections.Counter": collections.Counter,
    "builtins.set": set,
    "builtins.bytearray": bytearray,
    "builtins.complex": complex,
    "_codecs.encode": encode,
}

_NAME_OF = {id(value): name for name, value in TABLE.items()}


def name_in_files(value: Any, name: str | None = None) -> tuple[str, str] | None:
    """Module and name under which files know a class, function or constant of this library."""
    known = _NAME_OF.get(id(value))
    if known is not None:
        module, _, name = known.rpartition(".")
        return module, name
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):
        return None
    root, dot, rest = module.partition(".")
    if root not in ("flambeau", "torch"):
        return None
    return f"torch{dot}{rest}", name or value.__qualname__


def find(module: str, name: str) -> Any:
    """What a file means by a name of PyTorch's; AttributeError where there is no such thing."""
    known = SAFE.get(f"{module}.{name}") if module.startswith("torch") else None
    if known is not None:
        return known
    value: Any = import_module("flambeau" + module.removeprefix("torch"))
    for part in name.split("."):
        value = getattr(value, part)
    return value


def full_name(value: Callable[..., Any]) -> str:
    """The name that files give to a class or function, dotted."""
    named = name_in_files(value)
    module, name = named if named else (value.__module__, value.__qualname__)
    return f"{module}.{name}"
