"""``TypedStorage`` and the classes named after one dtype: storages counted in elements.

PyTorch keeps them for old programs and files; new ones use ``UntypedStorage``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy

from flambeau.core import dtype as dtypes
from flambeau.core.device import device
from flambeau.core.dtype import dtype
from flambeau.core.untyped_storage import UntypedStorage

_FORMS = (
    " * (*, torch.device device, torch.dtype dtype)\n"
    " * (int size, *, torch.device device, torch.dtype dtype)\n"
    " * (Sequence data, *, torch.device device, torch.dtype dtype)\n"
    " * (*, UntypedStorage wrap_storage, torch.dtype dtype)\n"
)
_LEGACY_FORMS = (
    " * no arguments\n * (int size)\n * (Sequence data)\n * (*, UntypedStorage wrap_storage)\n"
)
_warned = False


def _warn() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will "
            "be the only storage class. This should only matter to you if you are using storages "
            "directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead "
            "of tensor.storage()",
            UserWarning,
            stacklevel=3,
        )


class TypedStorage:
    """Memory seen as elements of a dtype: ``TypedStorage([1, 2], dtype=torch.float32)``.

    ``wrap_storage`` makes one over existing memory. ``tensor.storage()`` gives the one below a
    tensor.
    """

    __module__ = "torch.storage"
    is_sparse: bool = False

    dtype: dtype
    _untyped_storage: UntypedStorage

    def __init__(
        self,
        *args: Any,
        device: Any = None,
        dtype: dtype | None = None,
        wrap_storage: UntypedStorage | None = None,
        _internal: bool = False,
    ) -> None:
        if not _internal:
            _warn()
        if wrap_storage is not None:
            dtype = self._check_wrapped(wrap_storage, args, dtype, device)
            self.dtype, self._untyped_storage = dtype, wrap_storage
            return
        self.dtype = dtypes.get_default_dtype() if dtype is None else dtype
        if not isinstance(self.dtype, dtypes.dtype):
            raise RuntimeError(f"expected torch.dtype, but got {type(dtype)}")
        if len(args) > 1:
            raise _invalid("Too many positional arguments")
        self._untyped_storage = _made(args[0] if args else 0, self.dtype, device)

    def _check_wrapped(
        self, storage: Any, args: tuple[Any, ...], dtype: dtype | None, device: Any
    ) -> dtype:
        if args:
            raise _invalid("No positional arguments should be given when using 'wrap_storage'")
        if dtype is None:
            raise _invalid("Argument 'dtype' must be specified")
        if device is not None:
            raise _invalid("Argument 'device' should not be specified when 'wrap_storage' is given")
        if not isinstance(storage, UntypedStorage):
            raise TypeError(
                f"{_START % 'TypedStorage.__init__'}{_FORMS}Argument 'wrap_storage' must be "
                f"UntypedStorage, but got {type(storage)}"
            )
        return dtype

    # ---- what it is

    @property
    def device(self) -> device:
        """Where the memory lies."""
        return self._untyped_storage.device

    @property
    def is_cuda(self) -> bool:
        """Whether the memory lies on a CUDA device."""
        return self._untyped_storage.is_cuda

    @property
    def is_hpu(self) -> bool:
        """Always False: there are no such devices here."""
        return False

    @property
    def filename(self) -> str | None:
        """The file behind the memory, if it is mapped from one."""
        return self._untyped_storage.filename

    def untyped(self) -> UntypedStorage:
        """The memory, as bytes."""
        return self._untyped_storage

    def size(self) -> int:
        """The number of elements."""
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    __len__ = size

    def nbytes(self) -> int:
        """The size in bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """The size of one element in bytes."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._untyped_storage.data_ptr()

    def get_device(self) -> int | None:
        """The index of the device; None on the CPU."""
        return self._untyped_storage.get_device()

    def resizable(self) -> bool:
        """Whether ``resize_`` may change the size."""
        return self._untyped_storage.resizable()

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is page-locked."""
        return self._untyped_storage.is_pinned(device)

    def is_shared(self) -> bool:
        """Whether other processes can see the memory."""
        return self._untyped_storage.is_shared()

    def pickle_storage_type(self) -> str:
        """The name of the class that files give to storages of this dtype."""
        if self.dtype not in _NAMES:
            raise KeyError(f"dtype {self.dtype} is not recognized")
        return _NAMES[self.dtype]

    # ---- elements

    def _values(self) -> Any:
        """The elements as an array over the memory."""
        kind = self.dtype.numpy
        if kind is None:
            raise NotImplementedError(f"the elements of {self.dtype} cannot be read one by one")
        return self._untyped_storage._reachable()[: self.size() * self.dtype.itemsize].view(kind)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._values()[self._place(index)].item()

    def _place(self, index: Any) -> int:
        if not hasattr(index, "__index__"):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        place = index.__index__()
        if not -self.size() <= place < self.size():
            raise IndexError(f"index {place} out of range for storage of size {self.size()}")
        return place

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check_number(value)
        if isinstance(index, slice):
            self._values()[index] = value
            return
        size = self.size()
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {size}")
        self._values()[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def _check_number(self, value: Any) -> None:
        if not isinstance(value, (bool, int, float, complex, numpy.generic)):
            name = _NAMES.get(self.dtype, "TypedStorage").replace("Storage", "Tensor")
            raise TypeError(f"can't assign a {type(value).__name__} to a torch.{name}")

    def tolist(self) -> list[Any]:
        """The elements as a list of numbers."""
        return self.cpu()._values().tolist()

    def fill_(self, value: Any) -> TypedStorage:
        """Sets every element."""
        self._check_number(value)
        self._values()[...] = value
        return self

    def copy_(self, source: TypedStorage, non_blocking: bool | None = None) -> TypedStorage:
        """Copies the elements of a storage of as many; another dtype is converted."""
        if isinstance(source, UntypedStorage) or source.dtype is self.dtype:
            self._untyped_storage.copy_(source.untyped())
        else:
            self._untyped_storage.copy_(source._as(self.dtype).untyped())
        return self

    def resize_(self, size: int) -> TypedStorage:
        """Changes the number of elements and keeps what fits."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)
        return self

    def share_memory_(self) -> TypedStorage:
        """Moves the elements to memory that other processes see."""
        self._untyped_storage.share_memory_()
        return self

    # ---- copies

    def _over(self, storage: UntypedStorage) -> TypedStorage:
        return typed(storage, self.dtype)

    def _as(self, to: dtype) -> TypedStorage:
        """The elements as another dtype; itself if it has that dtype."""
        if to is self.dtype:
            return self
        made = typed(UntypedStorage(self.size() * to.itemsize, device=self.device), to)
        values = self._values()
        if self.dtype.is_complex and not to.is_complex:
            values = values.real
        made._values()[...] = values.astype(to.numpy)
        return made

    def clone(self) -> TypedStorage:
        """A copy."""
        return self._over(self._untyped_storage.clone())

    def to(self, *, device: Any, non_blocking: bool = False) -> TypedStorage:
        """This storage, or a copy of it on another device."""
        return self._over(self._untyped_storage.to(device=device, non_blocking=non_blocking))

    def cpu(self) -> TypedStorage:
        """This storage, or a copy of it on the CPU."""
        return self._over(self._untyped_storage.cpu())

    def cuda(self, device: Any = None, non_blocking: bool = False) -> TypedStorage:
        """This storage, or a copy of it on a CUDA device."""
        return self._over(self._untyped_storage.cuda(device, non_blocking))

    def hpu(self, device: Any = None, non_blocking: bool = False) -> TypedStorage:
        """AssertionError: there are no such devices here."""
        return self._over(self._untyped_storage.hpu(device, non_blocking))

    def pin_memory(self, device: Any = None) -> TypedStorage:
        """A copy in page-locked memory; needs CUDA."""
        return self._over(self._untyped_storage.pin_memory(device))

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[Any, Any]) -> TypedStorage:
        return self._over(self._untyped_storage.__deepcopy__(memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return typed, (self._untyped_storage, self.dtype)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the class, or the elements as a storage of another class."""
        if dtype is None:
            name = _NAMES.get(self.dtype)
            return "torch.storage.TypedStorage" if name is None else f"torch.{name}"
        to = _class_named(dtype) if isinstance(dtype, str) else dtype
        return self if to.dtype is self.dtype else self._as(to.dtype)

    # ---- files and buffers

    @classmethod
    def from_file(cls, filename: Any, shared: bool, size: int) -> TypedStorage:
        """The first ``size`` elements of a file; with ``shared`` writes go to the file."""
        if cls is TypedStorage:
            raise RuntimeError("from_file can only be called on derived classes")
        nbytes = size * cls.dtype.itemsize
        return typed(UntypedStorage.from_file(os.fspath(filename), shared, nbytes), cls.dtype)

    @classmethod
    def from_buffer(cls, *args: Any, dtype: dtype | None = None, **kwargs: Any) -> TypedStorage:
        """A copy of the elements in a bytes-like object; see ``UntypedStorage.from_buffer``."""
        if cls is TypedStorage:
            of = dtypes.get_default_dtype() if dtype is None else dtype
            return typed(UntypedStorage.from_buffer(*args, dtype=of, **kwargs), of)
        if dtype is not None:
            raise RuntimeError(
                "from_buffer: 'dtype' can only be specified in UntypedStorage.from_buffer and "
                "TypedStorage.from_buffer"
            )
        if cls.dtype.itemsize == 1 and len(args) < 2:
            kwargs.setdefault("byte_order", "native")
        return typed(UntypedStorage.from_buffer(*args, dtype=cls.dtype, **kwargs), cls.dtype)

    def __repr__(self) -> str:
        shown = "..." if self.device.type == "meta" else " " + "\n ".join(map(str, self.tolist()))
        return (
            f"{shown}\n[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) "
            f"of size {self.size()}]"
        )

    __str__ = __repr__


_START = "%s received an invalid combination of arguments. Expected one of:\n"


def _invalid(reason: str) -> RuntimeError:
    return RuntimeError(f"{_START % 'TypedStorage.__init__'}{_FORMS}{reason}")


def _made(data: Any, of: dtype, device: Any) -> UntypedStorage:
    """Memory for a number of elements, or for the elements of a sequence."""
    if isinstance(data, int):
        return UntypedStorage(data * of.itemsize, device=device)
    if isinstance(data, str):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    values = numpy.array(list(data), of.numpy)
    return UntypedStorage.from_buffer(values.tobytes()).to(
        device="cpu" if device is None else device
    )


def typed(storage: UntypedStorage, of: dtype) -> TypedStorage:
    """A typed storage over memory."""
    return TypedStorage(wrap_storage=storage, dtype=of, _internal=True)


# ---- conversions: storage.float() and the like


def _conversion(name: str, to: dtype) -> None:
    def convert(self: Any) -> TypedStorage:
        if isinstance(self, UntypedStorage):
            self = typed(self, dtypes.uint8)
        return self._as(to)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The elements as {to}; an untyped storage's elements are its bytes."
    setattr(TypedStorage, name, convert)
    setattr(UntypedStorage, name, convert)


for _name, _to in {
    "bool": dtypes.bool_, "byte": dtypes.uint8, "char": dtypes.int8, "short": dtypes.int16,
    "int": dtypes.int32, "long": dtypes.int64, "half": dtypes.float16, "float": dtypes.float32,
    "double": dtypes.float64, "bfloat16": dtypes.bfloat16, "complex_float": dtypes.complex64,
    "complex_double": dtypes.complex128, "float8_e4m3fn": dtypes.float8_e4m3fn,
    "float8_e5m2": dtypes.float8_e5m2, "float8_e4m3fnuz": dtypes.float8_e4m3fnuz,
    "float8_e5m2fnuz": dtypes.float8_e5m2fnuz,
}.items():  # fmt: skip
    _conversion(_name, _to)


# ---- the classes named after a dtype


class _LegacyMeta(type):
    """``isinstance(storage, FloatStorage)`` asks for the dtype: instances are TypedStorages."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is _LegacyStorage:
            return isinstance(instance, TypedStorage)
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype  # type: ignore[attr-defined]


class _LegacyStorage(TypedStorage, metaclass=_LegacyMeta):
    """The base of the classes named after a dtype; calling one makes a TypedStorage."""

    def __new__(  # type: ignore[misc]
        cls,
        *args: Any,
        wrap_storage: UntypedStorage | None = None,
        dtype: dtype | None = None,
        device: Any = None,
        _internal: bool = False,
    ) -> TypedStorage:
        start = f"{_START % f'{cls}.__new__'}{_LEGACY_FORMS}"
        for name, value in (("dtype", dtype), ("device", device)):
            if value is not None:
                raise RuntimeError(f"{start}Keyword argument '{name}' cannot be specified")
        if wrap_storage is None:
            if len(args) > 1:
                raise RuntimeError(f"{start}Too many positional arguments")
            return TypedStorage(*args, dtype=cls.dtype)
        if args:
            raise RuntimeError(
                f"{start}No positional arguments should be given when using 'wrap_storage'"
            )
        if not isinstance(wrap_storage, UntypedStorage):
            raise TypeError(
                f"{start}Argument 'wrap_storage' must be UntypedStorage, but got "
                f"{type(wrap_storage)}"
            )
        return TypedStorage(wrap_storage=wrap_storage, dtype=cls.dtype)


_NAMES: dict[dtype, str] = {}
LEGACY: dict[str, type[_LegacyStorage]] = {}  # by name


def _legacy(prefix: str, of: dtype) -> type[_LegacyStorage]:
    name = f"{prefix}Storage"
    doc = f"Memory of {of} elements, for old programs: ``{name}(3)``, ``{name}([1, 2])``."
    made = _LegacyMeta(
        name, (_LegacyStorage,), {"dtype": of, "__module__": "torch", "__doc__": doc}
    )
    _NAMES[of], LEGACY[name] = name, made  # type: ignore[assignment]
    return made  # type: ignore[return-value]


def _class_named(name: str) -> type[_LegacyStorage]:
    found = LEGACY.get(name.rpartition(".")[2])
    if found is None:
        raise RuntimeError(f"there is no storage class named {name}")
    return found


FloatStorage = _legacy("Float", dtypes.float32)
DoubleStorage = _legacy("Double", dtypes.float64)
HalfStorage = _legacy("Half", dtypes.float16)
BFloat16Storage = _legacy("BFloat16", dtypes.bfloat16)
ByteStorage = _legacy("Byte", dtypes.uint8)
CharStorage = _legacy("Char", dtypes.int8)
ShortStorage = _legacy("Short", dtypes.int16)
IntStorage = _legacy("Int", dtypes.int32)
LongStorage = _legacy("Long", dtypes.int64)
BoolStorage = _legacy("Bool", dtypes.bool_)
ComplexFloatStorage = _legacy("ComplexFloat", dtypes.complex64)
ComplexDoubleStorage = _legacy("ComplexDouble", dtypes.complex128)
QUInt8Storage = _legacy("QUInt8", dtypes.ALL["quint8"])
QInt8Storage = _legacy("QInt8", dtypes.ALL["qint8"])
QInt32Storage = _legacy("QInt32", dtypes.ALL["qint32"])
QUInt4x2Storage = _legacy("QUInt4x2", dtypes.ALL["quint4x2"])
QUInt2x4Storage = _legacy("QUInt2x4", dtypes.ALL["quint2x4"])
