"""Maximum and average pooling of ``[N, C, *spatial]``, with fixed or adaptive windows.

Windows are boxes, so every kernel goes along one dimension at a time: ``Windows`` says where the
windows of one dimension begin and how many pixels each holds. The gradient of an average is again
a sum over windows: those of the results that a pixel belongs to.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.indexing import is_host
from flambeau.kernels.shared.precision import rounded, wide

Array = Any
Ints = tuple[int, ...]


class Windows(NamedTuple):
    """The windows along one dimension: window i holds ``first[i] + step * range(count[i])``."""

    first: Ints
    count: Ints  #: pixels inside the image
    full: Ints  #: pixels inside the image and its padding
    step: int


def pooled_size(
    extent: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """The number of windows along a dimension; none may begin in the padding on the right."""
    room = extent + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    size = -(-room // stride) + 1
    return size - 1 if (size - 1) * stride >= extent + padding else size


@lru_cache(256)
def fixed_windows(
    extent: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> Windows:
    """The windows of one dimension, clipped to the image."""
    size = pooled_size(extent, kernel, stride, padding, dilation, ceil_mode)
    starts = [i * stride - padding for i in range(size)]
    first = [start + -(min(0, start) // dilation) * dilation for start in starts]
    ends = [min(start + dilation * (kernel - 1) + 1, extent) for start in starts]
    count = [max(0, -(-(end - at) // dilation)) for at, end in zip(first, ends)]
    full = [min(start + kernel, extent + padding) - start for start in starts]
    return Windows(tuple(first), tuple(count), tuple(full), dilation)


@lru_cache(256)
def adaptive_windows(extent: int, size: int) -> Windows:
    """``size`` windows that cover a dimension evenly."""
    first = tuple(i * extent // size for i in range(size))
    count = tuple(-(-(i + 1) * extent // size) - first[i] for i in range(size))
    return Windows(first, count, count, 1)


@lru_cache(256)
def inverse(windows: Windows, extent: int) -> Windows:
    """For each pixel, the results whose windows hold it."""
    first, count = [], []
    low = high = 0
    ends = [at + length for at, length in zip(windows.first, windows.count)]
    for pixel in range(extent):
        while low < len(ends) and ends[low] <= pixel:
            low += 1
        while high < len(ends) and windows.first[high] <= pixel:
            high += 1
        first.append(low)
        count.append(max(0, high - low))
    return Windows(tuple(first), tuple(count), tuple(count), 1)


# ---- maximum


@compiled(minimum=16384, loaded=256)
def max_pool_forward(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> tuple[Array, Array]:
    """The maximum of each window and its flat spatial index (int64).

    The first of equal values is taken, the last NaN before any number.
    """
    size = x.shape[x.ndim - len(kernel) :]
    sides = zip(size, kernel, stride, padding, dilation)
    return _maximum(x, [fixed_windows(*side, ceil_mode) for side in sides])


@compiled(minimum=16384, loaded=256)
def max_pool_backward(grad: Array, indices: Array, input_shape: Ints) -> Array:
    """The gradient of ``x`` [N, C, *spatial]: each result's goes to the pixel it came from."""
    planes, pixels = prod(input_shape[:2]), prod(input_shape[2:])
    flat = xp.zeros(planes * pixels, wide(grad).dtype)
    if grad.size:
        starts = xp.arange(0, planes * pixels, pixels).reshape(planes, 1)
        places = indices.reshape(planes, -1) + starts
        xp.add.at(flat, places.reshape(-1), wide(grad).reshape(-1))
    return rounded(flat.reshape(input_shape), grad.dtype)


def max_pool_backward_like(grad: Array, indices: Array, input: Array) -> Array:
    """``max_pool_backward`` in the shape of the input that was pooled."""
    return max_pool_backward(grad, indices, input.shape)


@compiled(minimum=16384, loaded=256)
def adaptive_max_pool_forward(x: Array, output_size: Ints) -> tuple[Array, Array]:
    """As ``max_pool_forward``, with windows that cover the image evenly."""
    size = x.shape[x.ndim - len(output_size) :]
    return _maximum(x, [adaptive_windows(*side) for side in zip(size, output_size)])


