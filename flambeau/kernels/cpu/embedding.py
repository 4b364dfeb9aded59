"""The gradient of an embedding with compiled loops; see ``shared.embedding``."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.embedding import scatter_add_rows
from flambeau.kernels.cpu.parallel import ALONE, get_threads
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.precision import rounded, wide

Array = Any


def embedding_backward(
    grad: Array,
    indices: Array,
    num_weights: int,
    padding_idx: int | None,
    scale_by_freq: bool,
) -> Array:
    """See ``shared.embedding``."""
    row = grad.shape[indices.ndim :]
    flat = np.ascontiguousarray(indices, np.int64).reshape(-1)
    rows = np.ascontiguousarray(wide(grad)).reshape(flat.size, prod(row))
    result, uses = np.zeros((num_weights, prod(row)), rows.dtype), np.zeros(num_weights, np.int64)
    chunks = 1 if rows.size < ALONE else get_threads()
    scatter_add_rows(rows, flat, result, uses, chunks)
    if scale_by_freq:
        result /= np.maximum(uses, 1).astype(rows.dtype)[:, None]
    if padding_idx is not None and padding_idx >= 0:
        result[padding_idx] = 0
    return rounded(result.reshape(num_weights, *row), grad.dtype)


silence(globals())
