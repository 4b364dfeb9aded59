"""NumPy arrays in Python lists, read by compiled code where CPython and NumPy keep them.

A model has hundreds of arrays; unpacking each for a compiled call takes longer than the arithmetic
of the small ones. The fields read here are those of ``PyListObject`` and ``PyArrayObject``, fixed
parts of the binary interfaces; ``readable`` checks them against Python's own answers once.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from functools import cache

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from flambeau.kernels.cpu.compiler import INT64, emitted, exact

LIST_ITEMS = 24
DATA, RANK, SHAPE, KIND, FLAGS = 16, 24, 32, 56, 64
WANTED = 0x1 | 0x100  #: contiguous in C order, aligned


@emitted(1, result=True)
def word(builder, place):
    return builder.load(builder.inttoptr(place, INT64.as_pointer()))


@emitted(1, result=True)
def half_word(builder, place):
    narrow = ir.IntType(32)
    value = builder.load(builder.inttoptr(place, narrow.as_pointer()))
    return builder.zext(value, INT64)


@intrinsic
def numbers_at(typing_context, place, like):
    """A pointer to numbers of the type of ``like``."""
    pointer = types.CPointer(like)

    def generate(context, builder, signature, values):
        return builder.inttoptr(values[0], context.get_value_type(pointer))

    return pointer(types.int64, like), generate


@exact
def item(sequence, i):
    """The address of element i of a list."""
    return word((word((sequence + LIST_ITEMS,)) + 8 * i,))


@exact
def count(array):
    """The number of elements of an array."""
    n, shape = 1, word((array + SHAPE,))
    for d in range(half_word((array + RANK,))):
        n *= word((shape + 8 * d,))
    return n


@exact
def plain(array, kind, size):
    """Whether an array is contiguous and has this dtype object and this many elements."""
    return (
        word((array + KIND,)) == kind
        and half_word((array + FLAGS,)) & WANTED == WANTED
        and count(array) == size
    )


@cache
def readable() -> bool:
    """Whether lists and arrays are laid out as this module expects."""
    wide = sys.implementation.name == "cpython" and ctypes.sizeof(ctypes.c_void_p) == 8
    if not wide or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    held, place = [array], id(array)
    found = [
        _word(_word(id(held) + LIST_ITEMS)),
        _word(place + DATA),
        _word(place + RANK) & 0xFFFFFFFF,
        _word(_word(place + SHAPE) + 8),
        _word(place + KIND),
        _word(place + FLAGS) & WANTED,
    ]
    return found == [place, array.ctypes.data, 2, 3, id(array.dtype), WANTED]


def _word(place: int) -> int:
    return ctypes.c_int64.from_address(place).value