def _maximum(x: Array, sides: list[Windows]) -> tuple[Array, Array]:
    """The last dimension first, so that ties go to the first index in memory order."""
    value, stride, lead = wide(x), 1, x.ndim - len(sides)
    index: Array = 0
    for axis in range(x.ndim - 1, lead - 1, -1):
        side = sides[axis - lead]
        index = index + _shaped(xp.arange(x.shape[axis]) * stride, axis, x.ndim)
        value, index = _maximum_along(value, index, axis, side)
        stride *= x.shape[axis]
    return rounded(value, x.dtype), index


def _maximum_along(value: Array, index: Array, axis: int, side: Windows) -> tuple[Array, Array]:
    index = xp.broadcast_to(index, value.shape)
    places = _places(side, value.shape[axis], 0)
    best, where = value.take(places, axis), index.take(places, axis)
    if 0 in side.count:
        best = xp.where(
            _shaped(xp.asarray(side.count) == 0, axis, value.ndim), _lowest(value), best
        )
    for tap in range(1, max(side.count, default=0)):
        places = _places(side, value.shape[axis], tap)
        other = value.take(places, axis)
        better = (other > best) | xp.isnan(other)
        xp.copyto(best, other, where=better)
        xp.copyto(where, index.take(places, axis), where=better)
    return best, where


def _places(side: Windows, extent: int, tap: int) -> Array:
    """The pixel of each window at ``tap``; short windows repeat their last one."""
    places = [
        min(at + min(tap, max(0, length - 1)) * side.step, max(0, extent - 1))
        for at, length in zip(side.first, side.count)
    ]
    return xp.asarray(places, dtype=xp.int64)


def _lowest(value: Array) -> Any:
    return -xp.inf if value.dtype.kind == "f" else xp.iinfo(value.dtype).min


def fractional_max_pool_forward(
    x: Array, samples: Array, kernel: Ints, size: Ints
) -> tuple[Array, Array]:
    """As ``max_pool_forward`` with windows that begin at places given by ``samples`` [N, C, n].

    The samples of images are for width and height, those of volumes for depth, height and width.
    """
    n, lead, extents = len(kernel), x.shape[:2], x.shape[2:]
    strides = [prod(extents[d + 1 :]) for d in range(n)]
    first: Array = 0
    for d in range(n):
        starts = _fractions(
            samples[..., d if n == 3 else n - 1 - d], extents[d], size[d], kernel[d]
        )
        first = (
            first
            + starts.reshape(*lead, *[size[d] if i == d else 1 for i in range(n)]) * strides[d]
        )
    pixels, flat = wide(x).reshape(*lead, prod(extents)), first.reshape(*lead, prod(size))
    best, where = xp.full(flat.shape, -xp.inf, pixels.dtype), flat.copy()
    for tap in product(*map(range, kernel)):
        index = flat + sum([at * stride for at, stride in zip(tap, strides)])
        other = xp.take_along_axis(pixels, index, -1)
        better = (other > best) | xp.isnan(other)
        xp.copyto(best, other, where=better)
        xp.copyto(where, index, where=better)
    return rounded(best.reshape(first.shape), x.dtype), where.reshape(first.shape)


def _fractions(samples: Array, extent: int, size: int, window: int) -> Array:
    """Where the windows of a dimension begin, from a sample in [0, 1): ``[N, C, size]``."""
    samples = samples if is_host() else wide(samples)  # as PyTorch computes them on each device
    last, steps = extent - window, xp.arange(size)
    alpha = last / (size - 1) if size > 1 else 0
    shifted = (samples[..., None] + steps.astype(samples.dtype)) * alpha
    places = shifted.astype(xp.int64) - (samples[..., None] * alpha).astype(xp.int64)
    return xp.where(steps < size - 1, places, last)


