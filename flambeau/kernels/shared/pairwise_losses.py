"""Losses of an input and a target of the same shape, element by element, and their reduction.

The last parameter says how the losses are reduced: ``"none"``, ``"mean"`` or ``"sum"``.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any


def reduce(losses: Array, reduction: str) -> Array:
    """All losses, their mean (NaN of none) or their sum."""
    if reduction == "none":
        return losses
    total = xp.add.reduce(losses, None)
    return total / losses.size if reduction == "mean" else total


def squared_error(x: Array, y: Array, reduction: str) -> Array:
    """``(x - y)^2``."""
    difference = x - y
    return reduce(difference * difference, reduction)


def absolute_error(x: Array, y: Array, reduction: str) -> Array:
    """``|x - y|``."""
    return reduce(xp.abs(x - y), reduction)


def smooth_absolute_error(x: Array, y: Array, beta: float, reduction: str) -> Array:
    """Quadratic up to ``beta``, then ``|x - y| - beta / 2``."""
    size = xp.abs(x - y)
    inner = size * size * (0.5 / beta) if beta else size
    return reduce(xp.where(size < beta, inner, size - 0.5 * beta), reduction)


def huber(x: Array, y: Array, delta: float, reduction: str) -> Array:
    """Quadratic up to ``delta``, then linear with slope ``delta``."""
    size = xp.abs(x - y)
    losses = xp.where(size <= delta, size * size * 0.5, (size - 0.5 * delta) * delta)
    return reduce(losses, reduction)


def soft_margin(x: Array, y: Array, reduction: str) -> Array:
    """``log(1 + exp(-y x))``."""
    return reduce(xp.log1p(xp.exp(-y * x)), reduction)


def divergence(x: Array, y: Array, log_target: bool, reduction: str) -> Array:
    """``y (log y - x)``, or ``exp(y) (y - x)`` of a logarithmic target."""
    if log_target:
        return reduce(xp.exp(y) * (y - x), reduction)
    logs = xp.log(xp.where(y == 0, xp.ones_like(y), y))
    return reduce(y * logs - y * x, reduction)


def binary_cross_entropy(x: Array, y: Array, weight: Array | None, reduction: str) -> Array:
    """Of probabilities; logarithms are cut off at -100.

    Raises:
        RuntimeError: a probability is not between 0 and 1.
    """
    if x.size and not ((x >= 0) & (x <= 1)).all():
        raise RuntimeError("all elements of input should be between 0 and 1")
    log_x, log_rest = xp.maximum(xp.log(x), -100), xp.maximum(xp.log1p(-x), -100)
    losses = (y - 1) * log_rest - y * log_x
    return reduce(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_of_logits(
    x: Array, y: Array, weight: Array | None, pos_weight: Array | None, reduction: str
) -> Array:
    """Of logits: ``(1 - y) x - log sigmoid(x)``, the last term scaled for positives."""
    softplus = xp.log1p(xp.exp(-xp.abs(x))) + xp.maximum(-x, 0)
    if pos_weight is not None:
        softplus = softplus * (1 + (pos_weight - 1) * y)
    losses = (1 - y) * x + softplus
    return reduce(losses if weight is None else losses * weight, reduction)


silence(globals())
