"""Scaled dot-product attention over ``[B, H, L, D]`` and its gradients.

The forward pass keeps one number of each row of scores, the logarithm of its sum, from which the
backward pass makes the probabilities again::

    P = exp(factor * Q K' - log)    dP = dO V'    dS = P * (dP - rowsum(dO * O)) * factor
    dV = P' dO                      dQ = dS K     dK = dS' Q

(M. Rabe and C. Staats, "Self-attention does not need O(n^2) memory", 2021; T. Dao et al.,
"FlashAttention", 2022.) Results lie in memory as queries do, gradients as ``[B, L, H, D]``.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled

Array = Any
MINIMUM = 4096  #: numbers of the query from which Numba is loaded for it


def _scores(q: Array, k: Array, causal: bool, factor: float) -> Array:
    scores = xp.matmul(q, k.swapaxes(2, 3))
    scores *= scores.dtype.type(factor)
    if causal:
        later = xp.arange(k.shape[2]) > xp.arange(q.shape[2])[:, None]
        scores[..., later] = -xp.inf
    return scores


def _laid_out(array: Array) -> Array:
    """The same numbers in memory as ``[B, L, H, D]``."""
    return xp.ascontiguousarray(array.swapaxes(1, 2)).swapaxes(1, 2)


@compiled(MINIMUM)
def attention_forward(
    q: Array, k: Array, v: Array, causal: bool, factor: float
) -> tuple[Array, Array]:
    """The result and the logarithms ``[B, H, L]``; ``causal`` hides keys after their query."""
    scores = _scores(q, k, causal, factor)
    top = scores.max(-1, keepdims=True)
    scores -= top
    xp.exp(scores, out=scores)
    total = scores.sum(-1, keepdims=True)
    scores /= total
    out = xp.matmul(scores, v)
    out = _laid_out(out) if q.strides[1] < q.strides[2] else out
    return out, (top + xp.log(total))[..., 0]


@compiled(MINIMUM)
def attention_backward(
    q: Array, k: Array, v: Array, grad: Array, out: Array, logs: Array, causal: bool, factor: float
) -> tuple[Array, Array, Array]:
    """The gradients of queries, keys and values."""
    p = xp.exp(_scores(q, k, causal, factor) - logs[..., None])
    ds = xp.matmul(grad, v.swapaxes(2, 3)) - (grad * out).sum(-1, keepdims=True)
    ds *= p
    ds *= ds.dtype.type(factor)
    turned = ds.swapaxes(2, 3)
    found = xp.matmul(ds, k), xp.matmul(turned, q), xp.matmul(p.swapaxes(2, 3), grad)
    return tuple([_laid_out(g) for g in found])  # type: ignore[return-value]


silence(globals())
