"""Copies with compiled loops; see ``shared.copying``."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.copying import SIDE, turn
from flambeau.kernels.cpu.parallel import MOST
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import copying as shared

Array = Any
WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
SMALL = 16  #: sizes of a dimension below which NumPy's copy is as fast


def in_order(array: Array, shape: tuple[int, ...]) -> Array:
    """See ``shared.copying``."""
    word = WORDS.get(array.itemsize)
    dense = _dense(array)
    if word is None or dense is None or array.shape[dense] < SMALL or array.shape[-1] < SMALL:
        return shared.in_order(array, shape)
    result = np.empty(array.shape, array.dtype)
    size = array.itemsize
    steps = [step // size for step in array.strides]
    strides = [step // size for step in result.strides]
    others = [d for d in range(array.ndim - 1) if d != dense]
    extent = 1 + sum([(n - 1) * step for n, step in zip(array.shape, steps)])
    turn(
        np.lib.stride_tricks.as_strided(array, (extent,), (size,)).view(word),
        result.reshape(-1).view(word),
        _offsets(array.shape, steps, others),
        _offsets(array.shape, strides, others),
        np.empty((MOST, SIDE, SIDE), word),
        (array.shape[dense], array.shape[-1], steps[-1], strides[dense]),
    )
    return result.reshape(shape)


def _dense(array: Array) -> int | None:
    """The dimension, not the last, along which the elements are neighbours in memory."""
    size = array.itemsize
    if not array.size or any([step < 0 or step % size for step in array.strides]):
        return None
    found = [d for d in range(array.ndim - 1) if array.strides[d] == size and array.shape[d] > 1]
    return found[0] if found and array.strides[-1] > size else None


def _offsets(shape: tuple[int, ...], steps: list[int], dims: list[int]) -> Array:
    """Where the matrices of the other dimensions start, in elements."""
    offsets = np.zeros(1, np.int64)
    for d in dims:
        offsets = np.add.outer(offsets, np.arange(shape[d]) * steps[d]).reshape(-1)
    return offsets


silence(globals())
