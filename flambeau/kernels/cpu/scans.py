"""Running sums with compiled loops; see ``shared.scans``."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.scans import STRIP, cumsum_all
from flambeau.kernels.cpu.parallel import MOST
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import scans as shared


def cumsum(array: Any, dim: int) -> Any:
    """See ``shared.scans``."""
    if array.ndim == 0 or array.size == 0 or array.dtype not in _CARRIED:
        return shared.cumsum(array, dim)
    shape, carried = array.shape, _CARRIED[array.dtype]
    folded = (prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))
    out = np.empty(shape, carried if carried is np.int64 else array.dtype)
    rows = np.ascontiguousarray(array).reshape(folded)
    cumsum_all(rows, out.reshape(folded), np.empty((MOST, STRIP), carried))
    return out


_CARRIED = {
    np.dtype(np.float32): np.float64, np.dtype(np.float64): np.float64,
    np.dtype(np.int32): np.int64, np.dtype(np.int64): np.int64,
}  # fmt: skip
silence(globals())
