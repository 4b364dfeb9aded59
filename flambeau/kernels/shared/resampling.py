"""Resizing of images, one dimension after the other: each new pixel is a weighted sum of a few old
ones. ``Line`` says how many, and which, for one dimension; the gradient is the transposed sum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy
import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled

Array = Any


class Line(NamedTuple):
    """How one dimension is resized."""

    extent: int  #: pixels before
    size: int  #: pixels after
    mode: str  #: nearest, nearest-exact, linear, cubic or lanczos
    align: bool  #: the centres of the first and last pixels stay where they are
    scale: float  #: pixels after per pixel before, when the caller says so; else 0
    antialias: bool


@compiled(minimum=1 << 17, loaded=1 << 14)
def resample(x: Array, lines: tuple[Line, ...], transposed: bool) -> Array:
    """``x`` resized along its last dimensions, or the gradient of such an ``x``."""
    for i, line in enumerate(reversed(lines)):
        axis = x.ndim - 1 - i
        if x.dtype.kind == "u" and line.mode[:7] != "nearest":
            x = _bytes_along(x, axis, line)
        else:
            x = _along(x, axis, line, transposed)
    return x


def stays(line: Line) -> bool:
    """Whether resizing changes nothing."""
    return line.size == line.extent and not (line.scale or line.mode in ("cubic", "lanczos"))


def _along(x: Array, axis: int, line: Line, transposed: bool) -> Array:
    if stays(line):
        return x
    places, weights = (transposed_taps if transposed else taps)(line)
    if len(places) == 1 and weights is None:
        return x.take(xp.asarray(places[0]), axis)
    shape = (-1, *(1,) * (x.ndim - 1 - axis))
    total: Any = None
    for place, weight in zip(places, weights):
        part = x.take(xp.asarray(place), axis)
        part *= xp.asarray(weight, dtype=x.dtype).reshape(shape)
        total = part if total is None else xp.add(total, part, out=total)
    return total


def _bytes_along(x: Array, axis: int, line: Line) -> Array:
    """``_along`` for bytes: weights are 16-bit fractions, results rounded per dimension."""
    if line.size == line.extent and not line.scale:
        return x
    places, weights = _byte_taps(line)
    bits, top = 0, weights.max(initial=0)
    while bits < 22 and int(0.5 + top * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    shape = (-1, *(1,) * (x.ndim - 1 - axis))
    total: Any = 1 << (bits - 1)
    for place, weight in zip(places, weights):
        whole = numpy.trunc(weight * (1 << bits) + numpy.copysign(0.5, weight)).astype(numpy.int64)
        part = x.take(xp.asarray(place), axis).astype(xp.int64)
        total = total + part * xp.asarray(whole).reshape(shape)
    return xp.clip(total >> bits, 0, 255).astype(x.dtype)


@lru_cache(64)
def _byte_taps(line: Line) -> tuple[numpy.ndarray, numpy.ndarray]:
    """``taps``, those on one border pixel added up: each pixel's weight is rounded once."""
    places, weights = taps(line)
    assert weights is not None
    weights = weights.copy()
    for tap in range(len(places) - 1):
        same = places[tap] == places[tap + 1]
        weights[tap + 1] += numpy.where(same, weights[tap], 0)
        weights[tap][same] = 0
    return places, weights


@lru_cache(64)
def taps(line: Line) -> tuple[numpy.ndarray, numpy.ndarray | None]:
    """The old pixels under each new one, ``[taps, size]``, and their weights (None: all 1)."""
    if line.mode[:7] == "nearest":
        return _nearest(line)[None], None
    if line.antialias:
        return _wide_taps(line)
    source = _source(line)
    first = numpy.floor(source)
    part = source - first
    if line.mode == "linear":
        first = first.clip(0, line.extent - 1)
        part = (source - first).clip(0, 1)
        weights, start = numpy.stack((1 - part, part)), first
    else:
        offsets = numpy.arange(-1, 3)[:, None]
        weights, start = _cubic(numpy.abs(part - offsets), -0.75), first - 1
    places = start + numpy.arange(len(weights))[:, None]
    return places.clip(0, line.extent - 1).astype(numpy.int64), weights


