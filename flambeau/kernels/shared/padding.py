"""Borders around the last dimensions: a constant, or pixels of the image.

``pads`` holds the number of elements before and after each padded dimension, the last one first.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any
Ints = tuple[int, ...]


def padded_shape(shape: Ints, pads: Ints) -> Ints:
    """The shape with its borders."""
    size = list(shape)
    for i in range(len(pads) // 2):
        size[-1 - i] += pads[2 * i] + pads[2 * i + 1]
    return tuple(size)


def constant(x: Array, pads: Ints, value: Any) -> Array:
    """A border of one value; negative numbers crop."""
    result = xp.empty(padded_shape(x.shape, pads), x.dtype)
    result[...] = value
    inner, outer = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for i in range(len(pads) // 2):
        before, after, n = pads[2 * i], pads[2 * i + 1], x.shape[-1 - i]
        inner[-1 - i] = slice(max(0, -before), n - max(0, -after))
        outer[-1 - i] = slice(max(0, before), max(0, before) + n - max(0, -after) - max(0, -before))
    result[tuple(outer)] = x[tuple(inner)]
    return result


def sources(n: int, before: int, after: int, mode: str) -> list[int]:
    """Which pixel each element of a padded line of ``n`` pixels repeats."""
    places = range(-before, n + after)
    if mode == "circular":
        return [p % n for p in places]
    if mode == "replicate":
        return [min(max(p, 0), n - 1) for p in places]
    return [abs(p) if p < n else 2 * (n - 1) - p for p in places]


def repeated(x: Array, pads: Ints, mode: str) -> Array:
    """A border that repeats pixels: ``reflect``, ``replicate`` or ``circular``."""
    for i in range(len(pads) // 2):
        axis = x.ndim - 1 - i
        places = sources(x.shape[axis], pads[2 * i], pads[2 * i + 1], mode)
        x = x.take(xp.asarray(places, dtype=xp.int64), axis)
    return x


def repeated_grad(grad: Array, pads: Ints, mode: str) -> Array:
    """The gradient of ``x`` of ``repeated``: borders are added to the pixels they repeat."""
    for i in range(len(pads) // 2):
        grad = _folded(grad, grad.ndim - 1 - i, pads[2 * i], pads[2 * i + 1], mode)
    return grad


def _folded(grad: Array, axis: int, before: int, after: int, mode: str) -> Array:
    n = grad.shape[axis] - before - after
    lead = (slice(None),) * axis
    result = xp.zeros((*grad.shape[:axis], n, *grad.shape[axis + 1 :]), grad.dtype)
    first, last = max(0, -before), n - max(0, -after)
    result[(*lead, slice(first, last))] = grad[(*lead, slice(first + before, last + before))]
    for place, pixel in enumerate(sources(n, before, after, mode)):
        if place < before or place >= before + n:
            result[(*lead, pixel)] += grad[(*lead, place)]
    return result


silence(globals())
