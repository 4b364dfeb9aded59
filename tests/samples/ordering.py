"""Samples of scans, sorting, searching and counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]


def scan(make: Make) -> list[Sample]:
    """Along each dimension of a matrix, of a transposed one, of integers, of no dimensions."""
    return [
        ((make(2, 3), 0), {}),
        ((make(2, 3), -1), {}),
        ((make(3, 2).detach().t().requires_grad_(), 1), {}),
        ((make(), 0), {}),
    ]


def _integers_too(make: Make) -> list[Sample]:
    return [*scan(make), ((make(2, 3, dtype=torch.int32), 1), {})]


def _cumprod(make: Make) -> list[Sample]:
    zero = torch.tensor([1.5, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    return [*_integers_too(make), ((zero, 0), {})]


def _sort(make: Make) -> list[Sample]:
    return [
        ((make(2, 3),), {}),
        ((make(2, 3),), {"dim": 0, "descending": True}),
        ((make(2, 3), 1), {"stable": True}),
        ((make(5, dtype=torch.int64),), {"stable": True}),
        ((make(),), {}),
    ]


def _topk(make: Make) -> list[Sample]:
    return [((make(2, 4), 2), {}), ((make(4, 2), 3), {"dim": 0, "largest": False})]


def _kth(make: Make) -> list[Sample]:
    return [((make(2, 4), 2), {}), ((make(4, 2), 3), {"dim": 0, "keepdim": True})]


def _median(make: Make) -> list[Sample]:
    return [
        ((make(2, 3),), {}),
        ((make(2, 4),), {"dim": 1}),
        ((make(3, 2),), {"dim": 0, "keepdim": True}),
    ]


def _mode(make: Make) -> list[Sample]:
    x = make(3, 5, dtype=torch.int64, low=0, high=3)
    return [((x,), {}), ((x,), {"dim": 0, "keepdim": True})]


def _quantile(make: Make) -> list[Sample]:
    q = torch.tensor([0.1, 0.55], dtype=torch.float64)
    modes = ("lower", "higher", "midpoint", "nearest")
    return [
        ((make(2, 4), 0.3), {}),
        ((make(2, 4), q), {"dim": 1}),
        ((make(2, 4), 0.7), {"dim": 0, "keepdim": True}),
        *[((make(5), 0.4), {"interpolation": m}) for m in modes],
    ]


def _unique(make: Make) -> list[Sample]:
    x = make(2, 4, dtype=torch.int64, low=0, high=3)
    both: dict[str, Any] = {"return_inverse": True, "return_counts": True}
    return [((x,), {}), ((x,), both), ((x,), {"dim": 1, **both})]


def _searchsorted(make: Make) -> list[Sample]:
    edges = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.5, 4.0]], dtype=torch.float64)
    x = make(2, 4, low=0, high=4, requires_grad=False)
    return [
        ((edges, x), {}),
        ((edges[0], x), {"right": True}),
        ((edges[0], 1.5), {"out_int32": True}),
    ]


def _bucketize(make: Make) -> list[Sample]:
    edges = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    x = make(2, 3, low=0, high=4, requires_grad=False)
    return [((x, edges), {}), ((x, edges), {"right": True})]


def _bincount(make: Make) -> list[Sample]:
    x = make(6, dtype=torch.int64, low=0, high=4)
    return [((x,), {}), ((x,), {"minlength": 7}), ((x, make(6, requires_grad=False)), {})]


def _histc(make: Make) -> list[Sample]:
    x = make(7, requires_grad=False)
    return [((x,), {"bins": 4}), ((x,), {"bins": 3, "min": -1, "max": 1})]


def _trapezoid(make: Make) -> list[Sample]:
    return [
        ((make(2, 3),), {}),
        ((make(2, 3), make(3)), {}),
        ((make(3, 2),), {"dx": 0.5, "dim": 0}),
    ]


SAMPLES: dict[str, Generator] = {
    "cumsum": _integers_too,
    "cumprod": _cumprod,
    "cummax": _integers_too,
    "cummin": _integers_too,
    "logcumsumexp": scan,
    "cumulative_trapezoid": _trapezoid,
    "trapezoid": _trapezoid,
    "trapz": _trapezoid,
    "sort": _sort,
    "argsort": _sort,
    "msort": lambda make: [((make(3, 2),), {})],
    "topk": _topk,
    "kthvalue": _kth,
    "median": _median,
    "nanmedian": _median,
    "mode": _mode,
    "quantile": _quantile,
    "nanquantile": _quantile,
    "unique": _unique,
    "unique_consecutive": _unique,
    "searchsorted": _searchsorted,
    "bucketize": _bucketize,
    "bincount": _bincount,
    "histc": _histc,
}
