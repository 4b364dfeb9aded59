"""The zip archive around a pickle: one record for the pickle, one for each storage.

Records are stored as they are, and those of storages begin at multiples of 64 bytes, so that a
file can be mapped into memory.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import random
import stat
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

import numpy

from flambeau.serialization import options

ALIGNMENT = 64
_HEADER = 30  # bytes of a local header before the name
_ZIP64_EXTRA = 20
_ZIP64_LIMIT = (1 << 31) - 1


def broken(reason: str) -> RuntimeError:
    """The error for an archive that cannot be read."""
    return RuntimeError(
        f"PytorchStreamReader failed {reason}. If you are seeing this error, there is a high "
        "likelihood that your checkpoint file is corrupted. This can happen if the checkpoint was "
        "not saved properly, was transferred incorrectly, or the file was modified after saving."
    )


# ---- writing


class ArchiveWriter:
    """Writes records; ``close`` adds those that every file has."""

    def __init__(self, file: Any, name: str) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self.name = name
        self.sizes: list[int] = []

    def write(self, record: str, data: Any) -> None:
        """Adds a record of bytes or an array of bytes."""
        raw = memoryview(data).cast("B") if len(data) else b""
        info = zipfile.ZipInfo(f"{self.name}/{record}", (1980, 1, 1, 0, 0, 0))
        info.create_system, info.external_attr = 0, 0
        big = len(raw) > _ZIP64_LIMIT
        info.extra = self._padding(info.filename, _ZIP64_EXTRA if big else 0)
        info.file_size = len(raw)
        with self.zip.open(info, "w", force_zip64=big) as target:
            target.write(raw)
        self.sizes.append(len(raw))

    def _padding(self, name: str, more: int) -> bytes:
        """An extra field after which the record's data begins at a multiple of 64 bytes."""
        start = self.zip.fp.tell() + _HEADER + len(name.encode()) + more + 4  # type: ignore[union-attr]
        length = -start % ALIGNMENT
        return b"FB" + struct.pack("<H", length) + b"Z" * length

    def close(self) -> None:
        """Adds the version and the identity, and the directory of the archive."""
        self.write("version", b"3\n")
        self.write(".data/serialization_id", b"%040d" % random.SystemRandom().getrandbits(128))
        self.zip.close()


@contextlib.contextmanager
def writing(target: Any) -> Iterator[tuple[Any, str]]:
    """A file to write to, and the name of the archive in it.

    A path gets its file at the end, whole, or not at all: everything is written beside it first.
    """
    if hasattr(target, "write"):
        yield target, "archive"
        return
    if not isinstance(target, (str, os.PathLike)):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    path = os.path.realpath(os.fspath(target))
    folder, base = os.path.split(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(target))} does not exist.")
    with _whole(path, folder) as file:
        yield file, base.partition(".")[0] or "archive"


@contextlib.contextmanager
def _whole(path: str, folder: str) -> Iterator[IO[bytes]]:
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        with open(path, "wb") as file:  # a device or a pipe
            yield file
        return
    try:
        number, beside = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=folder)
    except OSError:  # a folder where only this file may be written
        with open(path, "wb") as file:
            yield file
        return
    try:
        with open(number, "wb") as file:
            yield file
        os.chmod(beside, _mode(path))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _mode(path: str) -> int:
    """The permissions of the file that is replaced, or of a new one."""
    if os.path.exists(path):
        return stat.S_IMODE(os.stat(path).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


# ---- reading


class ArchiveReader:
    """Finds records in an archive; ``array`` gives one as memory of its own, or mapped."""

    def __init__(self, file: Any, mapped: str | None = None) -> None:
        self.file = file
        try:
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise broken("reading zip archive: failed finding central directory") from error
        names = self.zip.namelist()
        self.name = names[0].partition("/")[0] if names else ""
        self.map = None if mapped is None else _map(mapped)
        self.byteorder = self._byteorder()

    def _byteorder(self) -> str:
        if not self.has("byteorder"):
            return options.assumed_byteorder() or sys.byteorder
        order = self.read("byteorder")
        if order not in (b"little", b"big"):
            raise ValueError(f"Unknown endianness type: {order.decode(errors='replace')}")
        return order.decode()

    def has(self, record: str) -> bool:
        """Whether the archive has a record."""
        return f"{self.name}/{record}" in self.zip.NameToInfo

    def _info(self, record: str) -> zipfile.ZipInfo:
        try:
            return self.zip.getinfo(f"{self.name}/{record}")
        except KeyError:
            raise broken(f"locating file {record}: file not found") from None

    def read(self, record: str) -> bytes:
        """The bytes of a record."""
        try:
            return self.zip.read(self._info(record))
        except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error) as error:
            raise broken(f"reading file {record}: {error}") from error

    def array(self, record: str, size: int) -> numpy.ndarray:
        """The bytes of a record, which must be as many as the pickle says."""
        info = self._info(record)
        if info.file_size != size:
            raise RuntimeError(
                f"record size ({info.file_size} bytes) does not match expected size ({size} bytes "
                f"= {size} elements * 1 bytes/element) for dtype Byte"
            )
        if options.skipping():
            return numpy.empty(size, numpy.uint8)
        if info.compress_type != zipfile.ZIP_STORED:
            return numpy.frombuffer(bytearray(self.read(record)), numpy.uint8)
        start = self._start(info)
        if self.map is not None:
            return numpy.frombuffer(self.map, numpy.uint8, size, start) if size else _no_bytes()
        return self._copied(record, start, size)

    def _copied(self, record: str, start: int, size: int) -> numpy.ndarray:
        array = numpy.empty(size, numpy.uint8)
        self.file.seek(start)
        into, done = memoryview(array), 0
        while done < size:
            count = _read_into(self.file, into[done:])
            if not count:
                raise broken(f"reading file {record}: the file ends too early")
            done += count
        return array

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where the data of a record begins: its local header may be longer than the other."""
        self.file.seek(info.header_offset)
        header = self.file.read(_HEADER)
        if len(header) < _HEADER or header[:4] != b"PK\x03\x04":
            raise broken(f"reading file {info.filename}: there is no record where it should be")
        name, extra = struct.unpack_from("<HH", header, 26)
        start = info.header_offset + _HEADER + name + extra
        if start + info.file_size > self._length():
            raise broken(f"reading file {info.filename}: the file ends too early")
        return start

    def _length(self) -> int:
        return self.file.seek(0, io.SEEK_END)


def _no_bytes() -> numpy.ndarray:
    return numpy.empty(0, numpy.uint8)


def _read_into(file: Any, view: memoryview) -> int:
    if hasattr(file, "readinto"):
        return file.readinto(view) or 0
    data = file.read(len(view))
    view[: len(data)] = data
    return len(data)


def _map(path: str) -> mmap.mmap:
    """The file as memory: private to this process unless the options say otherwise."""
    shared = options.maps_shared()
    with open(path, "r+b" if shared else "rb") as file:
        access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        return mmap.mmap(file.fileno(), 0, access=access)
