"""Elements by index: read, written and accumulated.

Indices are integer arrays; masks are bool. NumPy checks the bounds of indices; CuPy wraps indices
that are out of range silently, so they are checked here. Kernels that write take ``in_place``: the
array itself is written to instead of a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

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


def _is_host() -> bool:
    return xp.__name__ == "numpy"


def _check_along(index: Array, size: int, dim: int) -> None:
    """RuntimeError if an index along a dimension is out of range or negative."""
    error = out_of_bounds(index, size, dim, 0) if index.size else None
    if error is not None:
        raise RuntimeError(str(error))


# ---- by index arrays in several dimensions


def indexed(array: Array, *indices_and_places: Any) -> Array:
    """``array[indices]``; the last argument says which leading dimensions are indexed."""
    *indices, places = indices_and_places
    key = full_key(indices, places)
    if not _is_host() or array.size == 0:
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
        _accumulate(result, key, values)
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
    _accumulate(result, full_key(indices, places), values)
    return result


def _accumulate(array: Array, key: Any, values: Array) -> None:
    """Adds ``values`` at the indices of ``array``, each occurrence of an index counting."""
    if not array.flags.c_contiguous or any([k.dtype.kind == "b" for k in key if k is not _ALL]):
        xp.add.at(array, key, values)
        return
    places = _flat_places(array.shape, key)
    try:
        values = xp.broadcast_to(values, places.shape)
    except ValueError:
        raise _value_error(places.shape, values.shape) from None
    xp.add.at(array.reshape(-1), places.reshape(-1), values.reshape(-1))


def _flat_places(shape: Ints, key: Any) -> Array:
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
        raise RuntimeError(str(error)) from None
    if alpha != 1:
        source = (source * alpha).astype(source.dtype, copy=False)
    if not array.ndim:
        result[...] = result + source.sum(dtype=source.dtype)
    else:
        _accumulate(result, _slices(index, dim) + (_ALL,) * (array.ndim - dim - 1), source)
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


# ---- along one dimension, by an index for each element


def _grid(array: Array, index: Array, dim: int) -> tuple[Any, ...]:
    """The index along ``dim``, the places of the index itself along the other dimensions."""
    ndim = index.ndim
    return tuple(
        [
            index if d == dim else xp.arange(n).reshape((-1,) + (1,) * (ndim - d - 1))
            for d, n in enumerate(index.shape)
        ]
    )


def gathered(array: Array, index: Array, dim: int) -> Array:
    """The elements whose place along ``dim`` the index says."""
    if not index.size:
        return xp.empty(index.shape, array.dtype)
    if not array.ndim or not index.ndim:
        _check_along(index, array.shape[dim] if array.ndim else 1, dim)
        flat = array.reshape(-1)[index.reshape(-1)]
        return flat.reshape(index.shape)
    _check_along(index, array.shape[dim], dim)
    return xp.ascontiguousarray(array[_grid(array, index, dim)])


def _scatter_target(
    array: Array, index: Array, dim: int, in_place: bool
) -> tuple[Array, Array, Array, int]:
    """The result, what of it to write to, and the index, with at least one dimension."""
    result = array if in_place else array.copy()
    target = result if result.ndim else result.reshape(1)
    if index.ndim < target.ndim:
        index = index.reshape((1,) * (target.ndim - index.ndim) + index.shape)
    _check_along(index, target.shape[dim], dim)
    return result, target, index, dim


def _corner(source: Array, shape: Ints) -> Array:
    """The part of the source that an index of that shape covers."""
    if not source.ndim:
        source = source.reshape((1,) * len(shape))
    return source[tuple([slice(0, n) for n in shape])]


def scattered(array: Array, index: Array, source: Array, dim: int, in_place: bool = False) -> Array:
    """The source's elements written to the places along ``dim`` that the index says."""
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    target[_grid(target, index, dim)] = _corner(source, index.shape)
    return result


def scattered_value(
    array: Array, index: Array, value: Any, dim: int, in_place: bool = False
) -> Array:
    """One value written to the places along ``dim`` that the index says."""
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    target[_grid(target, index, dim)] = value
    return result


def scatter_added(
    array: Array, index: Array, source: Array, dim: int, in_place: bool = False
) -> Array:
    """The source's elements added at the places along ``dim`` that the index says."""
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    _accumulate(target, _grid(target, index, dim), _corner(source, index.shape))
    return result


