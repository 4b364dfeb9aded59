"""Optimizer steps with compiled loops; see ``shared.optimizers``.

The compiled code reads the arrays out of the lists itself; lists are copied first, so that no other
thread changes them meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flambeau.kernels.cpu.loops.objects import readable
from flambeau.kernels.cpu.loops.optimizers import adam_lists, sgd_lists
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import optimizers as shared

Array = Any

KINDS = {np.dtype(np.float32): np.float32(0), np.dtype(np.float64): np.float64(0)}


def _like(params: Sequence[Array]) -> Any:
    """A number of the parameters' dtype, or None where the loops don't know it."""
    return KINDS.get(params[0].dtype) if params and readable() else None


def _aligned(params: Sequence[Array], grads: Sequence[Array]) -> list[Array]:
    """The gradients as the loops want them; a transposed one is copied."""
    pairs = zip(params, grads)
    return [np.ascontiguousarray(grad, param.dtype).reshape(param.shape) for param, grad in pairs]


def sgd_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    buffers: Sequence[Array | None],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> list[Array | None]:
    """See ``shared.optimizers``."""
    like = _like(params)
    held = [list(params), list(grads), list(buffers)]
    fresh = bool(momentum) and any(buffer is None for buffer in held[2])
    settings = float(lr), float(momentum), float(dampening), float(weight_decay)
    if like is not None and not fresh:
        kind, count = id(held[0][0].dtype), len(held[0])
        for attempt in range(2):
            lists = id(held[0]), id(held[1]), id(held[2]) if momentum else 0
            if sgd_lists(lists, kind, count, like, nesterov, maximize, settings):
                return held[2]
            if attempt == 0:
                held[1] = _aligned(params, grads)
    return shared.sgd_step(
        params, grads, buffers, lr, momentum, dampening, weight_decay, nesterov, maximize
    )


def adam_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    means: Sequence[Array],
    squares: Sequence[Array],
    greatest: Sequence[Array] | None,
    steps: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
    decoupled: bool,
) -> None:
    """See ``shared.optimizers``."""
    like = _like(params)
    if like is not None:
        held = [list(params), list(grads), list(means), list(squares), list(greatest or ())]
        kind, counts = id(held[0][0].dtype), np.array(steps, np.float64)
        settings = float(lr), float(beta1), float(beta2), float(weight_decay), float(eps)
        for attempt in range(2):
            lists = *[id(held[k]) for k in range(4)], id(held[4]) if held[4] else 0
            if adam_lists(lists, kind, counts, like, maximize, decoupled, settings):
                return
            if attempt == 0:
                held[1] = _aligned(params, grads)
    shared.adam_step(
        params,
        grads,
        means,
        squares,
        greatest,
        steps,
        lr,
        beta1,
        beta2,
        weight_decay,
        eps,
        maximize,
        decoupled,
    )


silence(globals())
