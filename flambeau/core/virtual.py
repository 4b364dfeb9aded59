"""Arrays with a shape, strides and a dtype but no memory: the arrays of ``device="meta"``.

They are views of one region of address space that is never committed: reading it gives zeros, so
a kernel without a shape rule can still be run on it to learn the shape of its result.
"""

from __future__ import annotations

import mmap
from functools import cache
from typing import Any

import numpy


@cache
def region() -> numpy.ndarray:
    """The bytes that all virtual arrays are views of; read-only and all zero."""
    for bits in range(46, 30, -1):
        try:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
            memory = mmap.mmap(-1, 1 << bits, flags=flags, prot=mmap.PROT_READ)
        except (OSError, ValueError, AttributeError, OverflowError):
            continue
        return numpy.frombuffer(memory, numpy.uint8)
    return numpy.zeros(1 << 30, numpy.uint8)


def virtual(
    shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...] | None = None
) -> numpy.ndarray:
    """An array without memory; ``strides`` in bytes, C order by default."""
    return numpy.ndarray(shape, dtype, region(), 0, strides)


def virtual_like(array: Any) -> numpy.ndarray:
    """An array without memory, of the shape and dtype of another, laid out as a copy of it."""
    return virtual(array.shape, array.dtype, result_strides(array.shape, array.dtype, [array]))


def result_strides(
    shape: tuple[int, ...], dtype: Any, operands: list[Any]
) -> tuple[int, ...] | None:
    """The strides in bytes of what NumPy computes of some arrays, element by element.

    None for C order. Otherwise NumPy is asked: with at most two elements in each dimension.
    """
    if 0 in shape or all([a.flags.c_contiguous for a in operands]):
        return None
    small = [virtual(tuple([min(n, 2) for n in a.shape]), a.dtype, a.strides) for a in operands]
    flags = [["readonly"]] * len(small) + [["writeonly", "allocate"]]
    made = numpy.nditer([*small, None], [], flags, [None] * len(small) + [dtype]).operands[-1]
    strides, step = [0] * len(shape), numpy.dtype(dtype).itemsize
    for dim in sorted(range(len(shape)), key=lambda d: (made.strides[d], shape[d])):
        strides[dim] = step
        step *= shape[dim]
    return tuple(strides)
