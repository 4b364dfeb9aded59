"""Samples of linear algebra. Factors are compared by functions of them that are unique."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
C = torch.complex128


def well(make: Make, *shape: int, dtype: Any = torch.float64) -> torch.Tensor:
    """Square matrices far from singular ones."""
    n = shape[-1]
    noise = make(*shape, dtype=dtype, low=-0.5, high=0.5).detach()
    diagonal = torch.diag(torch.arange(1.0, n + 1, dtype=torch.float64)).to(dtype) * 2
    return (noise + diagonal).requires_grad_()


def positive(make: Make, *shape: int, dtype: Any = torch.float64) -> torch.Tensor:
    """Positive definite Hermitian matrices with distinct eigenvalues."""
    root = well(make, *shape, dtype=dtype).detach()
    return (root @ root.mH / 4).requires_grad_()


def _square(make: Make, *extra: Any, **kwargs: Any) -> list[Sample]:
    return [
        ((well(make, 3, 3), *extra), kwargs),
        ((well(make, 2, 2, 2), *extra), kwargs),
        ((well(make, 2, 2, dtype=C), *extra), kwargs),
    ]


def _definite(make: Make) -> list[Sample]:
    return [
        ((positive(make, 3, 3),), {}),
        ((positive(make, 2, 2, 2),), {}),
        ((positive(make, 2, 2, dtype=C),), {}),
    ]


def _any_shape(make: Make) -> list[Sample]:
    return [((make(3, 2),), {}), ((make(2, 3),), {}), ((make(2, 2, 2),), {})]


def _solve(make: Make) -> list[Sample]:
    return [
        ((well(make, 3, 3), make(3, 2)), {}),
        ((well(make, 3, 3), make(3)), {}),
        ((well(make, 2, 2, 2), make(2, 2, 1)), {}),
        ((well(make, 2, 2), make(3, 2)), {"left": False}),
    ]


def _triangular(make: Make) -> list[Sample]:
    return [
        ((well(make, 3, 3), make(3, 2)), {"upper": True}),
        ((well(make, 2, 2, 2), make(2, 2, 1)), {"upper": False, "unitriangular": True}),
        ((well(make, 2, 2), make(3, 2)), {"upper": True, "left": False}),
    ]


def _old_triangular(make: Make) -> list[Sample]:
    return [
        ((make(3, 2), well(make, 3, 3)), {}),
        ((make(3, 1), well(make, 3, 3)), {"upper": False}),
    ]


def _lower(make: Make, *shape: int) -> torch.Tensor:
    return well(make, *shape).detach().tril().requires_grad_()


def _cholesky_solve(make: Make) -> list[Sample]:
    return [((make(3, 2), _lower(make, 3, 3)), {}), ((make(2, 2), _lower(make, 2, 2)), {})]


def _least_squares(make: Make) -> list[Sample]:
    return [((make(3, 2), make(3, 2)), {})]


def _with_lu(make: Make) -> list[Sample]:
    lu, pivots = torch.linalg.lu_factor(well(make, 3, 3).detach())
    return [((lu.requires_grad_(), pivots, make(3, 2)), {})]


def _unpack(make: Make) -> list[Sample]:
    lu, pivots = torch.linalg.lu_factor(well(make, 3, 3).detach())
    return [((lu.requires_grad_(), pivots), {})]


def _norms(make: Make) -> list[Sample]:
    inf = float("inf")
    return [
        *[((make(2, 3), order), {}) for order in ("fro", 1, inf, -1, 2, "nuc")],
        ((make(2, 3, 2), "fro"), {"dim": (0, 2), "keepdim": True}),
    ]


def _any_norm(make: Make) -> list[Sample]:
    return [
        ((make(2, 3),), {}),
        ((make(3), 1), {}),
        ((make(2, 3), "fro"), {}),
        ((make(2, 3), 3), {"dim": 1}),
    ]


def _chain(make: Make) -> list[Sample]:
    return [(([make(2, 3), make(3, 2), make(2, 2)],), {}), (([make(2), make(2, 3)],), {})]


def _vectors(make: Make) -> list[Sample]:
    return [((make(2, 3), make(2, 3)), {}), ((make(3, 2), make(3, 2)), {"dim": 0})]


def _cross(make: Make) -> list[Sample]:
    return [((make(2, 3), make(2, 3)), {}), ((make(3, 2), make(3, 2)), {"dim": 0})]


def _power(make: Make) -> list[Sample]:
    return [((well(make, 2, 2), n), {}) for n in (0, 1, 3, -2)]


def _householder(make: Make) -> list[Sample]:
    return [((make(3, 2), make(2)), {})]


def _reflected(make: Make) -> list[Sample]:
    return [
        ((make(3, 2), make(2), make(3, 2)), {}),
        ((make(3, 2), make(2), make(2, 3)), {"left": False}),
    ]


def _tensorsolve(make: Make) -> list[Sample]:
    return [((well(make, 4, 4).detach().reshape(2, 2, 4).requires_grad_(), make(2, 2)), {})]


def _tensorinv(make: Make) -> list[Sample]:
    return [((well(make, 4, 4).detach().reshape(2, 2, 4).requires_grad_(),), {"ind": 2})]


SAMPLES: dict[str, Generator] = {
    **{f"linalg.{name}": _square for name in ("inv", "det", "slogdet", "matrix_exp", "lu")},
    **{f"linalg.{name}": _square for name in ("inv_ex", "lu_factor", "lu_factor_ex", "eigvals")},
    **{name: _square for name in ("inverse", "logdet", "slogdet", "det", "matrix_exp", "pinverse")},
    "linalg.pinv": _any_shape,
    **{f"linalg.{name}": _definite for name in ("cholesky", "cholesky_ex", "eigvalsh")},
    "cholesky": _definite,
    "cholesky_inverse": lambda make: [((_lower(make, 3, 3),), {})],
    "cholesky_solve": _cholesky_solve,
    "linalg.solve": _solve,
    "linalg.solve_ex": _solve,
    "linalg.solve_triangular": _triangular,
    "triangular_solve": _old_triangular,
    "linalg.lstsq": _least_squares,
    "linalg.lu_solve": _with_lu,
    "lu_unpack": _unpack,
    "linalg.qr": lambda make: [((make(3, 2),), {}), ((well(make, 2, 2),), {})],
    "qr": lambda make: [((make(3, 2),), {})],
    "linalg.svdvals": _any_shape,
    "linalg.householder_product": _householder,
    "orgqr": _householder,
    "ormqr": _reflected,
    "linalg.matrix_norm": _norms,
    "linalg.norm": _any_norm,
    "linalg.cond": lambda make: [((well(make, 3, 3),), {}), ((well(make, 2, 2), 1), {})],
    "linalg.matrix_rank": lambda make: [((make(3, 2),), {})],
    "linalg.matrix_power": _power,
    "matrix_power": _power,
    "linalg.multi_dot": _chain,
    "linalg.vecdot": _vectors,
    "linalg.cross": _cross,
    "linalg.diagonal": lambda make: [((make(2, 3, 3),), {}), ((make(3, 3),), {"offset": 1})],
    "linalg.vander": lambda make: [((make(3),), {}), ((make(2, 3),), {"N": 4})],
    "linalg.tensorinv": _tensorinv,
    "linalg.tensorsolve": _tensorsolve,
}
