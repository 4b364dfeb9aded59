"""Convolution and its two gradients, for one to three (or any number of) spatial dimensions.

The taps under every result are gathered into a matrix (im2col) and one product per group does the
arithmetic; ``conv_input_grad`` is the transposed product, scattered back tap by tap. A few images
are laid out at a time, so that the matrix stays near the caches.

Arrays are ``[N, C, *spatial]`` and weights ``[O, C / groups, *window]``; ``stride``, ``padding``
and ``dilation`` hold one int per spatial dimension. Any strides in memory; results are contiguous.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.precision import optional_wide, rounded, wide

Array = Any
Ints = tuple[int, ...]

COLUMNS = 1 << 20  #: numbers of the matrix that are laid out at a time


def conv_size(size: Ints, window: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Ints:
    """The spatial shape of a convolution's result."""
    return tuple(
        (n + 2 * p - d * (w - 1) - 1) // s + 1
        for n, w, s, p, d in zip(size, window, stride, padding, dilation)
    )


@compiled(minimum=32768, loaded=1024)
def conv_forward(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """The convolution of ``x`` with ``weight``, plus ``bias`` [O]: [N, O, *out]."""
    wide_x, wide_weight, bias = wide(x), wide(weight), optional_wide(bias)
    batch, filters, window = len(x), len(weight), weight.shape[2:]
    out = conv_size(x.shape[2:], window, stride, padding, dilation)
    matrix = _matrix(wide_weight, groups)
    result = xp.empty((batch, filters, *out), wide_x.dtype)
    for part in _parts(batch, prod(weight.shape[1:]) * groups * prod(out)):
        images = _padded(wide_x[part], padding)
        taps = _columns(images, window, out, stride, dilation, groups)
        sums = xp.matmul(matrix, taps).reshape(filters, len(images), *out)
        if bias is not None:
            sums += bias.reshape(-1, *(1,) * (1 + len(out)))
        result[part] = sums.swapaxes(0, 1)
    return rounded(result, x.dtype)


@compiled(minimum=32768, loaded=1024)
def conv_input_grad(
    grad: Array,
    weight: Array,
    input_shape: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """The gradient of ``x`` [``input_shape``] from that of the result; also conv_transpose."""
    wide_grad, wide_weight = wide(grad), wide(weight)
    batch, out = len(grad), grad.shape[2:]
    channels, size, window = input_shape[1], input_shape[2:], weight.shape[2:]
    matrix = _matrix(wide_weight, groups).swapaxes(1, 2)
    border = tuple(n + 2 * p for n, p in zip(size, padding))
    inside = (slice(None), slice(None), *[slice(p, p + n) for n, p in zip(size, padding)])
    result = xp.empty(input_shape, wide_grad.dtype)
    for part in _parts(batch, prod(weight.shape[1:]) * groups * prod(out)):
        taps = xp.matmul(matrix, _channels_first(wide_grad[part], groups))
        count = len(wide_grad[part])
        image = xp.zeros((channels, count, *border), taps.dtype)
        taps = taps.reshape(channels, *window, count, *out)
        for tap in product(*map(range, window)):
            image[_under(tap, out, stride, dilation)] += taps[(slice(None), *tap)]
        result[part] = image[inside].swapaxes(0, 1)
    return rounded(result, grad.dtype)


@compiled(minimum=32768, loaded=1024)
def conv_weight_grad(
    grad: Array,
    x: Array,
    weight_shape: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """The gradient of the weight [``weight_shape``] from that of the result."""
    wide_grad, wide_x = wide(grad), wide(x)
    filters, window, out = weight_shape[0], weight_shape[2:], grad.shape[2:]
    total = xp.zeros((groups, filters // groups, prod(weight_shape[1:])), wide_grad.dtype)
    for part in _parts(len(x), prod(weight_shape[1:]) * groups * prod(out)):
        taps = _columns(_padded(wide_x[part], padding), window, out, stride, dilation, groups)
        total += xp.matmul(_channels_first(wide_grad[part], groups), taps.swapaxes(1, 2))
    return rounded(total.reshape(weight_shape), grad.dtype)


def _parts(batch: int, numbers: int) -> list[slice]:
    """The images to lay out at a time, where one takes ``numbers`` of the matrix."""
    step = max(1, COLUMNS // max(1, numbers))
    return [slice(first, first + step) for first in range(0, batch, step)]


def _matrix(weight: Array, groups: int) -> Array:
    """The weight as [groups, O / groups, K]."""
    return weight.reshape(groups, len(weight) // groups, prod(weight.shape[1:]))


def _padded(x: Array, padding: Ints) -> Array:
    if not any(padding):
        return x
    size = x.shape[2:]
    image = xp.zeros((*x.shape[:2], *[n + 2 * p for n, p in zip(size, padding)]), x.dtype)
    image[(slice(None), slice(None), *[slice(p, p + n) for n, p in zip(size, padding)])] = x
    return image


def _columns(
    image: Array, window: Ints, out: Ints, stride: Ints, dilation: Ints, groups: int
) -> Array:
    """The taps under every result: [groups, (channel, *window), (image, *out)]."""
    batch, channels, *_ = image.shape
    first, second, *steps = image.strides
    shape = (groups, channels // groups, *window, batch, *out)
    if 0 in shape:
        return xp.zeros((groups, channels // groups * prod(window), batch * prod(out)), image.dtype)
    taps = [step * d for step, d in zip(steps, dilation)]
    pixels = [step * s for step, s in zip(steps, stride)]
    strides = (second * (channels // groups), second, *taps, first, *pixels)
    view = xp.lib.stride_tricks.as_strided(image, shape, strides)
    return view.reshape(groups, channels // groups * prod(window), batch * prod(out))


def _channels_first(grad: Array, groups: int) -> Array:
    """[N, O, *out] as [groups, O / groups, (N, *out)]."""
    filters = grad.shape[1]
    return grad.swapaxes(0, 1).reshape(
        groups, filters // groups, grad.shape[0] * prod(grad.shape[2:])
    )


def _under(tap: Ints, out: Ints, stride: Ints, dilation: Ints) -> tuple[slice, ...]:
    """Where in the padded image this tap of every result lies."""
    spans = [
        slice(t * d, t * d + s * (n - 1) + 1, s) if n else slice(0, 0)
        for t, n, s, d in zip(tap, out, stride, dilation)
    ]
    return (slice(None), slice(None), *spans)


silence(globals())
