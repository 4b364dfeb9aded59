"""``UntypedStorage``: the memory below tensors as an object of its own, counted in bytes.

Tensors hold arrays; a storage is made when somebody asks for one and is then the same object for
every tensor over that memory while it lives. Giving it other memory (``resize_``,
``share_memory_``) moves the tensors over it along.
"""

from __future__ import annotations

import gc
import mmap
import os
import pickle
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy

from flambeau.core import raw_memory as raw
from flambeau.core import storage as memory
from flambeau.core.device import as_device, cpu, device, meta
from flambeau.core.dtype import dtype
from flambeau.core.kind import PLACES
from flambeau.core.tensor import Tensor
from flambeau.core.virtual import virtual

Array = Any
_KNOWN: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()


class _Released(bytearray):
    """Stands in for the memory of a tensor whose storage has become too small for it."""

    storage: UntypedStorage
    layout: tuple[tuple[int, ...], int]


class UntypedStorage:
    """A piece of memory, as bytes: ``UntypedStorage(12)`` or ``UntypedStorage([1, 2, 3])``.

    ``tensor.untyped_storage()`` gives the one below a tensor. Tensors over the same memory give
    the same storage and see each other's writes.
    """

    __module__ = "torch.storage"
    is_sparse: bool = False
    is_sparse_csr: bool = False

    _bytes: Array  # 1-D uint8; None on the meta device
    _size: int
    _device: device
    _filename: str | None

    def __init__(self, *args: Any, device: Any = None) -> None:
        where = cpu if device is None else as_device(device)
        if len(args) > 1:
            given = ", ".join(type(arg).__name__ for arg in args)
            raise TypeError(
                "torch.UntypedStorage() received an invalid combination of arguments - got "
                f"({given}), but expected one of:\n * (int size, *, torch.device device)\n"
                " * (sequence data, *, torch.device device)"
            )
        data = args[0] if args else 0
        if isinstance(data, int):
            self._take(raw.allocate(data, where), data, where)
        else:
            self._take(raw.moved(raw.from_sequence(data), where), len(data), where)

    def _take(self, array: Array, size: int, where: device) -> None:
        self._bytes, self._size, self._device = array, size, where
        self._filename = None
        self._owners: list[weakref.ref[Any]] = []
        self._tensors: dict[int, weakref.ref[Tensor]] = {}
        self._remember()

    def _remember(self) -> None:
        """Tensors over this memory find this storage from now on."""
        if self._bytes is not None:
            owner = raw.owner(self._bytes)
            _KNOWN[id(owner)] = self
            self._owners.append(weakref.ref(owner))

    # ---- what it is

    @property
    def device(self) -> device:
        """Where the memory lies."""
        return self._device

    @property
    def is_cuda(self) -> bool:
        """Whether the memory lies on a CUDA device."""
        return self._device.type == "cuda"

    @property
    def is_hpu(self) -> bool:
        """Always False: there are no such devices here."""
        return False

    @property
    def filename(self) -> str | None:
        """The file behind the memory, if it is mapped from one."""
        return self._filename

    def get_device(self) -> int | None:
        """The index of the device; None on the CPU."""
        return self._device.index

    def nbytes(self) -> int:
        """The size in bytes."""
        return self._size

    size = __len__ = nbytes

    def element_size(self) -> int:
        """1: the elements are bytes."""
        return 1

    def data_ptr(self) -> int:
        """The address of the first byte; 0 where there is none."""
        return memory.address(self._bytes) if self._size and self._bytes is not None else 0

    def resizable(self) -> bool:
        """Whether ``resize_`` may change the size; not so for memory of somebody else."""
        if self._bytes is None or self.is_cuda:
            return True
        return memory.root(self._bytes).base is None

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is page-locked for fast copies to a CUDA device."""
        return bool(self._bytes is not None and not self.is_cuda and raw.is_pinned(self._bytes))

    def is_shared(self) -> bool:
        """Whether other processes can see the memory; always so on CUDA."""
        return self.is_cuda or (self._bytes is not None and raw.is_shared(self._bytes))

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    # ---- elements

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop = self._bounds(index)
            return _over(memory.adopt(self._reachable()[start:stop]), self._device)
        return int(self._reachable()[self._index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        raw.check_byte(value)
        if isinstance(index, slice):
            start, stop = self._bounds(index)
            self._reachable()[start:stop] = value & 255
        else:
            self._reachable()[self._index(index)] = value & 255

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __delitem__(self, index: Any) -> None:
        raise TypeError("'torch.storage.UntypedStorage' object does not support item deletion")

    def _reachable(self) -> Array:
        if self._bytes is None:
            raise NotImplementedError("Not available for 'meta' device type")
        return self._bytes

    def _index(self, index: Any) -> int:
        if not hasattr(index, "__index__"):
            raise TypeError(f"can't index a torch.UntypedStorage with {type(index).__name__}")
        place = index.__index__()
        if not -self._size <= place < self._size:
            raise IndexError(f"index {place} out of range for storage of size {self._size}")
        return place

    def _bounds(self, index: slice) -> tuple[int, int]:
        start, stop, step = index.indices(self._size)
        if step != 1:
            raise RuntimeError(
                f"Trying to slice with a step of {step}, but only a step of 1 is supported"
            )
        return start, max(start, stop)

    def tolist(self) -> list[int]:
        """The bytes as a list of numbers."""
        return raw.on_host(self._reachable()).tolist()

    def fill_(self, value: int) -> UntypedStorage:
        """Sets every byte."""
        if not isinstance(value, int):
            raise RuntimeError(f"fill_ expects int, but got {type(value).__name__}")
        self._reachable()[...] = value & 255
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> UntypedStorage:
        """Copies the bytes of a storage of the same size."""
        origin = source.untyped()
        if origin.nbytes() != self._size:
            raise RuntimeError(
                f"size does not match, self was {self._size} bytes but src was "
                f"{origin.nbytes()} bytes"
            )
        if self._bytes is not None and origin._bytes is not None:
            self._bytes[...] = raw.moved(origin._bytes, self._device)
        return self

    def byteswap(self, dtype: dtype) -> None:
        """Reverses the bytes of each element of the given dtype, in place."""
        part = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
        if part > 1:
            self._reachable().view(f"u{part}").byteswap(inplace=True)

    # ---- copies

    def new(self) -> UntypedStorage:
        """An empty storage on the same device."""
        return UntypedStorage(device=self._device)

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage(self._size, device=self._device).copy_(self)

    def to(self, *, device: Any, non_blocking: bool = False) -> UntypedStorage:
        """This storage, or a copy of it on another device."""
        where = as_device(device)
        if where.type not in PLACES:
            raise AssertionError(f"{where.type.upper()} device module is not loaded")
        same = where.type == self._device.type and where.index in (None, self._device.index)
        return self if same else UntypedStorage(self._size, device=where).copy_(self)

    def cpu(self) -> UntypedStorage:
        """This storage, or a copy of it on the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> UntypedStorage:
        """This storage, or a copy of it on a CUDA device."""
        return self.to(device="cuda" if device is None else as_device(device))

    def hpu(self, device: Any = None, non_blocking: bool = False) -> UntypedStorage:
        """AssertionError: there are no such devices here."""
        return self.to(device="hpu" if device is None else device)

    def mps(self) -> UntypedStorage:
        """RuntimeError: there are no such devices here."""
        raise RuntimeError("torch.UntypedStorage(): Storage device not recognized: mps")

    def pin_memory(self, device: Any = None) -> UntypedStorage:
        """A copy in page-locked memory, or itself if it is; needs CUDA."""
        if self._device.type != "cpu":
            raise TypeError(f"cannot pin '{self.type()}' only CPU memory can be pinned")
        if self.is_pinned():
            return self
        return _over(raw.pinned(self._size), cpu).copy_(self)

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[Any, Any]) -> UntypedStorage:
        known = memo.setdefault("torch", {})
        if id(self) not in known:
            known[id(self)] = self.clone()
        return known[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        if self._bytes is None:
            return _rebuild_meta, (self._size,)
        data = self.cpu()._reachable()
        form = pickle.PickleBuffer(data) if protocol >= 5 else data.tobytes()
        return _rebuild, (form, str(self._device))

    # ---- other memory below the same tensors

    def resize_(self, size: int) -> UntypedStorage:
        """Changes the size in bytes and keeps what fits; tensors over it follow."""
        if not self.resizable():
            raise RuntimeError("Trying to resize storage that is not resizable")
        fresh = raw.allocate(size, self._device)
        if fresh is not None and self._bytes is not None:
            kept = min(size, self._size)
            fresh[:kept] = self._bytes[:kept]
        self._move_to(fresh, size)
        return self

    def share_memory_(self, *args: Any, **kwargs: Any) -> UntypedStorage:
        """Moves the bytes to memory that processes forked from now on share (nothing on CUDA)."""
        if not self.is_shared() and self._bytes is not None:
            fresh = numpy.frombuffer(raw.Shared(-1, max(self._size, 1)), numpy.uint8, self._size)
            fresh[...] = self._bytes
            self._move_to(fresh, self._size)
        return self

    def _move_to(self, fresh: Array, size: int) -> None:
        users = list(self._users())
        self._bytes, self._size = fresh, size
        self._remember()
        for tensor in users:
            _rebind(tensor, self)

    def _users(self) -> Iterator[Tensor]:
        """The tensors over this memory: those that asked for it, and others if there are any."""
        if self._bytes is None:
            return
        asked = [tensor for ref in self._tensors.values() if (tensor := ref()) is not None]
        owner = memory.root(self._bytes) if not self.is_cuda else None
        if owner is not None and sys.getrefcount(owner) <= len(asked) + 3:
            yield from asked
            return
        for thing in gc.get_objects():
            if issubclass(type(thing), Tensor) and storage_below(thing) is self:
                yield thing

    # ---- files and buffers

    @staticmethod
    def from_file(filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first ``nbytes`` of a file as memory.

        With ``shared`` writes go to the file, which is made, or made longer, where needed.
        """
        path = os.fspath(filename)
        with raw.opened(path, "a+b" if shared else "rb") as file:
            length = file.seek(0, os.SEEK_END)
            if shared and length < nbytes:
                file.truncate(nbytes)
            elif length < nbytes:
                raise RuntimeError(
                    f"file <{path}> size <{length}> is smaller than the required mapping size "
                    f"<{nbytes}>"
                )
        if nbytes == 0:
            return UntypedStorage(0)
        mode = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        with open(path, "r+b" if shared else "rb") as file:
            kind = raw.Shared if shared else mmap.mmap
            mapped = kind(file.fileno(), nbytes, access=mode)
        made = _over(numpy.frombuffer(mapped, numpy.uint8), cpu)
        made._filename = path
        return made

    @staticmethod
    def from_buffer(
        buffer: Any,
        byte_order: str | None = None,
        count: int = -1,
        offset: int = 0,
        dtype: dtype | None = None,
    ) -> UntypedStorage:
        """A copy of ``count`` elements of a bytes-like object, in this machine's byte order.

        Without ``dtype`` the elements are bytes; with it, ``byte_order`` ("big", "little" or
        "native") must be given.
        """
        if dtype is None:
            itemsize = 1
        elif byte_order is None:
            raise RuntimeError("function missing required argument 'byte_order' (pos 2)")
        elif byte_order not in ("big", "little", "native"):
            raise ValueError(
                f"invalid byte_order '{byte_order}' (expected 'big', 'little', or 'native')"
            )
        else:
            itemsize = dtype.itemsize
        part = raw.part(memoryview(buffer).cast("B"), count, offset, itemsize)
        made = _over(numpy.frombuffer(part, numpy.uint8).copy(), cpu)
        if dtype is not None and byte_order not in ("native", sys.byteorder):
            made.byteswap(dtype)
        return made

    def __repr__(self) -> str:
        return f"{self._shown()}\n[{self.type()}(device={self._device}) of size {self._size}]"

    def __str__(self) -> str:
        return repr(self)

    def _shown(self) -> str:
        if self._bytes is None:
            return "..."
        return " " + "\n ".join(str(value) for value in self.tolist())

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the class, or this storage as one of another class."""
        if dtype is None:
            return "torch.storage.UntypedStorage"
        return dtype(self._size).copy_(self)


# ---- making them


def storage_of(tensor: Tensor) -> UntypedStorage:
    """The storage below a tensor, which remembers the tensor for when its memory moves."""
    if tensor.device is meta:
        return _virtual(tensor)
    found = storage_below(tensor)
    if found is None:
        found = _over(memory.root_bytes(tensor._array), tensor.device)
    found._tensors[id(tensor)] = weakref.ref(tensor, _forget(found._tensors, id(tensor)))
    return found


def _forget(table: dict[int, Any], number: int) -> Callable[[Any], None]:
    return lambda _: table.pop(number, None)  # type: ignore[func-returns-value]


def storage_below(tensor: Tensor) -> UntypedStorage | None:
    """The storage below a tensor if somebody holds it."""
    array = tensor._array
    if isinstance(array, numpy.ndarray):
        owner = memory.root(array)
        if type(owner.base) is _Released:
            return owner.base.storage
    else:
        owner = array.data.mem
    found = _KNOWN.get(id(owner))
    return found if found is not None and any(ref() is owner for ref in found._owners) else None


def array_over(
    storage: UntypedStorage,
    array_type: Any,
    shape: Sequence[int],
    strides: Sequence[int],
    offset: int,
) -> Array:
    """An array over a storage; RuntimeError where it would reach beyond it."""
    held = storage._bytes
    if held is None:
        steps = tuple([step * numpy.dtype(array_type).itemsize for step in strides])
        return virtual(tuple(shape), array_type, steps)
    if isinstance(held, numpy.ndarray):
        return memory.strided_over(held, numpy.dtype(array_type), shape, strides, offset)
    return memory.as_strided(held[:0].view(array_type), shape, strides, offset)


def _virtual(tensor: Tensor) -> UntypedStorage:
    """The size of the memory that a tensor on the meta device would have, without the memory."""
    whole = (tensor if tensor._base is None else tensor._base)._array
    steps = zip(whole.shape, whole.strides, strict=True)
    extent = whole.itemsize + sum((size - 1) * step for size, step in steps) if whole.size else 0
    return UntypedStorage(extent, device=meta)


def _over(array: Array, where: device) -> UntypedStorage:
    """A storage over all bytes of a 1-D array of bytes."""
    made = object.__new__(UntypedStorage)
    made._take(array, array.nbytes, where)
    return made


def _rebuild(data: Any, where: str) -> UntypedStorage:
    """A storage from its pickle, over the very buffer where that can be written to."""
    array = numpy.frombuffer(data, numpy.uint8)
    return _over(array if array.flags.writeable else array.copy(), cpu).to(device=where)


def _rebuild_meta(size: int) -> UntypedStorage:
    return UntypedStorage(size, device=meta)


def _rebind(tensor: Tensor, storage: UntypedStorage) -> None:
    """Points a tensor at the storage's new memory, or at nothing where that is too small."""
    array = tensor._array
    base = memory.root(array).base if isinstance(array, numpy.ndarray) else None
    layout = base.layout if type(base) is _Released else _layout(array)
    try:
        tensor._array = array_over(storage, array.dtype, array.shape, *layout)
    except RuntimeError:
        nothing = _Released(array.itemsize)
        nothing.storage, nothing.layout = storage, layout
        tensor._array = numpy.ndarray(array.shape, array.dtype, nothing, 0, (0,) * array.ndim)


def _layout(array: Array) -> tuple[tuple[int, ...], int]:
    return memory.strides(array), memory.offset(array)
