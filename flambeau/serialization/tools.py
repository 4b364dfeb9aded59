"""Smaller tools around files."""

from __future__ import annotations

import io
import os
import pickletools
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from flambeau.core.typed_storage import LEGACY
from flambeau.serialization import options, safety
from flambeau.serialization.archive import ArchiveReader
from flambeau.serialization.names import SAFE


class SourceChangeWarning(Warning):
    """The source of a saved class has changed since."""


class StorageType:
    """A class of storages by name: ``StorageType("FloatStorage").dtype``."""

    def __init__(self, name: str) -> None:
        self._dtype = LEGACY[name].dtype

    @property
    def dtype(self) -> Any:
        """The dtype of its elements."""
        return self._dtype

    def __str__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


@contextmanager
def mkdtemp() -> Iterator[str]:
    """A folder that is gone after the block."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[int, ...], error_if_malformed: bool = True
) -> bool:
    """Whether a module's ``__version__`` is at least the given one."""
    parts = re.findall(r"\d+", module.__version__.partition("+")[0])
    if not parts:
        if error_if_malformed:
            raise RuntimeError(
                f"'{module.__name__}' module version is malformed string: {module.__version__}"
            )
        return True
    return tuple(map(int, parts[: len(req_version_tuple)])) >= tuple(req_version_tuple)


def normalize_storage_type(storage_type: Any) -> Any:
    """A class of storages; all here are the library's own already."""
    return storage_type


def storage_to_tensor_type(storage: Any) -> str:
    """The name of the tensor class that goes with a storage: ``torch.FloatTensor``."""
    return storage.type().replace("Storage", "Tensor")


class skip_data:  # noqa: N801 - the public name
    """Context manager: ``save`` leaves zeros where the data of storages would be, and ``load``
    gives storages that are not filled.

    The file has the layout of a whole one, so that the data can be written into it later.
    """

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self._before = options.skipping()
        options.set_skipping(True)

    def __exit__(self, *error: object) -> None:
        options.set_skipping(self._before)


def get_unsafe_globals_in_checkpoint(f: str | os.PathLike[str] | IO[bytes]) -> list[str]:
    """The names in a file that a restricted load would refuse, without reading more of it."""
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(io.BytesIO(file.read()))
    text = ArchiveReader(f).read("data.pkl")
    allowed = {*SAFE, *safety.allowed()}
    return sorted({name for name in _names(text) if name not in allowed})


def _names(text: bytes) -> Iterator[str]:
    """The names of classes and functions in a pickle."""
    strings: list[Any] = []
    memo: dict[int, Any] = {}
    for operation, argument, _ in pickletools.genops(text):
        if operation.name == "GLOBAL":
            module, name = argument.split(" ", 1)
            yield f"{module.replace('__builtin__', 'builtins')}.{name}"
        elif operation.name == "STACK_GLOBAL" and len(strings) >= 2:
            yield f"{strings[-2]}.{strings[-1]}"
        elif isinstance(argument, str) and "GET" not in operation.name:
            strings.append(argument)
        elif operation.name == "MEMOIZE" and strings:
            memo[len(memo)] = strings[-1]
        elif operation.name in ("BINPUT", "LONG_BINPUT") and strings:
            memo[argument] = strings[-1]
        elif operation.name in ("BINGET", "LONG_BINGET"):
            strings.append(memo.get(argument))