def scatter_reduced(
    array: Array,
    index: Array,
    source: Array,
    dim: int,
    reduce: str,
    include_self: bool,
    in_place: bool = False,
) -> Array:
    """The source's elements combined with those at the places that the index says.

    Without ``include_self`` the places that are written to start from what leaves the others as
    they are.
    """
    if not index.size:
        return array if in_place else array.copy()
    result, target, index, dim = _scatter_target(array, index, dim, in_place)
    key, source = _grid(target, index, dim), _corner(source, index.shape)
    if not include_self:
        target[key] = _neutral(reduce, target.dtype)
    if reduce in ("sum", "mean"):
        _accumulate(target, key, source)
    else:
        _combine(target, key, source, reduce)
    if reduce == "mean":
        counts = xp.full(target.shape, int(include_self), xp.int64)
        _accumulate(counts, key, xp.ones(index.shape, xp.int64))
        counts = xp.maximum(counts, 1)
        divide = xp.floor_divide if target.dtype.kind in "iub" else xp.divide
        target[...] = divide(target, counts.astype(target.dtype))
    return result


def _combine(target: Array, key: Any, source: Array, reduce: str) -> None:
    """The elements of the source multiplied into, or compared with, those at a key."""
    if reduce == "prod" and not _is_host():
        _multiply_at(target, key, source)
    else:
        ufunc = {"prod": xp.multiply, "amax": xp.maximum, "amin": xp.minimum}[reduce]
        ufunc.at(target, key, source)


def _multiply_at(target: Array, key: Any, source: Array) -> None:
    """``multiply.at``, which CuPy lacks: sorted by place, products of equal places are formed by
    doubling distances (Hillis and Steele's scan), and the last of each place counts."""
    places = xp.broadcast_to(_flat_places(target.shape, key), source.shape).reshape(-1)
    order = xp.argsort(places)
    places, products, reach = places[order], source.reshape(-1)[order], 1
    while reach < places.size:
        together = places[reach:] == places[:-reach]
        longer = xp.where(together, products[reach:] * products[:-reach], products[reach:])
        products = xp.concatenate((products[:reach], longer))
        reach *= 2
    last = xp.ones(places.shape, bool)
    last[:-1] = places[1:] != places[:-1]
    factors, touched = xp.zeros(target.size, target.dtype), xp.zeros(target.size, xp.int32)
    xp.add.at(factors, places, xp.where(last, products, 0).astype(target.dtype))
    xp.add.at(touched, places, last.astype(xp.int32))
    target *= xp.where(touched, factors, 1).astype(target.dtype).reshape(target.shape)


def _neutral(reduce: str, dtype: Any) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind in "iu":
        limits = xp.iinfo(dtype)
        return limits.min if reduce == "amax" else limits.max
    return -xp.inf if reduce == "amax" else xp.inf


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
        _accumulate(flat, (index,), source)
    else:
        flat[index] = source
    if not result.flags.c_contiguous:
        result[...] = flat.reshape(result.shape)
    return result


# ---- by masks


def mask_filled(array: Array, mask: Array, value: Any, in_place: bool = False) -> Array:
    """One value where the mask is true; array and mask are broadcast unless in place."""
    if in_place:
        xp.copyto(array, value, where=mask, casting="unsafe")
        return array
    shape = xp.broadcast_shapes(array.shape, mask.shape)
    result = xp.array(xp.broadcast_to(array, shape), order="C")
    xp.copyto(result, value, where=mask, casting="unsafe")
    return result


def mask_selected(array: Array, mask: Array) -> Array:
    """The elements where the mask is true, in one dimension; both are broadcast."""
    array, mask = xp.broadcast_arrays(array, mask)
    return array[mask].reshape(-1)


def mask_scattered(array: Array, mask: Array, source: Array, in_place: bool = False) -> Array:
    """The first elements of the source, in order, where the mask is true."""
    shape = xp.broadcast_shapes(array.shape, mask.shape)
    mask = xp.broadcast_to(mask, shape)
    count = int(xp.count_nonzero(mask))
    if count > source.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    result = array if in_place else xp.array(xp.broadcast_to(array, shape), order="C")
    result[mask] = source.reshape(-1)[:count]
    return result


def nonzero_places(array: Array) -> Array:
    """The index of each element that is not zero, as rows."""
    if not array.ndim:
        return xp.zeros((int(bool(array)), 0), xp.int64)
    return xp.stack(xp.nonzero(array)).T


def is_in(elements: Array, test_elements: Array, assume_unique: bool, invert: bool) -> Array:
    """Whether each element is among the others."""
    return xp.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)


silence(globals())
