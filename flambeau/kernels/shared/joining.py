"""Arrays put together, repeated, turned round and masked by their diagonals."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array
Ints = tuple[int, ...]


def concatenated(*arrays_and_dim: Any) -> Array:
    """The arrays one after the other along a dimension; the last argument.

    The result is contiguous, unless all arrays are channels-last: then it is too.
    """
    *arrays, dim = arrays_and_dim
    result = xp.concatenate(arrays, dim)
    if result.flags.c_contiguous or (result.ndim in (4, 5) and all(map(_is_channels_last, arrays))):
        return result
    return result.copy()


def _is_channels_last(array: Array) -> bool:
    return xp.moveaxis(array, 1, -1).flags.c_contiguous


def stacked(*arrays_and_dim: Any) -> Array:
    """The arrays along a new dimension; the last argument.

    Joined along the dimension that follows the new one, they only need to be seen in another shape.
    """
    *arrays, dim = arrays_and_dim
    shape = arrays[0].shape
    if dim == len(shape):
        return xp.ascontiguousarray(xp.concatenate([a.reshape(*shape, 1) for a in arrays], dim))
    result = xp.concatenate(arrays, dim)
    if not result.flags.c_contiguous:
        result = result.copy()
    return result.reshape((*shape[:dim], len(arrays), *shape[dim:]))


def block_diagonal(*arrays: Array) -> Array:
    """Matrices along the diagonal of a zero matrix."""
    rows, columns = 0, 0
    for array in arrays:
        rows, columns = rows + array.shape[0], columns + array.shape[1]
    result = xp.zeros((rows, columns), arrays[0].dtype)
    row = column = 0
    for array in arrays:
        height, width = array.shape
        result[row : row + height, column : column + width] = array
        row, column = row + height, column + width
    return result


def repeated(array: Array, sizes: Ints) -> Array:
    """The whole array ``sizes`` times along each dimension; there may be more sizes than those."""
    shape = (1,) * (len(sizes) - array.ndim) + array.shape
    result = xp.empty([n * times for n, times in zip(shape, sizes, strict=True)], array.dtype)
    paired = [p for pair in zip(sizes, shape, strict=True) for p in pair]
    result.reshape(paired)[...] = array.reshape([p for n in shape for p in (1, n)])
    return result


def repetition_index(repeats: Array, total: int) -> Array:
    """``0`` repeats[0] times, ``1`` repeats[1] times, and so on."""
    ends = xp.cumsum(repeats)
    return xp.searchsorted(ends, xp.arange(total), side="right").astype(repeats.dtype)


def rolled(array: Array, shifts: Ints, dims: Ints) -> Array:
    """Elements moved along dimensions, those that leave at one end entering at the other.

    Without dimensions, the flattened array is rolled.
    """
    rolled = xp.roll(array, shifts if dims else shifts[0], dims or None)
    return xp.asarray(rolled, order="C")  # `ascontiguousarray` gives no dimension one


def flipped(array: Array, dims: Ints) -> Array:
    """A copy with dimensions in reverse order."""
    turned = tuple([slice(None, None, -1 if d in dims else 1) for d in range(array.ndim)])
    return array[turned].copy("K")


def lower_triangle(array: Array, diagonal: int) -> Array:
    """The elements on and below a diagonal, zero elsewhere."""
    return _masked(array, xp.tri(array.shape[-2], array.shape[-1], diagonal, bool))


def upper_triangle(array: Array, diagonal: int) -> Array:
    """The elements on and above a diagonal, zero elsewhere."""
    return _masked(array, ~xp.tri(array.shape[-2], array.shape[-1], diagonal - 1, bool))


def _masked(array: Array, mask: Array) -> Array:
    result = xp.zeros(array.shape, array.dtype)
    xp.copyto(result, array, where=mask)
    return result


def triangle_indices(rows: int, columns: int, offset: int, upper: bool) -> Array:
    """Rows and columns of the elements on one side of a diagonal, row by row."""
    mask = xp.tri(rows, columns, offset - upper, bool)
    return xp.stack(xp.nonzero(~mask if upper else mask))


def diagonal_embedded(array: Array, offset: int, dim1: int, dim2: int) -> Array:
    """Zero matrices with the last dimension on a diagonal, as dimensions ``dim1`` and ``dim2``."""
    length = array.shape[-1]
    size = length + abs(offset)
    matrices = xp.zeros((*array.shape[:-1], size, size), array.dtype)
    rows = xp.arange(length) + max(-offset, 0)
    matrices[..., rows, rows + offset] = array
    result = xp.moveaxis(matrices, (-2, -1), (dim1, dim2))
    return result if result.flags.c_contiguous else result.copy()


silence(globals())
