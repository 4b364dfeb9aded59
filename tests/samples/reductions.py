"""Samples of the reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
NAN = float("nan")


def over_any(
    make: Make, *extra: Any, low: float = -2, high: float = 2, **kwargs: Any
) -> list[Sample]:
    """All dimensions, one, several, kept ones; transposed tensors, one without dimensions."""
    x = make(2, 3, 2, low=low, high=high)
    return [
        ((x, *extra), kwargs),
        ((x, *extra), {"dim": 1, **kwargs}),
        ((x, *extra), {"dim": (0, 2), "keepdim": True, **kwargs}),
        (
            (make(3, 2, low=low, high=high).detach().t().requires_grad_(), *extra),
            {"dim": -1, **kwargs},
        ),
        ((make(low=low, high=high), *extra), kwargs),
    ]


def over_one(make: Make, *extra: Any, low: float = -2, high: float = 2) -> list[Sample]:
    """All dimensions, or one; of floats and of integers."""
    x = make(2, 3, low=low, high=high)
    return [
        ((x, *extra), {}),
        ((x, *extra), {"dim": 1}),
        ((x, *extra), {"dim": 0, "keepdim": True}),
        ((make(3, 2, low=low, high=high).detach().t().requires_grad_(), *extra), {"dim": 1}),
    ]


def _sum(make: Make) -> list[Sample]:
    return [
        *over_any(make),
        ((make(2, 3, dtype=torch.int32),), {}),
        ((make(2, 3, dtype=torch.bool),), {"dim": 0}),
        ((make(3, dtype=torch.complex128),), {}),
        ((make(0, 3),), {"dim": 0}),
        ((make(3, dtype=torch.float32, requires_grad=False),), {"dtype": torch.float64}),
    ]


def _nans(make: Make) -> list[Sample]:
    odd = torch.tensor([[1.0, NAN, 2.0], [0.5, 3.0, NAN]], dtype=torch.float64)
    return [((odd,), {}), ((odd,), {"dim": 0}), ((make(2, 3),), {"dim": 1, "keepdim": True})]


def _prod(make: Make) -> list[Sample]:
    zero = torch.tensor([[1.5, 0.0, 2.0], [0.5, 3.0, 1.0]], dtype=torch.float64, requires_grad=True)
    return [
        *over_one(make),
        ((zero,), {"dim": 1}),
        ((zero,), {}),
        ((make(3, dtype=torch.int64),), {}),
    ]


def _extreme(make: Make) -> list[Sample]:
    return [*over_one(make), ((make(2, 3, dtype=torch.int64),), {"dim": 0})]


def _of_two(make: Make) -> list[Sample]:
    return [*_extreme(make), ((make(2, 3), make(3)), {})]


def _found(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, dtype=torch.bool),), {}),
        ((make(2, 3, dtype=torch.uint8),), {"dim": 1}),
        ((make(2, 3),), {"dim": 0, "keepdim": True}),
    ]


def _count(make: Make) -> list[Sample]:
    x = make(2, 3, dtype=torch.int64, low=0, high=2)
    return [((x,), {}), ((x,), {"dim": 0}), ((make(2, 3),), {"dim": (0, 1)})]


def _variance(make: Make) -> list[Sample]:
    return [
        *over_any(make)[:-1],
        ((make(2, 4),), {"dim": 1, "correction": 0}),
        ((make(4, dtype=torch.complex128),), {"dim": 0}),
    ]


def _norms(make: Make) -> list[Sample]:
    inf = float("inf")
    return [
        *[((make(2, 3), order), {"dim": 1}) for order in (1, 2, 3, inf, -inf)],
        ((make(2, 3),), {}),
        ((make(2, 3), 2), {"dim": (0, 1), "keepdim": True}),
        ((make(3, dtype=torch.complex128),), {}),
    ]


def _norm(make: Make) -> list[Sample]:
    return [((make(2, 3),), {}), ((make(2, 3), 1), {"dim": 1}), ((make(2, 3), 3, (0, 1)), {})]


SAMPLES: dict[str, Generator] = {
    "sum": _sum,
    "mean": over_any,
    "nansum": _nans,
    "nanmean": _nans,
    "prod": _prod,
    "amax": over_any,
    "amin": over_any,
    "aminmax": lambda make: [((make(2, 3),), {}), ((make(2, 3),), {"dim": 1, "keepdim": True})],
    "max": _of_two,
    "min": _of_two,
    "argmax": _extreme,
    "argmin": _extreme,
    "any": _found,
    "all": _found,
    "count_nonzero": _count,
    "var": _variance,
    "std": _variance,
    "var_mean": _variance,
    "std_mean": _variance,
    "logsumexp": lambda make: over_any(make)[1:4],
    "linalg.vector_norm": _norms,
    "norm": _norm,
}
