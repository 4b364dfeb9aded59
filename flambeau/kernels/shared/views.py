"""The geometry of views, in elements, and the arrays behind their gradients.

A geometry is ``(shape, strides)``: which elements of a memory an array looks at. The functions of
the first part compute with ints alone.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array
Ints = tuple[int, ...]


# ---- geometry


def canonical_strides(shape: Ints) -> Ints:
    """The strides of a new array; a dimension of size 0 counts as 1."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size or 1
    return tuple(steps[::-1])


def view_strides(shape: Ints, steps: Ints, wanted: Ints) -> Ints | None:
    """The strides under which the same elements have the shape `wanted`; None if a copy is needed.

    From the back, the old dimensions are merged into blocks without inner gaps, and each block is
    filled with new dimensions.
    """
    if 0 in shape:
        return steps if shape == wanted else canonical_strides(wanted)
    if not shape:
        return (1,) * len(wanted)
    result, place = [0] * len(wanted), len(wanted) - 1
    step, size, taken = steps[-1], 1, 1
    for dim in reversed(range(len(shape))):
        size *= shape[dim]
        if dim and (shape[dim - 1] == 1 or steps[dim - 1] == size * step):
            continue  # the next dimension continues this block
        while place >= 0 and (taken < size or wanted[place] == 1):
            result[place] = taken * step
            taken *= wanted[place]
            place -= 1
        if taken != size:
            return None
        if dim:
            step, size, taken = steps[dim - 1], 1, 1
    return tuple(result) if place < 0 else None


def expanded_strides(shape: Ints, steps: Ints, target: Ints) -> Ints:
    """The strides of ``shape`` repeated along its dimensions of size 1 and along new ones."""
    if not shape:
        return (0,) * len(target)
    missing = len(target) - len(shape)
    result = [0] * len(target)
    for dim in reversed(range(len(target))):
        if dim >= missing:
            size, step = shape[dim - missing], steps[dim - missing]
        else:
            size = 1
            step = target[dim + 1] * result[dim + 1] if dim + 1 < len(target) else 1
        result[dim] = step if size == target[dim] else 0
    return tuple(result)


def diagonal_geometry(
    shape: Ints, steps: Ints, offset: int, dim1: int, dim2: int
) -> tuple[Ints, Ints, int]:
    """Shape, strides and start of a diagonal, which becomes the last dimension."""
    if offset >= 0:
        length = max(min(shape[dim1], shape[dim2] - offset), 0)
        start = offset * steps[dim2]
    else:
        length = max(min(shape[dim1] + offset, shape[dim2]), 0)
        start = -offset * steps[dim1]
    rest = [d for d in range(len(shape)) if d not in (dim1, dim2)]
    return (
        (*[shape[d] for d in rest], length),
        (*[steps[d] for d in rest], steps[dim1] + steps[dim2]),
        start if length else 0,
    )


def unfolded_geometry(
    shape: Ints, steps: Ints, dim: int, size: int, step: int
) -> tuple[Ints, Ints]:
    """Windows of ``size`` elements every ``step``; the window becomes the last dimension."""
    if not shape:
        return (size,), (1,)
    count = (shape[dim] - size) // step + 1
    return (
        (*shape[:dim], count, *shape[dim + 1 :], size),
        (*steps[:dim], steps[dim] * step, *steps[dim + 1 :], steps[dim]),
    )


# ---- gradients: the elements of a view put back where they came from, zero elsewhere


def select_backward(grad: Array, shape: Ints, dim: int, index: int) -> Array:
    """Zeros of ``shape`` with ``grad`` at one index of a dimension."""
    result = xp.zeros(shape, grad.dtype)
    result[(slice(None),) * dim + (index,)] = grad
    return result


def slice_backward(grad: Array, shape: Ints, dim: int, start: int, end: int, step: int) -> Array:
    """Zeros of ``shape`` with ``grad`` in a slice of a dimension."""
    result = xp.zeros(shape, grad.dtype)
    result[(slice(None),) * dim + (slice(start, end, step),)] = grad
    return result


def basic_backward(grad: Array, shape: Ints, index: Any) -> Array:
    """Zeros of ``shape`` with ``grad`` at a basic index."""
    result = xp.zeros(shape, grad.dtype)
    result[index] = grad
    return result


def diagonal_backward(grad: Array, shape: Ints, offset: int, dim1: int, dim2: int) -> Array:
    """Zeros of ``shape`` with ``grad`` on a diagonal."""
    result = xp.zeros(shape, grad.dtype)
    _set_diagonal(result, grad, offset, dim1, dim2)
    return result


def unfold_backward(grad: Array, shape: Ints, dim: int, size: int, step: int) -> Array:
    """Zeros of ``shape`` with each window of ``grad`` added where it was taken from."""
    result = xp.zeros(shape, grad.dtype)
    if not shape:
        return result + grad[..., 0] if size else result
    count, before = grad.shape[dim], (slice(None),) * dim
    for place in range(size):
        last = place + (count - 1) * step + 1
        result[(*before, slice(place, last, step))] += grad[..., place]
    return result


