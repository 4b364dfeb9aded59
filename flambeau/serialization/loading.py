"""``torch.load``."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy

from flambeau._utils import sparse_checked_at_the_end
from flambeau.core.device import cpu, device
from flambeau.core.dtype import uint8
from flambeau.core.typed_storage import TypedStorage, _LegacyStorage, typed
from flambeau.core.untyped_storage import UntypedStorage, _over
from flambeau.serialization import names, safety
from flambeau.serialization.archive import ArchiveReader, broken
from flambeau.serialization.options import default_restore_location
from flambeau.serialization.restricted import Machine
from flambeau.serialization.saving import MAGIC_NUMBER, PROTOCOL_VERSION

MAP_LOCATION = Callable[[Any, str], Any] | device | str | dict[str, str] | None
Restore = Callable[[Any, str], Any]


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: MAP_LOCATION = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what ``save`` has written, here or in PyTorch.

    By default only tensors, numbers, strings, containers and what was added by
    ``add_safe_globals`` come out: the pickle is read by an interpreter that imports nothing.
    ``weights_only=False`` reads any object and runs whatever code the file names: only for files
    that you trust.

    Args:
        f: a path, or a file-like object with ``read``, ``readline``, ``tell`` and ``seek``.
        map_location: where storages go: a device, a dict of locations, or a function of the
            storage and its location.
        pickle_module: a module with an ``Unpickler`` to use instead, with ``weights_only=False``.
        weights_only: whether to restrict what is read; True by default.
        mmap: map the file instead of reading it; it must then be a path.

    Raises:
        UnpicklingError: the file names something that is not allowed.
        RuntimeError: the file is damaged, or names a device that is not there.

    Example::

        state = torch.load("model.pt", map_location="cpu")
    """
    restricted = _is_restricted(weights_only, pickle_module)
    pickle_load_args.setdefault("encoding", "utf-8")
    reader = _Reader(restricted, pickle_module, _restorer(map_location), pickle_load_args)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return reader.read(file, os.fspath(f) if mmap else None)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    _check_file(f)
    return reader.read(f, None)


def _is_restricted(weights_only: bool | None, pickle_module: Any) -> bool:
    forced = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0") in ("1", "y", "yes", "true")
    free = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0") in ("1", "y", "yes", "true")
    if weights_only is None:
        weights_only = not free and pickle_module is None
    weights_only = weights_only or forced
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    return weights_only


def _check_file(file: Any) -> None:
    for name in ("seek", "tell", "read", "readline"):
        if not hasattr(file, name):
            raise AttributeError(
                f"'{type(file).__name__}' object has no attribute '{name}'. You can only "
                "torch.load from a file that is seekable. Please pre-load the data into a buffer "
                "like io.BytesIO and try to load from it instead."
            )


