"""Samples of operators that go by several names, and of some that have no chapter."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
C = torch.complex128


def _joined(make: Make) -> list[Sample]:
    return [(([make(2, 3), make(1, 3)],), {}), (([make(2, 1), make(2, 2)], 1), {})]


def _swapped(make: Make) -> list[Sample]:
    return [((make(2, 3, 2), 0, 2), {}), ((make(2, 3), -1, 0), {})]


def _zeros(make: Make) -> list[Sample]:
    return [((make(3, 4, dtype=torch.int64, low=0, high=2),), {}), ((make(3),), {})]


def _isin(make: Make) -> list[Sample]:
    x = make(2, 3, dtype=torch.int64)
    return [
        ((x, torch.tensor([1, 2, 3])), {}),
        ((x, 2), {}),
        ((x, torch.tensor([0])), {"invert": True}),
    ]


def _matrices(make: Make) -> list[Sample]:
    return [((make(2, 3), 1), {}), ((make(2, 3), (0, 1), True), {})]


def _with_indices(dims: int) -> Generator:
    return lambda make: [((make(1, 2, *[4] * dims), 2), {})]


def _fractional(dims: int) -> Generator:
    return lambda make: [((make(1, 2, *[5] * dims), 2), {"output_size": 2})]


def _lu_solve(make: Make) -> list[Sample]:
    packed, pivots = torch.linalg.lu_factor(make(3, 3, low=1).detach())
    return [((make(3, 2), packed.requires_grad_(), pivots), {})]


def _ldl(make: Make) -> list[Sample]:
    half = make(3, 3, requires_grad=False)
    return [((half + half.mT,), {})]


def _ldl_solve(make: Make) -> list[Sample]:
    half = make(3, 3, requires_grad=False)
    packed, pivots = torch.linalg.ldl_factor(half + half.mT)
    return [((packed, pivots, make(3, 2, requires_grad=False)), {})]


def _detached(make: Make) -> list[Sample]:
    return [((make(2, 3),), {})]


SAMPLES: dict[str, Generator] = {
    **{name: _joined for name in ("concat", "concatenate")},
    "row_stack": lambda make: [(([make(3), make(2, 3)],), {})],
    **{name: _swapped for name in ("swapaxes", "swapdims", "moveaxis")},
    **{name: _detached for name in ("detach", "detach_copy")},
    **{
        f"ops.aten.{name}": lambda make: [((make(2, 3, dtype=C),), {})]
        for name in ("_conj", "_neg_view", "_conj_physical")
    },
    "view_as_real_copy": lambda make: [((make(2, 3, dtype=C),), {})],
    "view_as_complex_copy": lambda make: [((make(3, 2),), {})],
    **{name: _zeros for name in ("nonzero", "argwhere")},
    "nonzero_static": lambda make: [((make(3, dtype=torch.int64, low=0, high=2),), {"size": 4})],
    "isin": _isin,
    "unravel_index": lambda make: [((torch.tensor([1, 5, 3]), (2, 3)), {})],
    "frobenius_norm": _matrices,
    "nuclear_norm": lambda make: [((make(2, 3),), {})],
    "norm_except_dim": lambda make: [((make(2, 3),), {}), ((make(2, 3), 2, 1), {})],
    "vander": lambda make: [((make(3),), {}), ((make(3), 2), {"increasing": True})],
    "broadcast_shapes": lambda make: [(((2, 1), (3,)), {})],
    "lu_solve": _lu_solve,
    **{f"linalg.{name}": _ldl for name in ("ldl_factor", "ldl_factor_ex")},
    "linalg.ldl_solve": _ldl_solve,
    **{f"nn.functional.{name}": _detached for name in ("sigmoid", "tanh")},
    **{f"nn.functional.max_pool{n}d_with_indices": _with_indices(n) for n in (2, 3)},
    **{f"nn.functional.adaptive_max_pool{n}d_with_indices": _with_indices(n) for n in (1, 2, 3)},
    **{f"nn.functional.fractional_max_pool{n}d_with_indices": _fractional(n) for n in (2, 3)},
}
