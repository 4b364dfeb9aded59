"""Indices: arrays among them wrap around where they are out of range, as on the GPU."""

from __future__ import annotations

from typing import Any

import numpy

from cupy._ledger import ledger
from cupy._wrapping import host, is_array


def prepared(array: numpy.ndarray, index: Any) -> tuple[tuple[Any, ...], bool]:
    """The index for NumPy, and whether it is advanced."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [_part(p) for p in parts]
    used = sum([_consumed(p) for p in parts])
    axis, advanced = 0, False
    for k, part in enumerate(parts):
        if part is Ellipsis:
            axis += array.ndim - used
            continue
        if isinstance(part, numpy.ndarray):
            advanced = True
            if part.dtype.kind in "iu":
                parts[k] = wrapped(part, array.shape[axis]) if axis < array.ndim else part
            elif part.dtype.kind != "b":
                raise IndexError(
                    "arrays used as indices must be of integer or boolean type. (actual: "
                    f"{part.dtype.type})"
                )
        axis += _consumed(part)
    return tuple(parts), advanced


def wrapped(index: numpy.ndarray, size: int) -> numpy.ndarray:
    """Indices modulo the size of their dimension."""
    return index % size if size else index


def _part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (bool, numpy.bool_)):
        return numpy.asarray(part)
    if isinstance(part, list):
        return numpy.asarray(part, None if part else numpy.int64)
    return host(part)


def _consumed(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, numpy.ndarray) and part.dtype.kind == "b" else 1


def getitem(array: numpy.ndarray, index: Any) -> numpy.ndarray:
    """``array[index]``: a view, also of one element, unless arrays are among the indices."""
    parts, advanced = prepared(array, index)
    if not advanced:
        return array[parts if Ellipsis in parts else (*parts, Ellipsis)]
    if any([isinstance(p, numpy.ndarray) and p.dtype.kind == "b" for p in parts]):
        ledger.note("mask as an index")
    return numpy.ascontiguousarray(array[parts])


def setitem(array: numpy.ndarray, index: Any, value: Any) -> None:
    """``array[index] = value``."""
    parts, _ = prepared(array, index)
    new = host(value)
    if is_array(value) and numpy.may_share_memory(new, array):
        new = new.copy()
    with numpy.errstate(all="ignore"):
        array[parts] = new
