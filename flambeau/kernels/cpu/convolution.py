"""Convolution with compiled loops; see ``shared.convolution`` for what the functions return.

One- and two-dimensional, float32. A window of one pixel is a plain product and stays with
OpenBLAS; see ``docs/design`` for which loops serve which shapes.
"""

from __future__ import annotations

import os
from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.conv_plans import (
    Plan,
    WeightPlan,
    panel_plan,
    weight_plan,
    winograd_plan,
)
from flambeau.kernels.cpu.loops import conv_panels, conv_weight, conv_winograd, depthwise
from flambeau.kernels.cpu.loops.channels_last import pack_weight
from flambeau.kernels.cpu.loops.tile import LANES, ROWS, WIDTH
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
    if _suits_winograd(x.shape, weight.shape, x.shape[1], stride, dilation, groups):
        return _winograd(x, weight, bias, padding, False)
    plan = _plan(x.shape, weight.shape, stride, padding, dilation, groups)
    if weight.shape[1] == 1 < groups:
        return _depthwise_forward(plan, x, weight, bias, out)
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
    if max(padding) <= 2 and _suits_winograd(
        grad.shape, weight.shape, len(weight), stride, dilation, groups
    ):
        return _winograd(grad, weight, None, tuple(2 - p for p in padding), True)
    plan = _plan((len(grad), *input_shape[1:]), weight.shape, stride, padding, dilation, groups)
    if weight.shape[1] == 1 < groups:
        return _depthwise_input_grad(plan, grad, weight, input_shape)
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
    return _gathered(plan, flat[: batch * plan.image], input_shape)


def _gathered(plan: Plan, dealt: Array, input_shape: Ints) -> Array:
    """The images whose dealt form this is."""
    result = np.empty(input_shape, np.float32)
    planes = dealt.reshape(input_shape[0] * input_shape[1], len(plan.used), -1)
    image = result.reshape(len(planes), -1, input_shape[-1])
    conv_panels.gather(image, planes, plan.used, plan.geometry)
    return result


# ---- depthwise


def _image(array: Array) -> Array:
    """[N, C, height, width], contiguous."""
    shape = array.shape if array.ndim == 4 else (*array.shape[:2], 1, array.shape[2])
    return np.ascontiguousarray(array).reshape(shape)


def _channels(flat: Array, count: int) -> Array:
    """The dealt images [images and channels, numbers]."""
    return flat[: len(flat) - WIDTH].reshape(count, -1)


def _depthwise_forward(plan: Plan, x: Array, weight: Array, bias: Array | None, out: Ints) -> Array:
    dealt = _channels(_dealt(plan, x, Scratch()), len(x) * x.shape[1])
    result = np.empty((len(x), len(weight), *out), np.float32)
    depthwise.forward(
        dealt,
        np.ascontiguousarray(weight).reshape(len(weight), -1),
        np.zeros(len(weight), np.float32)
        if bias is None
        else np.ascontiguousarray(bias, np.float32),
        _image(result),
        plan.taps,
        plan.geometry[5],
    )
    return result


def _depthwise_input_grad(plan: Plan, grad: Array, weight: Array, input_shape: Ints) -> Array:
    count = len(grad) * input_shape[1]
    dealt = _channels(Scratch().take(len(grad) * plan.image + WIDTH), count)
    flat = np.ascontiguousarray(weight).reshape(len(weight), -1)
    depthwise.input_gradient(_image(grad), flat, dealt, plan.taps, plan.geometry[5])
    return _gathered(plan, dealt, input_shape)


def _depthwise_weight_grad(plan: Plan, grad: Array, x: Array, weight_shape: Ints) -> Array:
    dealt = _channels(_dealt(plan, x, Scratch()), len(x) * x.shape[1])
    result = np.empty(weight_shape, np.float32)
    flat = result.reshape(weight_shape[0], -1)
    depthwise.weight_gradient(_image(grad), dealt, flat, plan.taps, plan.geometry[5])
    return result


# ---- 3 x 3 with stride 1

ENOUGH_TILES = 32  #: of the whole batch: fewer don't pay for transforming the weight
WINOGRAD = os.environ.get("FLAMBEAU_WINOGRAD", "1") != "0"


