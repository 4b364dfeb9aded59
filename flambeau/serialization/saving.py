"""``torch.save``."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
from typing import IO, Any

from flambeau.core.untyped_storage import UntypedStorage
from flambeau.serialization import options
from flambeau.serialization.archive import ArchiveWriter, writing
from flambeau.serialization.pickling import Pickler, StorageTable

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C  # of files before the zip format
PROTOCOL_VERSION = 1001


def save(
    obj: object,
    f: str | os.PathLike[str] | IO[bytes],
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes an object, with the tensors in it, to a file that PyTorch reads too.

    Tensors over the same memory share it again after loading; all of the memory is written, also
    for a view of a part. A path is written whole or not at all.

    Args:
        obj: what to save.
        f: a path, or a file-like object with ``write``.
        pickle_module: as in PyTorch; only Python's own ``pickle`` is supported.
        pickle_protocol: of the pickle inside; PyTorch's restricted load reads 2.

    Example::

        torch.save(model.state_dict(), "model.pt")
        model.load_state_dict(torch.load("model.pt"))
    """
    if pickle_module is not pickle:
        raise NotImplementedError(
            f"save() writes pickles of its own; pickle_module={pickle_module.__name__} is not "
            "supported"
        )
    with writing(f) as (file, name):
        if _use_new_zipfile_serialization:
            _save_archive(obj, file, name, pickle_protocol, not _disable_byteorder_record)
        else:
            _save_legacy(obj, file, pickle_protocol)


def _save_archive(obj: object, file: Any, name: str, protocol: int, byteorder: bool) -> None:
    storages, text = StorageTable(), io.BytesIO()
    Pickler(text, protocol, storages).dump(obj)
    archive = ArchiveWriter(file, name)
    archive.write("data.pkl", text.getvalue())
    archive.write(".format_version", b"1")
    archive.write(".storage_alignment", b"64")
    if byteorder:
        archive.write("byteorder", sys.byteorder.encode())
    for number, storage in enumerate(storages.storages):
        archive.write(f"data/{number}", _bytes(storage))
    archive.close()


def _bytes(storage: UntypedStorage) -> Any:
    return bytes(storage.nbytes()) if options.skipping() else storage.cpu()._reachable()


# ---- the format before archives: pickles, then the storages


class _LegacyTable(StorageTable):
    """Names storages as old files do, with room for a view that no file has any more."""

    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        """What stands in the pickle for a storage."""
        if isinstance(value, UntypedStorage):
            raise NotImplementedError(
                "files of the old format hold no untyped storages, and no tensors of dtypes that "
                "came after it; save without _use_new_zipfile_serialization=False"
            )
        known = super().persistent_id(value)
        return None if known is None else (*known, None)


def _save_legacy(obj: object, file: Any, protocol: int) -> None:
    storages, text = _LegacyTable(), io.BytesIO()
    Pickler(text, protocol, storages).dump(obj)
    about = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for value in (MAGIC_NUMBER, PROTOCOL_VERSION, about):
        file.write(pickle.dumps(value, protocol))
    file.write(text.getvalue())
    keys = sorted(storages.numbers.values())
    file.write(pickle.dumps(keys, protocol))
    for key in keys:
        storage = storages.storages[int(key)]
        file.write(struct.pack("<q", storage.nbytes() // storages.itemsize(storage)))
        file.write(memoryview(_bytes(storage)))