@lru_cache(64)
def transposed_taps(line: Line) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The new pixels over each old one and their weights, ``[taps, extent]``."""
    places, weights = taps(line)
    if weights is None:
        weights = numpy.ones(places.shape)
    pixel, weight = places.T.reshape(-1), weights.T.reshape(-1)
    result = numpy.repeat(numpy.arange(line.size), len(places))
    order = numpy.argsort(pixel, kind="stable")
    pixel, result, weight = pixel[order], result[order], weight[order]
    count = numpy.bincount(pixel, minlength=line.extent)
    rank = numpy.arange(len(pixel)) - numpy.repeat(numpy.cumsum(count) - count, count)
    back = numpy.zeros((max(1, count.max(initial=1)), line.extent), numpy.int64)
    share = numpy.zeros(back.shape)
    back[rank, pixel], share[rank, pixel] = result, weight
    return back, share


def _nearest(line: Line) -> numpy.ndarray:
    """In single precision, whose rounding decides where pixels fall between two."""
    step = numpy.float32(1 / line.scale if line.scale else line.extent / line.size)
    places = numpy.arange(line.size).astype(numpy.float32)
    if line.mode == "nearest-exact":
        places = places + numpy.float32(0.5)
    return numpy.floor(places * step).astype(numpy.int64).clip(0, line.extent - 1)


def _source(line: Line) -> numpy.ndarray:
    """Where the centre of each new pixel lies among the old ones."""
    places = numpy.arange(line.size)
    if line.align:
        return places * ((line.extent - 1) / (line.size - 1) if line.size > 1 else 0.0)
    source = (places + 0.5) * _step(line) - 0.5
    return source.clip(0) if line.mode == "linear" else source


def _step(line: Line) -> float:
    """Old pixels per new pixel."""
    return 1 / line.scale if line.scale else line.extent / line.size


def _wide_taps(line: Line) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Taps of a filter that is widened when the image shrinks, normalised at the borders."""
    if line.align:
        step = (line.extent - 1) / (line.size - 1) if line.size > 1 else 0.0
    else:
        step = _step(line)
    reach, kernel = _FILTERS[line.mode]
    support = reach * max(step, 1)
    centre = step * (numpy.arange(line.size) + 0.5)
    first = numpy.floor(centre - support + 0.5).clip(0).astype(numpy.int64)
    last = numpy.floor(centre + support + 0.5).clip(None, line.extent).astype(numpy.int64)
    offsets = numpy.arange(max(1, int((last - first).max(initial=1))))[:, None]
    weights = kernel(numpy.abs((offsets + first - centre + 0.5) / max(step, 1)))
    weights = numpy.where(offsets < last - first, weights, 0)
    total = weights.sum(0)
    weights = weights / numpy.where(total == 0, 1, total)
    return (first + offsets).clip(0, line.extent - 1), weights


def _linear(distance: numpy.ndarray) -> numpy.ndarray:
    return (1 - distance).clip(0)


def _cubic(distance: numpy.ndarray, a: float) -> numpy.ndarray:
    """The cubic convolution kernel. (Keys, 1981.)"""
    d = distance
    inner = ((a + 2) * d - (a + 3)) * d * d + 1
    outer = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return numpy.where(d < 1, inner, numpy.where(d < 2, outer, 0))


def _lanczos(distance: numpy.ndarray) -> numpy.ndarray:
    """A sinc in the window of another, three times as wide."""
    return numpy.where(distance < 3, numpy.sinc(distance) * numpy.sinc(distance / 3), 0)


_FILTERS: dict[str, tuple[int, Callable[[numpy.ndarray], numpy.ndarray]]] = {
    "linear": (1, _linear),
    "cubic": (2, lambda distance: _cubic(distance, -0.5)),
    "lanczos": (3, _lanczos),
}

silence(globals())
