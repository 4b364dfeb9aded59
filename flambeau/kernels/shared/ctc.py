"""Connectionist temporal classification, by the forward-backward algorithm.

(Graves et al., Connectionist Temporal Classification, 2006.) The states of a sample are its labels
with blanks between and around them; a path may stay, go one state on, or skip the blank between
two different labels. All samples of the batch go through time together.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any


def ctc_forward(
    log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array, blank: int
) -> tuple[Array, Array]:
    """Minus the log-likelihood of each target, and the forward variables ``[T, N, 2 S + 1]``.

    ``log_probs`` is ``[T, N, C]``, ``targets`` ``[N, S]``.
    """
    states, skips = _states(targets, blank)
    emitted = _emitted(log_probs, states)
    alpha = xp.full(emitted.shape, -xp.inf, log_probs.dtype)
    if len(alpha):
        alpha[0, :, :1] = emitted[0, :, :1]
        alpha[0, :, 1:2] = xp.where((target_lengths > 0)[:, None], emitted[0, :, 1:2], -xp.inf)
    for t in range(1, len(alpha)):
        alpha[t] = _reached(alpha[t - 1], skips) + emitted[t]
    rows = xp.arange(len(targets))
    at = xp.maximum(input_lengths - 1, 0)
    ends = alpha[at, rows, 2 * target_lengths]
    before = alpha[at, rows, xp.maximum(2 * target_lengths - 1, 0)]
    total = xp.where(target_lengths > 0, xp.logaddexp(ends, before), ends)
    none = xp.where(target_lengths > 0, -xp.inf, 0)
    return -xp.where(input_lengths > 0, total, none).astype(log_probs.dtype), alpha


def ctc_backward(
    grad: Array,
    log_probs: Array,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    losses: Array,
    alpha: Array,
    blank: int,
) -> Array:
    """The gradient of ``log_probs`` as that of the logits behind: probability minus occupancy."""
    states, skips = _states(targets, blank)
    emitted = _emitted(log_probs, states)
    result = xp.exp(log_probs)
    rows = xp.arange(len(targets))
    last = xp.arange(states.shape[1]) - 2 * target_lengths[:, None]
    ends = (last == 0) | ((last == -1) & (target_lengths > 0)[:, None])
    beta = xp.full(states.shape, -xp.inf, log_probs.dtype)
    for t in range(len(log_probs) - 1, -1, -1):
        going = _left(beta, skips)
        ending = (input_lengths - 1 == t)[:, None]
        beta = xp.where(ending, xp.where(ends, 0, -xp.inf), going) + emitted[t]
        share = xp.exp(alpha[t] + beta - emitted[t] + losses[:, None])
        share = xp.where(emitted[t] == -xp.inf, 0, share)
        for state in range(states.shape[1]):
            result[t, rows, states[:, state]] -= share[:, state]
    result *= grad[:, None]
    inside = xp.arange(len(log_probs))[:, None] < input_lengths
    inside = inside & ((losses != xp.inf) | (grad != 0))  # a loss that was set to 0
    return xp.where(inside[:, :, None], result, 0).astype(log_probs.dtype)


def _states(targets: Array, blank: int) -> tuple[Array, Array]:
    """The label of each state ``[N, 2 S + 1]``, and whether it is reached by a skip."""
    batch, length = targets.shape
    states = xp.full((batch, 2 * length + 1), blank, xp.int64)
    states[:, 1::2] = targets
    skips = xp.zeros(states.shape, bool)
    skips[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    return states, skips


def _emitted(log_probs: Array, states: Array) -> Array:
    """The log-probability of each state's label at each time: ``[T, N, 2 S + 1]``."""
    return log_probs[:, xp.arange(len(states))[:, None], states]


def _reached(alpha: Array, skips: Array) -> Array:
    total = alpha.copy()
    total[:, 1:] = xp.logaddexp(total[:, 1:], alpha[:, :-1])
    skipped = xp.where(skips[:, 2:], alpha[:, :-2], -xp.inf)
    total[:, 2:] = xp.logaddexp(total[:, 2:], skipped)
    return total


def _left(beta: Array, skips: Array) -> Array:
    total = beta.copy()
    total[:, :-1] = xp.logaddexp(total[:, :-1], beta[:, 1:])
    skipped = xp.where(skips[:, 2:], beta[:, 2:], -xp.inf)
    total[:, :-2] = xp.logaddexp(total[:, :-2], skipped)
    return total


silence(globals())
