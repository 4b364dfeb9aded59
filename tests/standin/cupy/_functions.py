"""CuPy's functions: those of ``_signatures.py``, and those that differ from NumPy's."""

from __future__ import annotations

import builtins
import inspect
from typing import Any

import numpy

from cupy._indexing import wrapped
from cupy._ledger import ledger
from cupy._memory import current
from cupy._signatures import COUNTING, MAKING, SIGNATURES
from cupy._wrapping import (
    cast,
    check_dtype,
    empty as _empty,
    host,
    inside,
    is_array,
    register,
    wrap,
)

_UNSORTED = "{!r} is not supported: CuPy sorts with kind=None or 'stable'"


def checked(line: str, namespace: Any, before: Any = None, order: str | None = None) -> Any:
    """The NumPy function of a line of ``_signatures.py`` for arrays on the device."""
    name = line.partition("(")[0]
    of = getattr(namespace, name)
    signature = inspect.signature(eval(f"lambda {line[len(name) + 1 : -1]}: 0"))

    def function(*args: Any, **kwargs: Any) -> Any:
        signature.bind(*args, **kwargs)
        if before is not None:
            before(name)
        given = [inside(a) for a in args]
        named = {k: inside(v) for k, v in kwargs.items() if k != "subok"}
        with numpy.errstate(all="ignore"):
            result = of(*given, **named)
        out = kwargs.get("out")
        if out is not None:
            return out
        if order:
            return register(result, order)
        return wrap(result, args[0] if args and is_array(args[0]) else None)

    function.__name__ = function.__qualname__ = name
    return function


def table(
    lines: str, namespace: Any, before: Any = None, order: str | None = None
) -> dict[str, Any]:
    """The functions of some lines by name."""
    return {
        line.partition("(")[0]: checked(line, namespace, before, order)
        for line in lines.strip().splitlines()
    }


# ---- making arrays


def empty(shape: Any, dtype: Any = float, order: str = "C") -> Any:
    return _empty(shape, numpy.dtype(dtype), order)


def empty_like(
    prototype: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> Any:
    like = numpy.empty_like(host(prototype), dtype, order, shape=shape)
    return register(numpy.full_like(like, -1) if like.dtype.kind == "i" else like, "K")


def array(
    obj: Any, dtype: Any = None, copy: Any = True, order: str | None = "K", subok: bool = False,
    ndmin: int = 0, *, blocking: bool = False,
) -> Any:  # fmt: skip
    """The way from the host, and from other devices: NumPy arrays are welcome here."""
    if is_array(obj) and obj._memory.device_id != current.device:
        return register(numpy.array(obj._host, dtype), order or "K")
    if is_array(obj):
        if copy or (dtype is not None and obj.dtype != dtype):
            return obj.astype(obj.dtype if dtype is None else dtype, order or "K")
        return obj
    if isinstance(obj, (list, tuple)) and builtins.any(map(is_array, obj)):
        obj = [host(o) for o in obj]
    return register(
        numpy.array(obj, None if dtype is None else check_dtype(dtype), ndmin=ndmin), order or "K"
    )


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: bool = False
) -> Any:
    return array(a, dtype, bool(copy), order)


asanyarray = asarray


def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    found = asarray(a, dtype)
    found = found if found.ndim else found.reshape(1)
    return found if found.flags.c_contiguous else found.copy()


def asfortranarray(a: Any, dtype: Any = None) -> Any:
    found = asarray(a, dtype)
    return found if found.flags.f_contiguous else found.copy("F")


def asnumpy(
    a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True
) -> Any:
    return a.get(stream, order, out) if is_array(a) else numpy.asarray(a, order=order)


def copy(a: Any, order: str = "K") -> Any:
    return register(host(a).copy(order), order)


def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    return x.astype(dtype, copy=copy)


def frombuffer(*args: Any, **kwargs: Any) -> Any:
    return register(numpy.frombuffer(*args, **kwargs))


def from_dlpack(array: Any, *, device: Any = None, copy: Any = None) -> Any:
    found = getattr(array, "_array", array)
    if not is_array(found):
        raise TypeError(f"Unsupported type {type(array)}")
    return found.view()


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    if not is_array(dst):
        raise TypeError("dst must be cupy.ndarray")
    source = host(src)
    if where is None:
        numpy.copyto(host(dst), source, casting)
    else:
        numpy.copyto(host(dst), source, casting, where=host(where))


