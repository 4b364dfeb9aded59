"""Convolution with compiled loops; see ``shared.convolution`` for what the functions return.

One- and two-dimensional, float32. A window of one pixel is a plain product and stays with
OpenBLAS; see ``docs/design`` for which loops serve which shapes.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.conv_plans import Plan, panel_plan
from flambeau.kernels.cpu.loops import conv_panels
from flambeau.kernels.cpu.loops.tile import ROWS, WIDTH
from flambeau.kernels.cpu.parallel import get_threads
from flambeau.kernels.cpu.scratch import Scratch
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import convolution as shared
from flambeau.kernels.shared.convolution import conv_size
from flambeau.kernels.shared.precision import is_half

Array = Any
Ints = tuple[int, ...]


def _suits(*arrays: Array) -> bool:
    """Whether the loops know dtype and rank."""
    first = arrays[0]
    return (
        first.ndim in (3, 4)
        and all(array.dtype == np.float32 for array in arrays)
        and all(array.size for array in arrays)
    )


def _flat(values: Ints, missing: int) -> Ints:
    """Two values, of a dimension or two."""
    return values if len(values) == 2 else (missing, *values)


def _plan(
    x_shape: Ints, weight_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Plan:
    out = conv_size(x_shape[2:], weight_shape[2:], stride, padding, dilation)
    return panel_plan(
        x_shape[0],
        x_shape[1],
        groups,
        weight_shape[0],
        _flat(x_shape[2:], 1),
        _flat(weight_shape[2:], 1),
        _flat(out, 1),
        _flat(stride, 1),
        _flat(padding, 0),
        _flat(dilation, 1),
    )


def _parts(items: int, most: int) -> int:
    """In how many parts to cut each item so that all threads have work."""
    threads = get_threads()
    return 1 if items >= 4 * threads or threads == 1 else max(1, min(most, 2 * threads))


def conv_forward(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """See ``shared.convolution``."""
    if is_half(x.dtype) and is_half(weight.dtype):
        wide = [None if a is None else a.astype(np.float32) for a in (x, weight, bias)]
        return conv_forward(*wide, stride, padding, dilation, groups).astype(x.dtype)
    out = conv_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    if not _suits(x, weight) or 0 in out or _is_product(weight.shape, stride, padding):
        return shared.conv_forward(x, weight, bias, stride, padding, dilation, groups)
    plan = _plan(x.shape, weight.shape, stride, padding, dilation, groups)
    return _panels_forward(plan, x, weight, bias, out, groups)


def _is_product(window: Ints, stride: Ints, padding: Ints) -> bool:
    return prod(window[2:]) == 1 and set(stride) == {1} and not any(padding)


def _panels_forward(
    plan: Plan, x: Array, weight: Array, bias: Array | None, out: Ints, groups: int
) -> Array:
    batch, filters, threads = len(x), len(weight), get_threads()
    scratch = Scratch()
    dealt = _dealt(plan, x, scratch)
    result = np.empty((batch, filters, *out), np.float32)
    cells = -(-batch // plan.together) * (len(plan.ends) - 1) * groups
    splits = _parts(cells, filters // groups // ROWS)
    conv_panels.forward(
        dealt,
        np.ascontiguousarray(weight).reshape(filters, -1),
        np.zeros(filters, np.float32) if bias is None else np.ascontiguousarray(bias, np.float32),
        result.reshape(batch, filters, -1),
        plan.taps,
        plan.runs,
        plan.ends,
        (batch, plan.together, plan.image, groups, plan.image // groups, splits),
        scratch.take(threads, conv_panels.STEPS + 1, WIDTH),
        scratch.take(threads, filters // groups + ROWS, WIDTH),
    )
    return result


def _dealt(plan: Plan, x: Array, scratch: Scratch) -> Array:
    """The padded image in planes; there is room for a vector behind the last."""
    batch, channels = x.shape[:2]
    image = np.ascontiguousarray(x).reshape(batch * channels, -1, x.shape[-1])
    flat = scratch.take(batch * plan.image + WIDTH)
    planes = flat[: batch * plan.image].reshape(batch * channels, len(plan.used), -1)
    conv_panels.deal(image, planes, plan.used, plan.geometry)
    return flat


def conv_input_grad(
    grad: Array,
    weight: Array,
    input_shape: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """See ``shared.convolution``."""
    if is_half(grad.dtype) and is_half(weight.dtype):
        wide = grad.astype(np.float32), weight.astype(np.float32)
        return conv_input_grad(*wide, input_shape, stride, padding, dilation, groups).astype(
            grad.dtype
        )
    known = _suits(grad, weight) and prod(input_shape)
    if not known or _is_product(weight.shape, stride, padding):
        return shared.conv_input_grad(grad, weight, input_shape, stride, padding, dilation, groups)
    plan = _plan((len(grad), *input_shape[1:]), weight.shape, stride, padding, dilation, groups)
    return _panels_input_grad(plan, grad, weight, input_shape, groups)


def _panels_input_grad(
    plan: Plan, grad: Array, weight: Array, input_shape: Ints, groups: int
) -> Array:
    batch, filters, channels = len(grad), len(weight), input_shape[1]
    threads, scratch = get_threads(), Scratch()
    flat = scratch.take(batch * plan.image + WIDTH)
    turned = scratch.take(groups * len(plan.taps), filters // groups)
    conv_panels.turn(np.ascontiguousarray(weight).reshape(filters, -1), turned, groups)
    parts = _parts(-(-batch // plan.together) * groups, channels // groups)
    sizes = (
        batch,
        plan.together,
        plan.image,
        groups,
        plan.image // groups,
        parts,
        channels // groups,
    )
    conv_panels.input_gradient(
        np.ascontiguousarray(grad).reshape(batch, filters, -1),
        turned,
        flat,
        plan.taps,
        plan.runs,
        plan.ends,
        sizes,
        scratch.take(threads, conv_panels.STEPS + 1, WIDTH),
        scratch.take(threads, conv_panels.BLOCK + ROWS, WIDTH),
    )
    result = np.empty(input_shape, np.float32)
    planes = flat[: batch * plan.image].reshape(batch * channels, len(plan.used), -1)
    image = result.reshape(batch * channels, -1, input_shape[-1])
    conv_panels.gather(image, planes, plan.used, plan.geometry)
    return result


conv_weight_grad = shared.conv_weight_grad

silence(globals())
