"""Derivatives checked along random directions: two calls tell about all elements at once.

With weights ``w`` of the results, ``L(x) = Re <w, f(x)>`` is a real function. Its slope along a
direction ``v``, by a central difference, has to be ``Re <gradient, v>``; and the same for the
gradient as a function of ``x`` and ``w``, weighted by ``u``, for second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import flambeau as torch

Tensor = torch.Tensor
Function = Callable[..., Sequence[Tensor]]
EPS = 1e-6


def check_gradients(function: Function, leaves: Sequence[Tensor], seed: int = 0) -> None:
    """AssertionError unless first and second derivatives agree with finite differences."""
    rng = np.random.default_rng(seed)
    outputs = [o for o in function(*leaves) if o.requires_grad]
    weights = [_random(rng, o) for o in outputs]
    _check(_kept(function, outputs, len(leaves)), leaves, weights, rng, "first")

    def gradient(*given: Tensor) -> list[Tensor]:
        points, ws = given[: len(leaves)], given[len(leaves) :]
        found = [o for o in function(*points) if o.requires_grad]
        grads = torch.autograd.grad(found, points, ws, create_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for g, p in zip(grads, points, strict=True)]

    variables = [*leaves, *[w.requires_grad_() for w in weights]]
    if not any([g.requires_grad for g in gradient(*variables)]):
        return
    _check(gradient, variables, [_random(rng, leaf) for leaf in leaves], rng, "second")


def _kept(function: Function, outputs: Sequence[Tensor], count: int) -> Function:
    """The function without the results that have no gradient."""
    return lambda *given: [o for o in function(*given[:count]) if o.requires_grad]


def _check(
    function: Function, at: Sequence[Tensor], weights: Sequence[Tensor], rng: Any, order: str
) -> None:
    directions = [_random(rng, point) for point in at]
    found = list(function(*at))
    pairs = [(o, w) for o, w in zip(found, weights, strict=True) if o.requires_grad]
    results, chosen = [o for o, _ in pairs], [w for _, w in pairs]
    grads = torch.autograd.grad(results, list(at), chosen, allow_unused=True)
    analytic = sum([_inner(g, d) for g, d in zip(grads, directions, strict=True) if g is not None])
    sides = []
    for step in (EPS, -EPS):
        moved = [_moved(p, d, step) for p, d in zip(at, directions, strict=True)]
        sides.append(sum([_inner(w, o) for w, o in zip(weights, function(*moved), strict=True)]))
    numeric = (sides[0] - sides[1]) / (2 * EPS)
    assert np.isclose(analytic, numeric, rtol=1e-5, atol=1e-6), (
        f"{order} derivatives: {analytic} by the rules, {numeric} by differences"
    )


def _moved(point: Tensor, direction: Tensor, step: float) -> Tensor:
    return (point.detach() + step * direction.detach()).requires_grad_()


def _random(rng: Any, like: Tensor) -> Tensor:
    values = rng.standard_normal(tuple(like.shape))
    if like.dtype.is_complex:
        values = values + 1j * rng.standard_normal(tuple(like.shape))
    return torch.tensor(np.asarray(values).tolist(), dtype=like.dtype).reshape(like.shape)


def _inner(first: Tensor, second: Tensor) -> float:
    """The real part of the inner product."""
    a, b = [t.detach().resolve_conj().resolve_neg().numpy() for t in (first, second)]
    return float((a.conj() * b).real.sum())