def _suits_winograd(
    shape: Ints, weight_shape: Ints, channels: int, stride: Ints, dilation: Ints, groups: int
) -> bool:
    """Whether Winograd's algorithm applies and pays; it is ten times less accurate."""
    if not WINOGRAD or weight_shape[2:] != (3, 3) or groups != 1 or channels % LANES:
        return False
    tiles = shape[0] * -(-shape[2] // 4) * -(-shape[3] // 4)
    return stride == dilation == (1, 1) and tiles >= ENOUGH_TILES


def _winograd(x: Array, weight: Array, bias: Array | None, padding: Ints, swapped: bool) -> Array:
    """The convolution of x; swapped, that of a gradient with the same weight: the input's."""
    threads, scratch = get_threads(), Scratch()
    batch, channels = x.shape[:2]
    filters = weight.shape[1 if swapped else 0]
    panels = scratch.take(-(-filters // WIDTH), 9, channels, WIDTH)
    spectra = scratch.take(conv_winograd.FREQUENCIES, len(panels), channels, WIDTH)
    pack_weight(np.ascontiguousarray(weight).reshape(*weight.shape[:2], 9), panels, swapped)
    conv_winograd.transform_weight(panels, spectra, swapped)
    plan = winograd_plan(batch, channels, x.shape[2:], padding, threads)
    out = conv_size(x.shape[2:], (3, 3), (1, 1), padding, (1, 1))
    result = np.empty((batch, filters, *out), np.float32)
    stage = conv_winograd.SIZE * (out[1] + conv_winograd.SPAN)
    conv_winograd.convolve(
        np.ascontiguousarray(x).reshape(-1),
        spectra,
        np.zeros(filters, np.float32) if bias is None else np.ascontiguousarray(bias, np.float32),
        result.reshape(batch, filters, -1),
        plan.places,
        scratch.take(threads, plan.slab),
        scratch.take(threads, conv_winograd.FREQUENCIES, plan.tiles + ROWS, channels),
        scratch.take(threads, conv_winograd.FREQUENCIES, plan.tiles + ROWS, WIDTH),
        scratch.take(threads, stage, WIDTH),
        plan.sizes,
    )
    return result


# ---- the gradient of the weight

MOST_GROUPS = 8  #: above, one product of all groups is better than a call for each


def conv_weight_grad(
    grad: Array,
    x: Array,
    weight_shape: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """See ``shared.convolution``."""
    if is_half(x.dtype) and is_half(grad.dtype):
        wide = grad.astype(np.float32), x.astype(np.float32)
        return conv_weight_grad(*wide, weight_shape, stride, padding, dilation, groups).astype(
            grad.dtype
        )
    known = _suits(grad, x) and prod(weight_shape)
    if known and weight_shape[1] == 1 < groups:
        plan = _plan(x.shape, weight_shape, stride, padding, dilation, groups)
        return _depthwise_weight_grad(plan, grad, x, weight_shape)
    if not known or groups > MOST_GROUPS or prod(weight_shape[2:]) == 1:
        return shared.conv_weight_grad(grad, x, weight_shape, stride, padding, dilation, groups)
    filters, channels = weight_shape[0] // groups, weight_shape[1]
    plan = weight_plan(
        len(x),
        channels,
        filters,
        _flat(x.shape[2:], 1),
        _flat(weight_shape[2:], 1),
        _flat(grad.shape[2:], 1),
        _flat(stride, 1),
        _flat(padding, 0),
        _flat(dilation, 1),
    )
    result = np.empty(weight_shape, np.float32)
    for g in range(groups):
        own, read = slice(g * filters, (g + 1) * filters), slice(g * channels, (g + 1) * channels)
        _weight_gradient(plan, grad[:, own], x[:, read], result[own])
    return result


def _weight_gradient(plan: WeightPlan, grad: Array, x: Array, result: Array) -> None:
    batch, filters, channels = len(x), grad.shape[1], x.shape[1]
    rows, across = _flat(result.shape[2:], 1)
    out_rows, out_width = _flat(grad.shape[2:], 1)
    panels, threads, scratch = -(-filters // WIDTH), get_threads(), Scratch()
    parts = 1 if panels >= 2 * threads else min(batch, 2 * threads)
    numbers = out_rows * out_width * plan.width
    grads = scratch.take(batch * numbers + WIDTH)[: batch * numbers].reshape(batch, numbers)
    conv_weight.weight_gradient(
        np.ascontiguousarray(x).reshape(batch, channels, -1),
        np.ascontiguousarray(grad).reshape(batch, filters, -1),
        scratch.take(batch, plan.image),
        grads,
        plan.places,
        plan.spots,
        scratch.take(parts, rows, across * channels, plan.width),
        result.reshape(filters, channels, -1),
        plan.taps,
        plan.a_parts,
        plan.b_parts,
        (plan.window_row, plan.pixel, out_rows, out_width, parts),
    )


silence(globals())
