"""``ndarray``: an array on the device. It holds a NumPy array, and shows it to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from cupy import _functions as functions
from cupy import _ufuncs as ufuncs
from cupy._indexing import getitem, setitem
from cupy._ledger import ledger
from cupy._memory import Memory, MemoryPointer
from cupy._wrapping import check_dtype, cast, empty, host, register, wrap

_METHODS = """all any argmax argmin argpartition argsort clip conj conjugate cumprod cumsum diagonal
    dot max mean min nonzero prod ptp put ravel repeat round searchsorted squeeze std sum swapaxes
    take trace var"""


class Flags:
    """The layout of an array. CuPy's has no ``writeable``."""

    def __init__(self, array: numpy.ndarray, owns: bool) -> None:
        self.c_contiguous, self.f_contiguous = array.flags.c_contiguous, array.flags.f_contiguous
        self.forc, self.fnc, self.owndata = array.flags.forc, array.flags.fnc, owns


class ndarray:
    """An array in device memory: ``ndarray(shape, dtype, memptr, strides, order)``."""

    __slots__ = ("__weakref__", "_host", "_memory", "base")
    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    _host: numpy.ndarray
    _memory: Memory
    base: ndarray | None

    def __new__(
        cls,
        shape: Any,
        dtype: Any = float,
        memptr: Any = None,
        strides: Any = None,
        order: Any = "C",
    ) -> ndarray:
        dtype = check_dtype(dtype)
        if memptr is None:
            if strides is not None:
                raise ValueError("strides are given without memory")
            return empty(shape, dtype, order)
        memory = memptr.mem
        offset = memptr.ptr - memory.ptr
        array = object.__new__(cls)
        array._host = numpy.ndarray(shape, dtype, memory.buffer, offset, strides)
        array._memory, array.base = memory, None
        return array

    # ---- what it is

    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    T = property(lambda self: wrap(self._host.T, self))
    mT = property(lambda self: wrap(self._host.swapaxes(-1, -2), self))  # noqa: N815
    flags = property(lambda self: Flags(self._host, self.base is None))

    @property
    def shape(self) -> tuple[int, ...]:
        return self._host.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self._host = self._host.reshape(shape, copy=False)

    @property
    def data(self) -> MemoryPointer:
        start = self._host.ctypes.data - self._memory.ptr if self.size else 0
        return MemoryPointer(self._memory, start)

    @property
    def device(self) -> Any:
        from cupy.cuda import Device

        return Device(self._memory.device_id)

    @property
    def real(self) -> ndarray:
        return self if self.dtype.kind != "c" else wrap(self._host.real, self)

    @real.setter
    def real(self, value: Any) -> None:
        self._host.real[...] = host(value)

    @property
    def imag(self) -> ndarray:
        return wrap(self._host.imag, self)

    @imag.setter
    def imag(self, value: Any) -> None:
        self._host.imag[...] = host(value)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape, "typestr": self.dtype.str, "data": (self.data.ptr, False),
            "strides": None if self.flags.c_contiguous else self.strides, "version": 3, "stream": 1,
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[ndarray]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self._host)))

    # ---- to the host: everything here is counted

    def get(
        self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True
    ) -> Any:
        ledger.note("get")
        copy = self._host.copy(order)  # from any device
        if out is None:
            return copy
        out[...] = copy
        return out

    def item(self) -> Any:
        ledger.note("item")
        return self._host.item()

    def tolist(self) -> Any:
        ledger.note("tolist")
        return host(self).tolist()

    def tobytes(self, order: str = "C") -> bytes:
        ledger.note("tobytes")
        return host(self).tobytes(order)

    def __bool__(self) -> bool:
        ledger.note("bool")
        return bool(host(self))

    def __int__(self) -> int:
        ledger.note("int")
        return int(host(self))

    def __float__(self) -> float:
        ledger.note("float")
        return float(host(self))

    def __complex__(self) -> complex:
        ledger.note("complex")
        return complex(host(self))

    def __repr__(self) -> str:
        ledger.note("repr")
        return repr(self._host)

    def __format__(self, spec: str) -> str:
        ledger.note("format")
        return format(self._host, spec)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    # ---- NumPy's protocols, which CuPy follows

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        own = getattr(ufuncs, ufunc.__name__, None)
        if own is None or ufunc.signature is not None:
            return NotImplemented
        if isinstance(kwargs.get("out"), tuple) and len(kwargs["out"]) == 1:
            kwargs["out"] = kwargs["out"][0]
        return getattr(own, method)(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        own = getattr(functions, function.__name__, None)
        return NotImplemented if own is None else own(*args, **kwargs)

    # ---- elements and layout

    def __getitem__(self, index: Any) -> ndarray:
        return wrap(getitem(host(self), index), self)

    def __setitem__(self, index: Any, value: Any) -> None:
        setitem(host(self), index, value)

    def fill(self, value: Any) -> None:
        self._host.fill(host(value))

    def set(self, arr: numpy.ndarray, stream: Any = None) -> None:
        if not isinstance(arr, numpy.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        self._host[...] = arr

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = None,
        subok: Any = None,
        copy: bool = True,
    ) -> ndarray:
        dtype = check_dtype(dtype)
        if not copy and dtype == self.dtype:
            return self
        return register(cast(host(self), dtype, order), order)

    def copy(self, order: str = "C") -> ndarray:
        return register(host(self).copy(order), order)

    def flatten(self, order: str = "C") -> ndarray:
        return register(host(self).flatten(order))

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return wrap(
            self._host.view() if dtype is None else self._host.view(check_dtype(dtype)), self
        )

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> ndarray:
        return wrap(host(self).reshape(*shape, order=order, copy=copy), self)

    def transpose(self, *axes: Any) -> ndarray:
        return wrap(self._host.transpose(*axes), self)

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        self._host[...] = functions.sort(self, axis, kind)._host

    def partition(self, kth: Any, axis: int = -1) -> None:
        self._host[...] = functions.partition(self, kth, axis)._host

    def scatter_add(self, slices: Any, value: Any) -> None:
        ufuncs.add.at(self, slices, value)

    def scatter_max(self, slices: Any, value: Any) -> None:
        ufuncs.maximum.at(self, slices, value)

    def scatter_min(self, slices: Any, value: Any) -> None:
        ufuncs.minimum.at(self, slices, value)

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def __reduce__(self) -> Any:
        return functions.array, (self.get(),)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._host.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self._memory.device_id


def _method(name: str) -> Any:
    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        return getattr(functions, name, None)(self, *args, **kwargs)  # type: ignore[misc]

    return method


def _operator(ufunc: Any, swapped: bool, in_place: bool) -> Any:
    def operator(self: ndarray, other: Any) -> Any:
        if not isinstance(
            other, (ndarray, bool, int, float, complex, numpy.generic, numpy.ndarray)
        ):
            return NotImplemented
        if in_place:
            return ufunc(self, other, out=self)
        return ufunc(other, self) if swapped else ufunc(self, other)

    return operator


def _unary(ufunc: Any) -> Any:
    return lambda self: ufunc(self)


def _attach() -> None:
    for name in _METHODS.split():
        setattr(ndarray, name, _method(name))
    both = dict(
        add="add", sub="subtract", mul="multiply", truediv="divide", floordiv="floor_divide",
        mod="remainder", pow="power", lshift="left_shift", rshift="right_shift", xor="bitwise_xor",
        **{"and": "bitwise_and", "or": "bitwise_or"},
    )  # fmt: skip
    for name, of in both.items():
        ufunc = getattr(ufuncs, of)
        setattr(ndarray, f"__{name}__", _operator(ufunc, False, False))
        setattr(ndarray, f"__r{name}__", _operator(ufunc, True, False))
        setattr(ndarray, f"__i{name}__", _operator(ufunc, False, True))
    compared = dict(lt="less", le="less_equal", gt="greater", ge="greater_equal", eq="equal",
                    ne="not_equal")  # fmt: skip
    for name, of in compared.items():
        setattr(ndarray, f"__{name}__", _operator(getattr(ufuncs, of), False, False))
    for name, of in dict(neg="negative", abs="absolute", invert="invert", pos="positive").items():
        setattr(ndarray, f"__{name}__", _unary(getattr(ufuncs, of)))
    ndarray.__matmul__ = lambda self, other: functions.matmul(self, other)  # type: ignore
    ndarray.__rmatmul__ = lambda self, other: functions.matmul(other, self)  # type: ignore


_attach()
