"""Cross entropy of logits and negative log-likelihood, one loss per position.

Arrays are ``[N, C, *]`` with classes in dimension 1; a target holds class indices ``[N, *]`` or,
for cross entropy, probabilities ``[N, C, *]``. ``cross_entropy`` and ``nll_loss`` also reduce:
PyTorch's mean is the sum of the losses over the sum of the per-element weights. Cross entropy
keeps only the logarithm of the sum of exponentials for its gradient, never a whole array of
log-probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled
from flambeau.kernels.shared.precision import rounded, wide

Array = Any
Optional = Any  #: an array or None


@compiled(minimum=4096, loaded=64)
def cross_entropy_forward(
    logits: Array, target: Array, weight: Optional, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array, Array]:
    """The loss of each position, the log-sum-exp of its logits and its weight, all [N, *].

    Raises:
        IndexError: a class index is out of range.
    """
    values = wide(logits)
    log_sum = _log_sum(values)
    if target.ndim == logits.ndim and target.dtype.kind not in "iu":
        q = _probabilities(wide(target), weight, label_smoothing)
        loss = xp.add.reduce(q * (log_sum[:, None] - values), 1)
        return rounded(loss, logits.dtype), log_sum, xp.ones_like(loss)
    kept, classes = _classes(target, logits.shape[1], ignore_index)
    share = _weights(weight, classes, kept, values.dtype)
    loss = share * (log_sum - _picked(values, classes))
    if label_smoothing:
        smooth = xp.add.reduce((log_sum[:, None] - values) * _row(weight, values), 1)
        loss = loss * (1 - label_smoothing) + smooth * (label_smoothing / logits.shape[1])
    return rounded(xp.where(kept, loss, 0), logits.dtype), log_sum, share


@compiled(minimum=4096, loaded=64)
def cross_entropy_backward(
    grad: Array,
    logits: Array,
    log_sum: Array,
    target: Array,
    weight: Optional,
    ignore_index: int,
    label_smoothing: float,
) -> Array:
    """The gradient of ``logits`` from that of each position's loss [N, *]."""
    values, classes_count = wide(logits), logits.shape[1]
    p = xp.exp(values - log_sum[:, None])
    if target.ndim == logits.ndim and target.dtype.kind not in "iu":
        q = _probabilities(wide(target), weight, label_smoothing)
        return rounded((p * xp.add.reduce(q, 1)[:, None] - q) * wide(grad)[:, None], logits.dtype)
    kept, classes = _classes(target, classes_count, ignore_index)
    share = _weights(weight, classes, kept, values.dtype) * (1 - label_smoothing)
    row = _row(weight, values) * (label_smoothing / classes_count)
    total = share + (xp.add.reduce(row + xp.zeros_like(p[:1, :]), 1) if label_smoothing else 0)
    p *= total[:, None]
    if label_smoothing:
        p -= row
    p[_places(classes)] -= share
    p *= xp.where(kept, wide(grad), 0)[:, None]
    return rounded(xp.where(kept[:, None], p, 0), logits.dtype)


def nll_loss_forward(
    log_probabilities: Array, target: Array, weight: Optional, ignore_index: int
) -> tuple[Array, Array]:
    """Minus the target's log-probability times its weight, and the weight, both [N, *].

    Raises:
        IndexError: a class index is out of range.
    """
    values = wide(log_probabilities)
    kept, classes = _classes(target, values.shape[1], ignore_index)
    share = _weights(weight, classes, kept, values.dtype)
    loss = xp.where(kept, -share * _picked(values, classes), 0)
    return rounded(loss, log_probabilities.dtype), share


def nll_loss_backward(
    grad: Array, input_shape: tuple[int, ...], target: Array, weight: Optional, ignore_index: int
) -> Array:
    """The gradient of the log-probabilities from that of each position's loss [N, *]."""
    kept, classes = _classes(target, input_shape[1], ignore_index)
    result = xp.zeros(input_shape, grad.dtype)
    values = wide(grad)
    share = xp.where(kept, -_weights(weight, classes, kept, values.dtype) * values, 0)
    if classes.size:
        result[_places(classes)] = rounded(share, grad.dtype)
    return result


# ---- reduced