def putmask(a: Any, mask: Any, values: Any) -> None:
    if not is_array(mask) or mask.dtype != bool:
        raise TypeError("mask must be a bool cupy.ndarray")
    numpy.putmask(host(a), host(mask), host(values))


def place(arr: Any, mask: Any, vals: Any) -> None:
    ledger.note("place")
    numpy.place(host(arr), host(mask), host(vals))


# ---- elements


def take(a: Any, indices: Any, axis: Any = None, out: Any = None) -> Any:
    """Indices out of range wrap around."""
    source = host(a)
    size = source.size if axis is None else source.shape[axis]
    where = wrapped(numpy.asarray(host(indices)), size)
    result = numpy.take(source, where, axis)
    return _into(out, result)


def _into(out: Any, result: Any) -> Any:
    if out is None:
        return register(result)
    host(out)[...] = result
    return out


def take_along_axis(a: Any, indices: Any, axis: Any) -> Any:
    source = host(a)
    size = source.size if axis is None else source.shape[axis]
    return register(numpy.take_along_axis(source, wrapped(host(indices), size), axis))


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    target = host(arr)
    size = target.size if axis is None else target.shape[axis]
    numpy.put_along_axis(target, wrapped(host(indices), size), host(values), axis)


def put(a: Any, ind: Any, v: Any, mode: str = "wrap") -> None:
    numpy.put(host(a), inside(ind), host(v), mode)


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if not isinstance(repeats, (int, list, tuple, numpy.integer)):
        raise TypeError("repeats must be an int or a sequence of ints")
    return register(numpy.repeat(host(a), repeats, axis))


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    if not is_array(a):
        raise NotImplementedError("Only int or ndarray are supported for a")
    return register(
        numpy.searchsorted(host(a), host(v), side, None if sorter is None else host(sorter))
    )


# ---- order


def _check_sort(a: Any, kind: Any) -> numpy.ndarray:
    if kind not in (None, "stable"):
        raise ValueError(_UNSORTED.format(kind))
    source = host(a)
    if source.dtype.kind == "V":
        raise TypeError(f"cannot sort elements of {source.dtype}")
    return source


def sort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    return register(numpy.sort(_check_sort(a, kind), axis, kind="stable"))


def argsort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    return register(numpy.argsort(_check_sort(a, kind), axis, kind="stable"))


def argmax(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    return _into(out, numpy.argmax(host(a), axis, keepdims=keepdims))


def argmin(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    return _into(out, numpy.argmin(host(a), axis, keepdims=keepdims))


def matmul(x1: Any, x2: Any, out: Any = None) -> Any:
    """Products of matrices of numbers, not of bools."""
    return _into(out, numpy.matmul(host(x1), host(x2)))


def conj(a: Any) -> Any:
    return register(numpy.conj(host(a))) if a.dtype.kind == "c" else a


conjugate = conj


def size(a: Any, axis: Any = None) -> int:
    return numpy.size(host(a), axis)


def ndim(a: Any) -> int:
    return numpy.ndim(host(a))


def shape(a: Any) -> tuple[int, ...]:
    return numpy.shape(host(a))


class broadcast:
    """The common shape of some arrays, and views of them in it."""

    def __init__(self, *arrays: Any) -> None:
        made = numpy.broadcast(*map(host, arrays))
        self.shape, self.size, self.nd = made.shape, made.size, made.ndim


def get_array_module(*args: Any) -> Any:
    import cupy

    return cupy if any(map(is_array, args)) else numpy


ALL = table(SIGNATURES, numpy)
ALL |= table(COUNTING, numpy, ledger.note)
ALL |= table(MAKING, numpy, None, "K")
globals().update(ALL)
OWN = """array asarray asanyarray ascontiguousarray asfortranarray asnumpy argmax argmin argsort
    astype broadcast conj conjugate copy copyto empty empty_like from_dlpack frombuffer
    get_array_module matmul ndim place put put_along_axis putmask repeat searchsorted shape size
    sort take take_along_axis"""