def _shaped(vector: Array, axis: int, rank: int) -> Array:
    return vector.reshape(-1, *(1,) * (rank - 1 - axis))


# ---- average


@compiled(minimum=16384, loaded=256)
def avg_pool_forward(
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The mean of each window, with or without its padding, or its sum over
    ``divisor_override``."""
    size = x.shape[x.ndim - len(kernel) :]
    sides = _average_windows(size, kernel, stride, padding, ceil_mode)
    return _average(x, sides, _divisor(sides, count_include_pad, divisor_override))


@compiled(minimum=16384, loaded=256)
def avg_pool_backward(
    grad: Array,
    input_shape: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """The gradient of ``x`` of ``avg_pool_forward``."""
    size = input_shape[len(input_shape) - len(kernel) :]
    sides = _average_windows(size, kernel, stride, padding, ceil_mode)
    return _spread(grad, input_shape, sides, _divisor(sides, count_include_pad, divisor_override))


@compiled(minimum=16384, loaded=256)
def adaptive_avg_pool_forward(x: Array, output_size: Ints) -> Array:
    """The mean of each of ``output_size`` windows that cover the image evenly."""
    size = x.shape[x.ndim - len(output_size) :]
    sides = [adaptive_windows(*side) for side in zip(size, output_size)]
    return _average(x, sides, _divisor(sides, False, None))


@compiled(minimum=16384, loaded=256)
def adaptive_avg_pool_backward(grad: Array, input_shape: Ints) -> Array:
    """The gradient of ``x`` [N, C, *spatial] of ``adaptive_avg_pool_forward``."""
    sides = [adaptive_windows(*side) for side in zip(input_shape[2:], grad.shape[2:])]
    return _spread(grad, input_shape, sides, _divisor(sides, False, None))


def _average_windows(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool
) -> list[Windows]:
    sides = zip(size, kernel, stride, padding)
    return [fixed_windows(*side, 1, ceil_mode) for side in sides]


def _divisor(sides: list[Windows], with_padding: bool, override: int | None) -> Array | int:
    if override is not None:
        return override
    product = xp.ones((1,) * len(sides), xp.int64)
    for axis, side in enumerate(sides):
        count = xp.asarray(side.full if with_padding else side.count, dtype=xp.int64)
        product = product * _shaped(count, axis, len(sides))
    return product


def _average(x: Array, sides: list[Windows], divisor: Array | int) -> Array:
    total = _sums(wide(x), sides)
    if total.dtype.kind != "f":  # rounded towards zero
        return (xp.sign(total) * xp.sign(divisor) * (xp.abs(total) // xp.abs(divisor))).astype(
            x.dtype
        )
    return rounded(_divided(total, divisor), x.dtype)


def _spread(grad: Array, shape: Ints, sides: list[Windows], divisor: Array | int) -> Array:
    if grad.size == 0:
        return xp.zeros(shape, grad.dtype)
    extents = shape[len(shape) - len(sides) :]
    backward = [inverse(*side) for side in zip(sides, extents)]
    return rounded(_sums(_divided(wide(grad), divisor), backward), grad.dtype)


def _divided(x: Array, divisor: Array | int) -> Array:
    return x / (divisor if isinstance(divisor, int) else divisor.astype(x.dtype))


def _sums(x: Array, sides: list[Windows]) -> Array:
    lead = x.ndim - len(sides)
    for axis in range(x.ndim - 1, lead - 1, -1):
        x = _sums_along(x, axis, sides[axis - lead])
    return x


def _sums_along(x: Array, axis: int, side: Windows) -> Array:
    total = xp.zeros((*x.shape[:axis], len(side.first), *x.shape[axis + 1 :]), x.dtype)
    for tap in range(max(side.count, default=0)):
        pixels = x.take(_places(side, x.shape[axis], tap), axis)
        if tap < min(side.count):
            total += pixels
        else:
            inside = _shaped(xp.asarray(side.count) > tap, axis, x.ndim)
            total += xp.where(inside, pixels, 0)
    return total


silence(globals())