@compiled(minimum=4096, loaded=64)
def cross_entropy(
    logits: Array,
    target: Array,
    weight: Optional,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> tuple[Array, Array, Array]:
    """The reduced loss, the log-sum-exp of each position's logits, and the sum of the weights."""
    if weight is None and not label_smoothing and _are_classes(logits, target, ignore_index):
        log_sum = _log_sum(logits)
        loss = log_sum - logits[xp.arange(len(target)), target]
        return _reduced(loss, reduction), log_sum, xp.asarray(loss.size)
    parts = cross_entropy_forward(logits, target, weight, ignore_index, label_smoothing)
    return reduced_parts(*parts, reduction)


def _are_classes(scores: Array, target: Array, ignore_index: int) -> bool:
    """Whether a matrix of scores has a class for each row, none of them out of range or ignored."""
    return (
        scores.ndim == 2
        and target.dtype == xp.int64
        and scores.size > 0
        and scores.itemsize >= 4
        and ignore_index < 0
        and int(xp.ascontiguousarray(target).view(xp.uint64).max()) < scores.shape[1]
    )


def _reduced(loss: Array, reduction: str) -> Array:
    if reduction == "none":
        return loss
    total = xp.add.reduce(loss, None)
    return total / loss.size if reduction == "mean" else total


def reduced_parts(
    loss: Array, log_sum: Array, share: Array, reduction: str
) -> tuple[Array, Array, Array]:
    """What ``cross_entropy`` returns, from what ``cross_entropy_forward`` does."""
    total = xp.add.reduce(share, None)
    if reduction != "none":
        dtype, loss = loss.dtype, xp.add.reduce(wide(loss), None)
        loss = (loss / total if reduction == "mean" else loss).astype(dtype)
    return (loss if loss.ndim == 0 else xp.ascontiguousarray(loss)), log_sum, total


@compiled(minimum=4096, loaded=64)
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
    """The gradient of the logits from that of the reduced loss."""
    if weight is None and not label_smoothing and _are_classes(logits, target, ignore_index):
        p = xp.exp(logits - log_sum[:, None])
        p[xp.arange(len(target)), target] -= 1
        p *= grad[:, None] if reduction == "none" else grad
        if reduction == "mean":
            p /= len(target)
        return p
    grads = spread(grad, total, log_sum.shape, log_sum.dtype, reduction)
    return cross_entropy_backward(
        grads, logits, log_sum, target, weight, ignore_index, label_smoothing
    )


def spread(grad: Array, total: Array, shape: Any, dtype: Any, reduction: str) -> Array:
    """The gradient of each position's loss from that of the reduced loss."""
    if reduction == "none":
        return grad
    grads = xp.empty(shape, dtype)
    grads[...] = wide(grad) / total if reduction == "mean" else grad
    return grads


def nll_loss(
    log_probabilities: Array, target: Array, weight: Optional, ignore_index: int, reduction: str
) -> tuple[Array, Array]:
    """The reduced negative log-likelihood, and the sum of the weights."""
    if weight is None and _are_classes(log_probabilities, target, ignore_index):
        loss = -log_probabilities[xp.arange(len(target)), target]
        return _reduced(loss, reduction), xp.asarray(loss.size)
    loss, share = nll_loss_forward(log_probabilities, target, weight, ignore_index)
    loss, _, total = reduced_parts(loss, None, share, reduction)
    return loss, total


def nll_loss_grad(
    grad: Array,
    target: Array,
    total: Array,
    weight: Optional,
    input_shape: tuple[int, ...],
    ignore_index: int,
    reduction: str,
) -> Array:
    """The gradient of the log-probabilities from that of the reduced loss."""
    grads = spread(grad, total, target.shape, grad.dtype, reduction)
    return nll_loss_backward(grads, input_shape, target, weight, ignore_index)


# ---- parts


def _log_sum(values: Array) -> Array:
    if values.shape[1] == 0 or values.size == 0:
        return xp.zeros((values.shape[0], *values.shape[2:]), values.dtype)
    top = values.max(1, None, True)
    shifted = values - top
    sums = xp.add.reduce(xp.exp(shifted, shifted), 1)
    return xp.log(sums, sums) + top[:, 0]


def _classes(target: Array, count: int, ignore_index: int) -> tuple[Array, Array]:
    """Which positions count, and their class; 0 where they do not."""
    kept = target != ignore_index
    classes = xp.where(kept, target, 0).astype(xp.int64)
    wrong = (classes < 0) | (classes >= count)
    if (wrong & kept).any():
        raise IndexError(f"Target {int(classes[wrong & kept].reshape(-1)[0])} is out of bounds.")
    return kept, classes


def _weights(weight: Optional, classes: Array, kept: Array, dtype: Any) -> Array:
    if weight is None:
        return kept.astype(dtype)
    return xp.where(kept, wide(weight).take(classes), 0)


def _picked(values: Array, classes: Array) -> Array:
    if values.size == 0:
        return xp.zeros(classes.shape, values.dtype)
    return values[_places(classes)]


def _places(classes: Array) -> tuple[Array, ...]:
    """The index of each position's class in an array [N, C, *]."""
    batch, *rest = xp.ix_(*[xp.arange(n) for n in classes.shape])
    return (batch, classes, *rest)


def _row(weight: Optional, values: Array) -> Array:
    """The class weights, shaped to go with ``values`` [N, C, *]."""
    if weight is None:
        return xp.ones((1, values.shape[1], *(1,) * (values.ndim - 2)), values.dtype)
    return wide(weight).reshape(1, -1, *(1,) * (values.ndim - 2))


def _probabilities(target: Array, weight: Optional, label_smoothing: float) -> Array:
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[1]
    return target if weight is None else target * _row(weight, target)


silence(globals())
