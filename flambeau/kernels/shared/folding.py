"""Sliding blocks of images as columns, and their sum."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any
Ints = tuple[int, ...]


def blocks(size: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Ints:
    """The number of blocks along each dimension."""
    sides = zip(size, kernel, dilation, padding, stride)
    return tuple([(m + 2 * p - d * (k - 1) - 1) // s + 1 for m, k, d, p, s in sides])


def columns(x: Array, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Array:
    """``[N, C, H, W]`` as ``[N, C * prod(kernel), number of blocks]``."""
    size = x.shape[2:]
    count = blocks(size, kernel, dilation, padding, stride)
    image = xp.zeros((*x.shape[:2], *[m + 2 * p for m, p in zip(size, padding)]), x.dtype)
    image[(..., *[slice(p, p + m) for m, p in zip(size, padding)])] = x
    result = xp.empty((*x.shape[:2], *kernel, *count), x.dtype)
    for tap in product(*map(range, kernel)):
        result[(slice(None), slice(None), *tap)] = image[_under(tap, count, dilation, stride)]
    return result.reshape(x.shape[0], x.shape[1] * prod(kernel), prod(count))


def summed(
    x: Array, size: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> Array:
    """``[N, C * prod(kernel), number of blocks]`` added up in images ``[N, C, *size]``."""
    count = blocks(size, kernel, dilation, padding, stride)
    channels = x.shape[1] // prod(kernel)
    taps = x.reshape(x.shape[0], channels, *kernel, *count)
    image = xp.zeros((x.shape[0], channels, *[m + 2 * p for m, p in zip(size, padding)]), x.dtype)
    for tap in product(*map(range, kernel)):
        image[_under(tap, count, dilation, stride)] += taps[(slice(None), slice(None), *tap)]
    inside = (..., *[slice(p, p + m) for m, p in zip(size, padding)])
    return xp.ascontiguousarray(image[inside])


def _under(tap: Ints, count: Ints, dilation: Ints, stride: Ints) -> tuple[Any, ...]:
    """Where in the padded image this tap of every block lies."""
    spans = [
        slice(t * d, t * d + s * (n - 1) + 1, s) for t, n, d, s in zip(tap, count, dilation, stride)
    ]
    return (..., *spans)


silence(globals())