# ---- copies with other elements in a view


def select_scatter(array: Array, src: Array, dim: int, index: int) -> Array:
    """A copy with ``src`` at one index of a dimension."""
    result = array.copy("K")
    result[(slice(None),) * dim + (index,)] = src
    return result


def slice_scatter(array: Array, src: Array, dim: int, start: int, end: int, step: int) -> Array:
    """A copy with ``src`` in a slice of a dimension."""
    result = array.copy("K")
    result[(slice(None),) * dim + (slice(start, end, step),)] = src
    return result


def diagonal_scatter(array: Array, src: Array, offset: int, dim1: int, dim2: int) -> Array:
    """A copy with ``src`` on a diagonal."""
    result = array.copy("K")
    _set_diagonal(result, src, offset, dim1, dim2)
    return result


def _set_diagonal(array: Array, values: Array, offset: int, dim1: int, dim2: int) -> None:
    rows = xp.arange(values.shape[-1]) + max(-offset, 0)
    matrices = xp.moveaxis(array, (dim1, dim2), (-2, -1))
    matrices[..., rows, rows + offset] = values


# ---- arrays of any strides: geometries are (shape, strides, offset) in elements, and a dtype


def _memory(source: Any, target: Any) -> tuple[Array, int]:
    """Zeroed bytes that hold both geometries, and the byte that they start at."""
    ends = [_extent(*geometry) for geometry in (source, target)]
    size = source[3].itemsize
    low = min([start for start, _ in ends]) // size * size
    high = max([end for _, end in ends])
    return xp.zeros(max(high - low, 0) + size, xp.uint8), low


def _extent(shape: Ints, steps: Ints, offset: int, dtype: Any) -> tuple[int, int]:
    if 0 in shape:
        return offset * dtype.itemsize, offset * dtype.itemsize
    last = sum([(n - 1) * s for n, s in zip(shape, steps, strict=True)])
    return offset * dtype.itemsize, (offset + last + 1) * dtype.itemsize


def _window(memory: Array, low: int, geometry: Any) -> Array:
    """The array of that geometry over a memory."""
    shape, steps, offset, dtype = geometry
    size = dtype.itemsize
    start = offset * size - low
    flat = memory[start : start + (memory.size - start) // size * size]
    if size > 1:  # NumPy's array interface does not know every type of one byte
        flat = flat.view(dtype)
    strides = tuple([s * size for s in steps])
    return xp.lib.stride_tricks.as_strided(flat, shape, strides).view(dtype)


def _overlaps(shape: Ints, steps: Ints) -> bool:
    """Whether some elements may share a place: strides that do not nest."""
    dims = sorted([(s, n) for n, s in zip(shape, steps, strict=True) if n > 1])
    reach = 0
    for step, size in dims:
        if step <= reach:
            return True
        reach += (size - 1) * step
    return False


def strided_gather(x: Array, source: Any, target: Any) -> Array:
    """The elements of ``target`` out of a memory that holds ``x`` as ``source``."""
    memory, low = _memory(source, target)
    _window(memory, low, source)[...] = x
    return _window(memory, low, target).copy()


def strided_put(grad: Array, source: Any, target: Any) -> Array:
    """The adjoint of ``strided_gather``: ``grad`` added into a memory as ``target``, seen as
    ``source``. Where elements of ``source`` share a place, each gets its part."""
    memory, low = _memory(source, target)
    _add(memory, low, target, grad)
    seen = _window(memory, low, source)
    if not _overlaps(source[0], source[1]):
        return seen.copy()
    counts = xp.zeros_like(memory)
    _add(counts, low, source, xp.ones(source[0], source[3]))
    return seen / _window(counts, low, source)


def _add(memory: Array, low: int, geometry: Any, values: Array) -> None:
    shape, steps, offset, dtype = geometry
    if not _overlaps(shape, steps):
        _window(memory, low, geometry)[...] = values
        return
    start = offset * dtype.itemsize - low
    flat = memory[start : start + (memory.size - start) // dtype.itemsize * dtype.itemsize]
    xp.add.at(flat.view(dtype), _places(shape, steps).ravel(), values.ravel())


def _places(shape: Ints, steps: Ints) -> Array:
    """How far each element lies behind the first."""
    places = xp.zeros(shape, xp.int64)
    for dim, (size, step) in enumerate(zip(shape, steps, strict=True)):
        places += (xp.arange(size) * step).reshape((size,) + (1,) * (len(shape) - dim - 1))
    return places


def strided_replace(x: Array, value: Array, source: Any, target: Any) -> Array:
    """``x``, laid out as ``source``, with ``value`` written to the elements of ``target``."""
    memory, low = _memory(source, target)
    seen = _window(memory, low, source)
    seen[...] = x
    _window(memory, low, target)[...] = value
    return seen.copy()


silence(globals())
