"""Memory below tensors: which array owns it, and arrays of any shape and strides over it.

A tensor holds a NumPy or CuPy array. Its storage is the memory of the array that owns it: the end
of the chain of ``.base`` (NumPy) or the memory object behind the pointer (CuPy). Nothing here
knows tensors; strides and offsets are counted in elements, as PyTorch does, unless a name says
bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

Array = Any  # numpy.ndarray or cupy.ndarray
_ndarray = numpy.ndarray
_byte = numpy.dtype(numpy.uint8)


# ---- the owner of the memory


def root(array: Array) -> Array:
    """The array at the end of the chain of bases: the one whose memory ``array`` looks at."""
    base = array.base
    while isinstance(base, _ndarray):
        array, base = base, base.base
    return array if base is None or isinstance(array, _ndarray) else base


def key(array: Array) -> int:
    """A number that arrays share exactly when they look at the same memory, while it lives."""
    return id(root(array)) if isinstance(array, _ndarray) else id(array.data.mem)


def root_bytes(array: Array) -> Array:
    """The whole memory below ``array`` as a 1-D array of bytes."""
    if not isinstance(array, _ndarray):
        return _cuda_bytes(array)
    owner = root(array)
    if owner.dtype is _byte and owner.ndim == 1 and owner.strides == (1,):
        return owner
    if owner.flags.c_contiguous:
        return owner.reshape(-1).view(_byte)
    return _spread_bytes(owner)


def _spread_bytes(owner: Array) -> Array:
    """The bytes from the first to the last of an array that is not C-contiguous."""
    order = sorted(range(owner.ndim), key=lambda dim: -owner.strides[dim])
    sorted_owner = owner.transpose(order)
    if sorted_owner.flags.c_contiguous:
        return sorted_owner.reshape(-1).view(_byte)
    first = owner[tuple([slice(None, None, -1 if step < 0 else 1) for step in owner.strides])]
    steps = zip(owner.shape, owner.strides, strict=True)
    extent = owner.itemsize + sum((size - 1) * abs(step) for size, step in steps)
    raw = numpy.lib.stride_tricks.as_strided(first, (extent // owner.itemsize,), (owner.itemsize,))
    return raw.view(_byte)


def _cuda_bytes(array: Array) -> Array:
    memory = array.data.mem
    start = array.data - (array.data.ptr - memory.ptr)
    return type(array)((memory.size,), _byte, start)


def byte_count(array: Array) -> int:
    """The size of the whole memory below ``array`` in bytes."""
    if not isinstance(array, _ndarray):
        return array.data.mem.size
    owner = root(array)
    return owner.nbytes if owner.flags.forc else root_bytes(owner).nbytes


def address(array: Array) -> int:
    """Where the first element lies."""
    return array.ctypes.data if isinstance(array, _ndarray) else array.data.ptr


def offset_bytes(array: Array) -> int:
    """How far the first element lies behind the start of the memory."""
    if not isinstance(array, _ndarray):
        return array.data.ptr - array.data.mem.ptr
    if array.base is None:
        return 0
    owner = root(array)
    start = owner if owner.flags.forc else root_bytes(owner)
    return array.ctypes.data - start.ctypes.data


def offset(array: Array) -> int:
    """How many elements the first one lies behind the start of the memory."""
    return offset_bytes(array) // array.itemsize


def adopt(array: Array) -> Array:
    """``array``, a user's, as the owner of its memory: what it is itself a view of is hidden."""
    if not array.size:
        return as_given(array)
    if not isinstance(array, _ndarray) or (array.base is None and type(array) is _ndarray):
        return array
    raw = array.view(f"V{array.itemsize}") if array.dtype.kind == "V" else array
    hidden = memoryview(raw.view(f"u{array.itemsize}") if array.dtype.kind == "V" else raw)
    return numpy.asarray(hidden).view(array.dtype)


