"""Resizing with compiled loops; see ``shared.resampling``."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.resampling import resample_all
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import resampling as shared
from flambeau.kernels.shared.resampling import Line

Array = Any


def resample(x: Array, lines: tuple[Line, ...], transposed: bool) -> Array:
    """See ``shared.resampling``."""
    nearest = lines[0].mode[:7] == "nearest" and not transposed
    if nearest or x.dtype not in (np.float32, np.float64) or not x.size:
        return shared.resample(x, lines, transposed)
    for i, line in enumerate(reversed(lines)):
        if not shared.stays(line):
            x = _along(np.ascontiguousarray(x), x.ndim - 1 - i, line, transposed)
    return x


def _along(x: Array, axis: int, line: Line, transposed: bool) -> Array:
    places, weights = (shared.transposed_taps if transposed else shared.taps)(line)
    if weights is None:
        weights = np.ones(places.shape)
    shape, size = x.shape, places.shape[1]
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    out = np.empty((*shape[:axis], size, *shape[axis + 1 :]), x.dtype)
    resample_all(
        x.reshape(outer, shape[axis], inner), places, weights.astype(x.dtype),
        out.reshape(outer, size, inner),
    )  # fmt: skip
    return out


silence(globals())
