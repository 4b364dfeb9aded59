"""Elements by index: read, written and accumulated.

Indices are integer arrays; masks are bool. NumPy checks the bounds of indices; CuPy wraps indices
that are out of range silently, so they are checked here. Kernels that write take ``in_place``: the
array itself is written to instead of a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import wide

Array = Any  #: a NumPy or a CuPy array
Ints = tuple[int, ...]
_ALL = slice(None)


# ---- bounds


def out_of_bounds(index: Array, size: int, dim: int, least: int) -> IndexError | None:
    """The error of the first index that is not in ``least <= index < size``, if there is one."""
    wrong = (index < least) | (index >= size)
    if not bool(wrong.any()):
        return None
    if not size:
        return IndexError(f"index is out of bounds for dimension with size {size}")
    first = int(index[wrong].ravel()[0])
    return IndexError(f"index {first} is out of bounds for dimension {dim} with size {size}")


def check_all(array: Array, indices: Any) -> None:
    """IndexError if an index of any dimension is out of range; negative ones count from the end."""
    for dim, index in enumerate(indices):
        if hasattr(index, "dtype") and index.dtype.kind != "b":
            size = array.shape[dim]
            error = out_of_bounds(index, size, _shown(indices, dim), -size)
            if error is not None:
                raise error


def _shown(indices: Any, dim: int) -> int:
    """Which of the indexed dimensions it is."""
    return len([i for i in indices[:dim] if hasattr(i, "dtype")])


def is_host() -> bool:
    return xp.__name__ == "numpy"


def check_along(index: Array, size: int, dim: int) -> None:
    """RuntimeError if an index along a dimension is out of range or negative."""
    error = out_of_bounds(index, size, dim, 0) if index.size else None
    if error is not None:
        raise RuntimeError(str(error))


# ---- by index arrays in several dimensions


def indexed(array: Array, *indices_and_places: Any) -> Array:
    """``array[indices]``; the last argument says which leading dimensions are indexed."""
    *indices, places = indices_and_places
    key = full_key(indices, places)
    if not is_host() or array.size == 0:
        check_all(array, key)
    try:
        result = array[key]
    except IndexError:
        check_all(array, key)
        raise
    if all(places) and not array.flags.c_contiguous:
        return result  # the other dimensions stay in the order that they had in memory
    return result.copy() if 1 in result.shape or not result.flags.c_contiguous else result


def full_key(indices: Any, places: tuple[bool, ...]) -> tuple[Any, ...]:
    """The index arrays at their places, everything at the others."""
    left = iter(indices)
    return tuple([next(left) if taken else _ALL for taken in places])


def index_written(array: Array, values: Array, *rest: Any) -> Array:
    """A copy, or the array itself, with ``values`` at the indices.

    The rest is the index arrays, their places, ``accumulate`` and, optionally, ``in_place``.
    """
    in_place = type(rest[-2]) is bool
    *indices, places, accumulate = rest[:-1] if in_place else rest
    key = full_key(indices, places)
    check_all(array, key)
    result = array if in_place else array.copy("K")
    if accumulate:
        add_at(result, key, values)
    else:
        try:
            result[key] = values
        except ValueError:
            raise _value_error(result[key].shape, values.shape) from None
    return result


def _value_error(expected: Ints, given: Ints) -> RuntimeError:
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(given)} cannot be broadcast to indexing "
        f"result of shape {list(expected)}"
    )


def index_summed(values: Array, *rest: Any) -> Array:
    """Zeros with ``values`` added at the indices; the rest is indices, their places, the shape."""
    *indices, places, shape = rest
    result = xp.zeros(shape, values.dtype)
    add_at(result, full_key(indices, places), values)
    return result


def add_at(array: Array, key: Any, values: Array) -> None:
    """Adds ``values`` at the indices of ``array``, each occurrence of an index counting."""
    if not array.flags.c_contiguous or any([k.dtype.kind == "b" for k in key if k is not _ALL]):
        xp.add.at(array, key, values)
        return
    places = flat_places(array.shape, key)
    try:
        values = xp.broadcast_to(values, places.shape)
    except ValueError:
        raise _value_error(places.shape, values.shape) from None
    xp.add.at(array.reshape(-1), places.reshape(-1), values.reshape(-1))


def flat_places(shape: Ints, key: Any) -> Array:
    """Where each element of ``array[key]`` lies in the flattened array."""
    taken = [d for d, k in enumerate(key) if k is not _ALL]
    chosen = [xp.where(key[d] < 0, key[d] + shape[d], key[d]) for d in taken]
    steps = [1] * len(shape)
    for dim in reversed(range(len(shape) - 1)):
        steps[dim] = steps[dim + 1] * shape[dim + 1]
    index = xp.asarray(0)
    for d, k in zip(taken, chosen, strict=True):
        index = index + k * steps[d]
    adjacent = taken == list(range(taken[0], taken[0] + len(taken)))
    front = taken[0] if adjacent else 0
    free = [d for d in range(len(shape)) if d not in taken]
    places = index.reshape(index.shape + (1,) * (len(free) - front))
    for order, d in enumerate(free):
        after = len(free) - order - 1 + (index.ndim if order < front else 0)
        places = places + (xp.arange(shape[d]) * steps[d]).reshape((-1,) + (1,) * after)
    return places


# ---- along one dimension, by a vector of indices


def selected(array: Array, index: Array, dim: int) -> Array:
    """The slices of a dimension that a vector lists."""
    if not array.ndim:
        array, dim = array.reshape(1), 0
        return selected(array, index, 0).reshape(())
    size = array.shape[dim]
    if index.size and (int(index.min()) < 0 or int(index.max()) >= size):
        raise IndexError("index out of range in self")
    return array.take(index, dim)


def _slices(index: Array, dim: int) -> tuple[Any, ...]:
    return (_ALL,) * dim + (index,)


def _vector_target(array: Array, index: Array, dim: int, in_place: bool, least: int) -> Array:
    """The array to write to along a dimension, with at least one; the indices are checked."""
    size = array.shape[dim] if array.ndim else 1
    error = out_of_bounds(index, size, dim, least) if index.size else None
    if error is not None:
        raise error
    return array if in_place else array.copy()


def index_added(
    array: Array, index: Array, source: Array, dim: int, alpha: Any, in_place: bool = False
) -> Array:
    """``alpha * source`` added to the slices that a vector lists."""
    try:
        result = _vector_target(array, index, dim, in_place, 0)
    except IndexError as error:
        if array.ndim < 2:
            raise IndexError("index out of range in self") from None
        raise RuntimeError(str(error)) from None
    if alpha != 1:
        source = (wide(source) * alpha).astype(source.dtype, copy=False)
    if not array.ndim:
        result[...] = result + source.sum(dtype=source.dtype)
    else:
        add_at(result, _slices(index, dim) + (_ALL,) * (array.ndim - dim - 1), source)
    return result


def index_copied(
    array: Array, index: Array, source: Array, dim: int, in_place: bool = False
) -> Array:
    """``source`` written over the slices that a vector lists."""
    try:
        result = _vector_target(array, index, dim, in_place, 0)
    except IndexError as error:
        raise IndexError(f"index_copy_(): {error}") from None
    if array.ndim:
        result[_slices(index, dim)] = source
    elif source.size:
        result[...] = source.reshape(-1)[-1]
    return result


def index_filled(array: Array, index: Array, value: Any, dim: int, in_place: bool = False) -> Array:
    """One value written over the slices that a vector lists."""
    size = array.shape[dim] if array.ndim else 1
    array = array if in_place else array.copy("K")
    result = _vector_target(array, index, dim, True, -size)
    if array.ndim:
        result[_slices(index, dim)] = value
    elif index.size:
        result[...] = value
    return result


# ---- of the flattened array


def _flat(array: Array, index: Array) -> None:
    size = array.size
    if not index.size:
        return
    if not size:
        raise IndexError("take(): tried to take from an empty tensor")
    wrong = (index < -size) | (index >= size)
    if bool(wrong.any()):
        bad = int(index[wrong].ravel()[0])
        raise IndexError(
            f"out of range: tried to access index {bad} on a tensor of {size} elements."
        )


def taken(array: Array, index: Array) -> Array:
    """The elements of the flattened array at the indices."""
    _flat(array, index)
    return xp.ascontiguousarray(array.reshape(-1)[index]).reshape(index.shape)


def put(
    array: Array, index: Array, source: Array, accumulate: bool, in_place: bool = False
) -> Array:
    """The source's elements written to, or added at, the indices of the flattened array."""
    _flat(array, index)
    result = array if in_place else array.copy("K")
    flat = result.reshape(-1)
    index, source = index.reshape(-1), source.reshape(-1)
    if accumulate:
        add_at(flat, (index,), source)
    else:
        flat[index] = source
    if not result.flags.c_contiguous:
        result[...] = flat.reshape(result.shape)
    return result


silence(globals())
