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
    """An array without memory, of the shape, dtype and strides of another."""
    return virtual(array.shape, array.dtype, array.strides if array.size else None)