def as_given(array: Array) -> Array:
    """``array``, a user's; if it is empty, with exactly its strides, zeros included."""
    if array.size:
        return array
    return as_strided(array, array.shape, [step // array.itemsize for step in array.strides], 0)


# ---- arrays over the same memory


def as_strided(
    array: Array, shape: Sequence[int], strides: Sequence[int], storage_offset: int
) -> Array:
    """An array over the memory of ``array``, with exactly these strides where a size is 0 or 1 too.

    Raises RuntimeError where an element would lie outside the memory.
    """
    if not isinstance(array, _ndarray):
        return _cuda_strided(array, shape, strides, storage_offset)
    owner = root(array)
    memory = owner if owner.flags.c_contiguous else root_bytes(owner)
    return strided_over(memory, array.dtype, shape, strides, storage_offset)


def strided_over(
    memory: Array,
    array_type: numpy.dtype,
    shape: Sequence[int],
    strides: Sequence[int],
    storage_offset: int,
) -> Array:
    """An array over the bytes of a NumPy array; RuntimeError where it would not fit."""
    size = array_type.itemsize
    steps = _in_bytes(shape, strides, size)
    try:
        if memory.nbytes:  # NumPy checks no bounds in an empty buffer
            return _ndarray(shape, array_type, memory, storage_offset * size, steps)
    except (TypeError, ValueError, OverflowError):
        pass
    if 0 in shape:
        return _ndarray(shape, array_type, memory, memory.nbytes, steps)
    needed = (storage_offset + 1 + _last(shape, strides)) * size
    raise out_of_bounds(shape, strides, storage_offset, size, needed, memory.nbytes)


def _cuda_strided(
    array: Array, shape: Sequence[int], strides: Sequence[int], storage_offset: int
) -> Array:
    memory, size = array.data.mem, array.itemsize
    start = storage_offset * size
    needed = start + size + _last(shape, strides) * size
    if 0 not in shape and needed > memory.size:
        raise out_of_bounds(shape, strides, storage_offset, size, needed, memory.size)
    pointer = array.data + (memory.ptr + min(start, memory.size) - array.data.ptr)
    steps = _in_bytes(shape, strides, size)
    return type(array)(tuple(shape), array.dtype, pointer, strides=steps)


def _in_bytes(shape: Sequence[int], strides: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Strides as arrays have them; negative where an empty array shall have none but zeros.

    NumPy gives every new empty array strides of zero, where PyTorch has those of its shape, so that
    ``strides`` could not tell the two. No other tensor has negative strides.
    """
    if 0 in shape and not any(strides):
        return (-itemsize,) * len(shape)
    return tuple([step * itemsize for step in strides])


def _last(shape: Sequence[int], strides: Sequence[int]) -> int:
    """How far the last element lies behind the first."""
    return sum([(size - 1) * step for size, step in zip(shape, strides, strict=True)])


def out_of_bounds(
    shape: Sequence[int],
    strides: Sequence[int],
    storage_offset: int,
    itemsize: int,
    needed: int,
    available: int,
) -> RuntimeError:
    """The error of an array that would not fit into its memory (both counted in bytes)."""
    return RuntimeError(
        f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset "
        f"{storage_offset}, and itemsize {itemsize} requiring a storage size of {needed} are out "
        f"of bounds for storage of size {available}"
    )


# ---- strides and memory formats


def strides(array: Array) -> tuple[int, ...]:
    """The strides in elements."""
    size = array.itemsize
    steps = array.strides
    if array.size == 0:
        if not any(steps):  # NumPy forgets the strides of new empty arrays
            return contiguous_strides(array.shape)
        if steps[0] < 0:  # see _in_bytes
            return (0,) * len(steps)
    return tuple([step // size for step in steps])


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides in elements of a new array; a dimension of size 0 counts as 1."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size or 1
    return tuple(steps[::-1])


def is_contiguous(array: Array) -> bool:
    """Whether the elements lie in order without gaps; dimensions of size 1 do not matter."""
    return array.flags.c_contiguous


def channels_last_order(ndim: int) -> tuple[int, ...]:
    """The dimensions from the outermost to the innermost: batch, space, channels."""
    return (0, *range(2, ndim), 1)


def channels_last_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides in elements of a channels-last array of 4 (or 5) dimensions."""
    order = channels_last_order(len(shape))
    steps, step = [0] * len(shape), 1
    for dim in reversed(order):
        steps[dim] = step
        step *= shape[dim] or 1
    return tuple(steps)


def is_channels_last(array: Array, ndim: int = 4) -> bool:
    """Whether ``array`` has ``ndim`` dimensions and is contiguous with the channels innermost."""
    if array.ndim != ndim:
        return False
    shape, steps, step = array.shape, strides(array), 1
    for dim in reversed(channels_last_order(ndim)):
        if shape[dim] != 1:
            if steps[dim] != step:
                return False
            step *= shape[dim]
    return True


def prefers_channels_last(array: Array, ndim: int = 4) -> bool:
    """Whether results should be channels-last because ``array`` is, gaps allowed.

    Strides that fit both formats (one channel, or an image of one pixel) decide for neither,
    except where the stride of the channels shows what was meant.
    """
    if array.ndim != ndim:
        return False
    shape, steps, least = array.shape, strides(array), 0
    if steps[1] == 0:
        return False
    for dim in reversed(channels_last_order(ndim)):
        if shape[dim] == 0 or steps[dim] < least or (dim == 0 and least == steps[1]):
            return False
        least = steps[dim] * shape[dim]
    return True


def is_dense(array: Array) -> bool:
    """Whether the elements fill one block of memory, in any order, each once."""
    if array.flags.forc:
        return True
    dims = [
        (step, size) for step, size in zip(strides(array), array.shape, strict=True) if size != 1
    ]
    expected = 1
    for step, size in sorted(dims):
        if step != expected:
            return False
        expected *= size
    return True


def copied(array: Array) -> Array:
    """A copy that keeps the order of the dimensions in memory."""
    if array.size and array.flags.c_contiguous:
        return array.copy()
    return filled_from(array, preserved_strides(array))


def filled_from(array: Array, steps: tuple[int, ...]) -> Array:
    """A copy with strides under which the elements fill one block of memory."""
    copy = as_strided(type(array)((array.size,), array.dtype), array.shape, steps, 0)
    copy[...] = array
    return copy


def preserved_strides(array: Array) -> tuple[int, ...]:
    """The strides of a new array that keeps the order of the dimensions of ``array``.

    A dense array keeps its strides; otherwise the gaps are closed.
    """
    steps = strides(array)
    return steps if is_dense(array) else _closed(array.shape, steps)


def _closed(shape: Sequence[int], steps: Sequence[int]) -> tuple[int, ...]:
    order = list(reversed(range(len(shape))))  # innermost first
    for start in range(1, len(order)):
        place = start
        for before in reversed(range(start)):
            verdict = _compare(shape, steps, order[before], order[place])
            if verdict < 0:
                break
            if verdict > 0:
                order[before], order[place] = order[place], order[before]
                place = before
    result, step = [0] * len(shape), 1
    for dim in order:
        result[dim] = step
        step *= shape[dim] or 1
    return tuple(result)


def _compare(shape: Sequence[int], steps: Sequence[int], first: int, second: int) -> int:
    """1 where ``first`` lies outside ``second``, -1 inside; 0: undecided, as expanded ones are."""
    if steps[first] == 0 or steps[second] == 0:
        return 0
    if steps[first] != steps[second]:
        return 1 if steps[first] > steps[second] else -1
    return 1 if shape[first] > shape[second] else 0
