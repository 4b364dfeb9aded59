"""Samples of ``torch.masked``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]


def _mask(*rows: str) -> torch.Tensor:
    return torch.tensor([[letter == "x" for letter in row] for row in rows])


def _reduced(make: Make) -> list[Sample]:
    """Without a mask, with one, with one that broadcasts, over all and over no dimensions."""
    return [
        ((make(2, 3), 1), {}),
        ((make(2, 3), 1), {"mask": _mask("x.x", "xx.")}),
        ((make(2, 3), 0), {"mask": _mask("xxx"), "keepdim": True}),
        ((make(2, 3),), {"mask": _mask("x.x", ".x.")}),
    ]


def _one_dim(make: Make) -> list[Sample]:
    return [*_reduced(make)[:3], ((make(3, 2), 0), {"mask": _mask("x.", "xx", ".x")})]


def _scan(make: Make) -> list[Sample]:
    return [((make(2, 3), 1), {}), ((make(2, 3), 0), {"mask": _mask("x.x", "xx.")})]


def _spread(make: Make) -> list[Sample]:
    return [
        ((make(2, 3), 1), {"mask": _mask("x.x", "xxx")}),
        ((make(3, 2), 0), {"mask": _mask("x.", "xx", "xx"), "unbiased": False, "keepdim": True}),
        ((make(2, 3),), {"mask": _mask("x.x", ".x."), "correction": 0}),
    ]


def _norm(make: Make) -> list[Sample]:
    return [((make(2, 3), order, 1), {"mask": _mask("x.x", "xx.")}) for order in (1.0, 2.0, 3.0)]


def _both(make: Make) -> list[Sample]:
    masks = {"input_mask": _mask("xxx", "xxx"), "other_mask": _mask("xxx")}  # -inf has no slope
    return [((make(2, 3), make(2, 3)), {}), ((make(2, 3), make(2, 3)), masks)]


def _named(generator: Generator, *names: str) -> dict[str, Any]:
    return {f"masked.{name}": generator for name in names}


SAMPLES: dict[str, Generator] = {
    **_named(_reduced, "sum", "mean", "prod", "amax", "amin", "logsumexp"),
    **_named(_one_dim, "argmax", "argmin", "median"),
    **_named(_scan, "cumsum", "cumprod", "softmax", "softmin"),
    "masked.log_softmax": lambda make: [((make(2, 3), 1), {"mask": _mask("xxx")})],
    **_named(_spread, "var", "std"),
    "masked.norm": _norm,
    "masked.normalize": lambda make: [((make(2, 3), 2.0, 1), {"mask": _mask("x.x", "xx.")})],
    "masked.logaddexp": _both,
}