def _restorer(map_location: MAP_LOCATION) -> Restore:
    """Where a storage goes, as a function of it and of the place that the file names."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        table = map_location
        return lambda storage, location: default_restore_location(
            storage, str(table.get(location, location))
        )
    if isinstance(map_location, (str, bytes, device)):
        place = map_location.decode() if isinstance(map_location, bytes) else str(map_location)
        return lambda storage, location: default_restore_location(storage, place)
    function = map_location

    def restore(storage: Any, location: str) -> Any:
        result = function(storage, location)
        return default_restore_location(storage, location) if result is None else result

    return restore


class _Unpickler(pickle.Unpickler):
    """Python's unpickler, with PyTorch's names."""

    def __init__(self, file: Any, persistent_load: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(file, **options)
        self._persistent_load = persistent_load

    def persistent_load(self, pid: Any) -> Any:
        """A storage by its id."""
        return self._persistent_load(pid)

    def find_class(self, module: str, name: str) -> Any:
        """A class or function by its name."""
        if module == "torch" or module.startswith("torch."):
            return names.find(module, name)
        return super().find_class(module, name)


class _Reader:
    """Reads one file."""

    def __init__(
        self, restricted: bool, module: Any, restore: Restore, options: dict[str, Any]
    ) -> None:
        self.restricted, self.module = restricted, module
        self.restore, self.options = restore, options
        self.loaded: dict[str, UntypedStorage] = {}

    @sparse_checked_at_the_end()
    def read(self, file: Any, mapped: str | None) -> Any:
        start = file.tell()
        magic = file.read(4)
        file.seek(start)
        if magic == b"PK\x03\x04":
            return self._archive(_from_here(file, start), mapped)
        if mapped is not None:
            raise RuntimeError(
                "mmap can only be used with files saved with "
                "`torch.save(_use_new_zipfile_serialization=True), please torch.save your "
                "checkpoint with this option in order to use mmap."
            )
        return self._legacy(file)

    def unpickle(self, file: Any, persistent_load: Callable[[Any], Any]) -> Any:
        """The next pickle in a file."""
        if self.restricted:
            try:
                return Machine(file, persistent_load, self.options["encoding"]).load()
            except pickle.UnpicklingError as error:
                raise safety.explained(error) from None
        if self.module is None or self.module is pickle:
            return _Unpickler(file, persistent_load, **self.options).load()
        own = self.module.Unpickler(file, **self.options)
        own.persistent_load = persistent_load
        return own.load()

    # ---- archives

    def _archive(self, file: Any, mapped: str | None) -> Any:
        archive = ArchiveReader(file, mapped)
        if archive.has("constants.pkl"):
            raise RuntimeError("the file is a TorchScript archive: load it with torch.jit.load")
        text = archive.read("data.pkl")
        if not archive.has("version"):
            raise broken("locating file version: file not found")

        def persistent_load(given: Any) -> Any:
            kind, key, location, count = _storage_id(given)
            if key not in self.loaded:
                size = count * _itemsize(kind)
                raw = _over(archive.array(f"data/{key}", size), cpu)
                if archive.byteorder != sys.byteorder and kind is not UntypedStorage:
                    raw.byteswap(kind.dtype)
                self.loaded[key] = self.restore(raw, location)
            return _as_kind(self.loaded[key], kind)

        return self.unpickle(io.BytesIO(text), persistent_load)

    # ---- the format before archives

    def _legacy(self, file: Any) -> Any:
        if self.unpickle(file, _no_storages) != MAGIC_NUMBER:
            raise RuntimeError("Invalid magic number; corrupt file?")
        version = self.unpickle(file, _no_storages)
        if version != PROTOCOL_VERSION:
            raise RuntimeError(f"Invalid protocol version: {version}")
        about = self.unpickle(file, _no_storages)
        little = about.get("little_endian", True) if isinstance(about, dict) else True
        kinds: dict[str, Any] = {}

        def persistent_load(given: Any) -> Any:
            if isinstance(given, tuple) and len(given) == 2 and given[0] == "module":
                return given[1][0]
            known = given[:5] if isinstance(given, tuple) else given
            kind, key, location, count = _storage_id(known)
            if key not in self.loaded:
                empty = _promised(kind, count, _length_of(file))
                self.loaded[key], kinds[key] = self.restore(empty, location), kind
            return _as_kind(self.loaded[key], kind)

        result = self.unpickle(file, persistent_load)
        keys = self.unpickle(file, _no_storages)
        for key in keys:
            if key not in self.loaded:
                raise RuntimeError(f"the file has a storage {key!r} that nothing refers to")
            _fill(self.loaded[key], file, kinds[key], little)
        missing = set(self.loaded) - set(keys)
        if missing:
            raise RuntimeError(f"the file has no data for the storages {sorted(missing)}")
        return result


def _from_here(file: Any, start: int) -> Any:
    """A file whose archive begins at its present place."""
    if start == 0:
        return file
    return io.BytesIO(file.read())


def _no_storages(given: Any) -> Any:
    raise pickle.UnpicklingError("a storage where there can be none")


def _storage_id(given: Any) -> tuple[Any, str, str, int]:
    """The class, key, place and length of a storage, checked."""
    if not isinstance(given, tuple) or len(given) != 5 or given[0] not in ("storage", b"storage"):
        raise pickle.UnpicklingError(f"Unknown typename for persistent_load: {given!r}"[:200])
    _, kind, key, location, count = given
    if kind is not UntypedStorage and not (
        isinstance(kind, type) and issubclass(kind, _LegacyStorage)
    ):
        raise pickle.UnpicklingError(f"{kind!r} is no class of storages")
    key = key.decode() if isinstance(key, bytes) else key
    location = location.decode() if isinstance(location, bytes) else location
    if not (isinstance(key, str) and isinstance(location, str) and isinstance(count, int)):
        raise pickle.UnpicklingError("the id of a storage is not as it should be")
    if count < 0:
        raise pickle.UnpicklingError(f"a storage cannot have {count} elements")
    return kind, key, location, count


def _itemsize(kind: Any) -> int:
    return 1 if kind is UntypedStorage else kind.dtype.itemsize


def _as_kind(storage: UntypedStorage, kind: Any) -> TypedStorage:
    """A loaded storage, always with a dtype: untyped ones count bytes."""
    return typed(storage, uint8 if kind is UntypedStorage else kind.dtype)


def _length_of(file: Any) -> int:
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end


def _promised(kind: Any, count: int, available: int) -> UntypedStorage:
    """A storage whose data stands further back in the file."""
    size = count * _itemsize(kind)
    if size > available:
        raise RuntimeError(f"the file is too short for a storage of {size} bytes")
    return UntypedStorage(size)


def _fill(storage: UntypedStorage, file: Any, kind: Any, little: bool) -> None:
    """Reads the data of a storage that tensors look at already."""
    (count,) = struct.unpack("<q" if little else ">q", _exactly(file, 8))
    size = count * _itemsize(kind)
    if size != storage.nbytes():
        raise RuntimeError(
            f"a storage of {storage.nbytes()} bytes has {size} bytes of data in the file"
        )
    data = _over(numpy.frombuffer(bytearray(_exactly(file, size)), numpy.uint8), cpu)
    if little != (sys.byteorder == "little"):
        data.byteswap(kind.dtype)
    storage.copy_(data)


def _exactly(file: Any, count: int) -> bytes:
    data = file.read(count) if count >= 0 else b""
    if len(data) != count:
        raise EOFError(f"the file ends in the middle of {count} bytes")
    return data
