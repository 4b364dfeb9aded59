"""Pooling with compiled loops; see ``shared.pooling`` for what the functions return."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from flambeau.kernels.cpu.loops.pooling import (
    max_planes,
    mean_planes,
    scatter_planes,
    spread_planes,
    sum_planes,
)
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import pooling as shared
from flambeau.kernels.shared.pooling import Windows, adaptive_windows, fixed_windows
from flambeau.kernels.shared.precision import is_half, rounded

Array = Any
Ints = tuple[int, ...]

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
WHOLE = Windows((0,), (1,), (1,), 1)  #: of a dimension that isn't there


class Plan(NamedTuple):
    """The boxes of one shape of pooling; ``table`` is what the loops read."""

    table: Array
    size: Ints  #: windows along each dimension
    complete: bool  #: every window holds a pixel
    counts: Array  #: pixels of the windows inside the image, all dimensions in a row
    full: Array  #: pixels of the windows, padding included


@lru_cache(256)
def _fixed_plan(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> Plan:
    sides = zip(size, kernel, stride, padding, dilation)
    return _plan([fixed_windows(*side, ceil_mode) for side in sides])


@lru_cache(256)
def _adaptive_plan(size: Ints, output_size: Ints) -> Plan:
    return _plan([adaptive_windows(*side) for side in zip(size, output_size)])


def _plan(sides: list[Windows]) -> Plan:
    boxes = [WHOLE] * (3 - len(sides)) + sides
    header = [*[len(side.first) for side in boxes], *[side.step for side in boxes]]
    rows = [row for side in boxes for row in (side.first, side.count)]
    return Plan(
        np.concatenate([header, _inner(boxes[2]), *rows]).astype(np.int64),
        tuple(len(side.first) for side in sides),
        all(min(side.count, default=0) for side in sides),
        np.concatenate([side.count for side in boxes]).astype(np.float64),
        np.concatenate([side.full for side in boxes]).astype(np.float64),
    )


def _inner(side: Windows) -> Ints:
    """The longest run of complete windows an even stride apart: first, end and stride."""
    complete = [w for w, count in enumerate(side.count) if count == max(side.count)]
    if len(complete) < 2:
        return 0, 0, 1
    low, high = complete[0], complete[0] + 1
    stride = side.first[complete[1]] - side.first[low]
    while high < len(side.first) and (side.first[high], side.count[high]) == (
        side.first[low] + (high - low) * stride,
        side.count[low],
    ):
        high += 1
    return (low, high, stride) if stride > 0 else (0, 0, 1)


def _suits(x: Array, plan: Plan) -> bool:
    """Whether the loops know the dtype, and every window holds a pixel."""
    known = x.dtype in FLOATS or is_half(x.dtype)
    return known and x.size > 0 and plan.complete and len(plan.size) <= 3


def _spatial(shape: Ints, rank: int) -> Ints:
    return shape[len(shape) - rank :]


def _planes(x: Array, rank: int) -> Array:
    """[planes, depth, height, width] in a dtype the loops know."""
    dtype = np.float32 if is_half(x.dtype) else x.dtype
    return np.ascontiguousarray(x, dtype).reshape(-1, *(1,) * (3 - rank), *_spatial(x.shape, rank))


def _empty(planes: Array, size: Ints) -> Array:
    return np.empty((len(planes), *(1,) * (3 - len(size)), *size), planes.dtype)


# ---- maximum


def max_pool_forward(
    x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> tuple[Array, Array]:
    """See ``shared.pooling``."""
    size = _spatial(x.shape, len(kernel))
    plan = _fixed_plan(size, kernel, stride, padding, dilation, ceil_mode)
    if not _suits(x, plan):
        return shared.max_pool_forward(x, kernel, stride, padding, dilation, ceil_mode)
    return _maximum(x, plan)


def adaptive_max_pool_forward(x: Array, output_size: Ints) -> tuple[Array, Array]:
    """See ``shared.pooling``."""
    plan = _adaptive_plan(_spatial(x.shape, len(output_size)), output_size)
    if not _suits(x, plan):
        return shared.adaptive_max_pool_forward(x, output_size)
    return _maximum(x, plan)


def _maximum(x: Array, plan: Plan) -> tuple[Array, Array]:
    rank = len(plan.size)
    planes, shape = _planes(x, rank), x.shape[: x.ndim - rank] + plan.size
    values = _empty(planes, plan.size)
    indices = np.empty(values.shape, np.int64)
    max_planes(planes, plan.table, values, indices)
    return rounded(values.reshape(shape), x.dtype), indices.reshape(shape)


def max_pool_backward(grad: Array, indices: Array, input_shape: Ints) -> Array:
    """See ``shared.pooling``."""
    if grad.size == 0 or not (grad.dtype in FLOATS or is_half(grad.dtype)):
        return shared.max_pool_backward(grad, indices, input_shape)
    dtype = np.float32 if is_half(grad.dtype) else grad.dtype
    planes = prod(input_shape[:2])
    dx = np.empty((planes, prod(input_shape[2:])), dtype)
    places = np.ascontiguousarray(indices).reshape(planes, -1)
    scatter_planes(np.ascontiguousarray(grad, dtype).reshape(planes, -1), places, dx)
    return rounded(dx.reshape(input_shape), grad.dtype)


# ---- average


def avg_pool_forward(
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """See ``shared.pooling``."""
    ones = (1,) * len(kernel)
    plan = _fixed_plan(_spatial(x.shape, len(kernel)), kernel, stride, padding, ones, ceil_mode)
    if not _suits(x, plan):
        return shared.avg_pool_forward(
            x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
        )
    return _sums(x, plan, _factors(plan, count_include_pad, divisor_override))


def adaptive_avg_pool_forward(x: Array, output_size: Ints) -> Array:
    """See ``shared.pooling``."""
    size = _spatial(x.shape, len(output_size))
    plan = _adaptive_plan(size, output_size)
    if not _suits(x, plan):
        return shared.adaptive_avg_pool_forward(x, output_size)
    if prod(output_size) > 1:
        return _sums(x, plan, plan.counts)
    rows = _planes(x, len(size)).reshape(-1, prod(size))
    out = np.empty(len(rows), rows.dtype)
    mean_planes(rows, rows.dtype.type(prod(size)), out)
    return rounded(out.reshape(x.shape[: x.ndim - len(size)] + output_size), x.dtype)


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
    """See ``shared.pooling``."""
    ones, size = (1,) * len(kernel), _spatial(input_shape, len(kernel))
    plan = _fixed_plan(size, kernel, stride, padding, ones, ceil_mode)
    if not _suits(grad, plan):
        options = ceil_mode, count_include_pad, divisor_override
        return shared.avg_pool_backward(grad, input_shape, kernel, stride, padding, *options)
    return _spread(grad, input_shape, plan, _factors(plan, count_include_pad, divisor_override))


def adaptive_avg_pool_backward(grad: Array, input_shape: Ints) -> Array:
    """See ``shared.pooling``."""
    plan = _adaptive_plan(input_shape[2:], grad.shape[2:])
    if not _suits(grad, plan):
        return shared.adaptive_avg_pool_backward(grad, input_shape)
    return _spread(grad, input_shape, plan, plan.counts)


def _factors(plan: Plan, with_padding: bool, override: int | None) -> Array:
    """What a box's sum is divided by, as three factors: one for each side of the box."""
    if override is None:
        return plan.full if with_padding else plan.counts
    factors = np.ones(len(plan.counts))
    factors[len(factors) - plan.size[-1] :] = override
    return factors


def _sums(x: Array, plan: Plan, factors: Array) -> Array:
    rank = len(plan.size)
    planes = _planes(x, rank)
    out = _empty(planes, plan.size)
    sum_planes(planes, plan.table, factors.astype(planes.dtype), out)
    return rounded(out.reshape(x.shape[: x.ndim - rank] + plan.size), x.dtype)


def _spread(grad: Array, shape: Ints, plan: Plan, factors: Array) -> Array:
    rank = len(plan.size)
    planes = _planes(grad, rank)
    dx = _empty(planes, _spatial(shape, rank))
    spread_planes(planes, plan.table, factors.astype(planes.dtype), dx)
    return rounded(dx.reshape(shape), grad.dtype)


silence(globals())
