"""Cross entropy with compiled loops; see ``shared.losses`` for what the functions return."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.cross_entropy import (
    cross_entropy_planes,
    cross_entropy_planes_gradient,
    cross_entropy_rows,
    cross_entropy_rows_gradient,
)
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import losses as shared
from flambeau.kernels.shared.precision import is_half

Array = Any
Optional = Any  #: an array or None

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}


def _suits(logits: Array, target: Array, label_smoothing: float) -> bool:
    """Whether the target holds class indices and the loops know the dtype and layout."""
    return (
        (logits.dtype in FLOATS or is_half(logits.dtype))
        and logits.size > 0
        and target.dtype.kind in "iu"
        and target.ndim == logits.ndim - 1
        and (not label_smoothing or prod(logits.shape[2:]) == 1)
    )


def _operands(logits: Array, target: Array, weight: Optional) -> tuple[Array, Array, Array]:
    """Contiguous, with logits [N, C, pixels] and their dtype that of the computation."""
    dtype = np.float32 if is_half(logits.dtype) else logits.dtype
    batch, classes = logits.shape[:2]
    values = np.ascontiguousarray(logits, dtype).reshape(batch, classes, -1)
    if weight is None:
        weight = np.ones(classes, dtype)
    places = np.ascontiguousarray(target, np.int64).reshape(batch, -1)
    return values, places, np.ascontiguousarray(weight, dtype)


def cross_entropy_forward(
    logits: Array, target: Array, weight: Optional, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array, Array]:
    """See ``shared.losses``."""
    arguments = logits, target, weight, ignore_index, label_smoothing
    if not _suits(logits, target, label_smoothing):
        return shared.cross_entropy_forward(*arguments)
    x, places, row = _operands(logits, target, weight)
    losses, log_sums, shares = (np.empty(target.shape, x.dtype) for _ in range(3))
    flat, bad = [array.reshape(places.shape) for array in (losses, log_sums, shares)], np.zeros(1)
    if x.shape[2] == 1:
        outputs = [array.reshape(-1) for array in flat]
        smoothing = x.dtype.type(label_smoothing)
        x, places = x.reshape(x.shape[:2]), places.reshape(-1)
        cross_entropy_rows(x, places, row, ignore_index, smoothing, *outputs, bad)
    else:
        cross_entropy_planes(x, places, row, ignore_index, *flat, bad)
    if bad[0]:
        return shared.cross_entropy_forward(*arguments)
    return losses.astype(logits.dtype, copy=False), log_sums, shares


def cross_entropy_backward(
    grad: Array,
    logits: Array,
    log_sum: Array,
    target: Array,
    weight: Optional,
    ignore_index: int,
    label_smoothing: float,
) -> Array:
    """See ``shared.losses``."""
    if not _suits(logits, target, label_smoothing):
        return shared.cross_entropy_backward(
            grad, logits, log_sum, target, weight, ignore_index, label_smoothing
        )
    x, places, row = _operands(logits, target, weight)
    grads = np.ascontiguousarray(grad, x.dtype).reshape(places.shape)
    log_sums, dx = np.ascontiguousarray(log_sum).reshape(places.shape), np.empty(x.shape, x.dtype)
    if x.shape[2] == 1:
        vectors = [array.reshape(-1) for array in (log_sums, places)]
        smoothing, shape = x.dtype.type(label_smoothing), x.shape[:2]
        cross_entropy_rows_gradient(
            grads.reshape(-1),
            x.reshape(shape),
            *vectors,
            row,
            ignore_index,
            smoothing,
            dx.reshape(shape),
        )
    else:
        cross_entropy_planes_gradient(grads, x, log_sums, places, row, ignore_index, dx)
    return dx.reshape(logits.shape).astype(logits.dtype, copy=False)


def cross_entropy(
    logits: Array,
    target: Array,
    weight: Optional,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> tuple[Array, Array, Array]:
    """See ``shared.losses``."""
    parts = cross_entropy_forward(logits, target, weight, ignore_index, label_smoothing)
    return shared.reduced_parts(*parts, reduction)


def cross_entropy_grad(
    logits: Array,
    grad: Array,
    log_sum: Array,
    total: Array,
    target: Array,
    weight: Optional,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> Array:
    """See ``shared.losses``."""
    grads = shared.spread(grad, total, log_sum.shape, log_sum.dtype, reduction)
    return cross_entropy_backward(
        grads, logits, log_sum, target, weight, ignore_index, label_smoothing
    )


silence(globals())
