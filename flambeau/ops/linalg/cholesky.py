"""The Cholesky decomposition, and what it solves."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.linalg.info import informed
from flambeau.ops.linalg.matrices import by_columns, failing, square
from flambeau.ops.linalg.solvers import solve_triangular
from flambeau.ops.pointwise.rules import adjoint
from flambeau.ops.products import matmul
from flambeau.ops.sequences import eye

_cholesky = Op(
    "linalg_cholesky",
    kernels.cholesky,
    batch=LEADING,
    inputs=("A",),
    accepts="fc",
    node="LinalgCholeskyEx",
    shape=by_columns,
)


@_cholesky.vjp
def _cholesky_vjp(grad: Tensor, result: Tensor) -> tuple[Tensor]:
    """I. Murray, "Differentiation of the Cholesky decomposition", 2016."""
    factor = result.mH  # type: ignore[attr-defined]
    phi = matmul(factor, grad).tril()  # type: ignore[attr-defined]
    diagonal = phi.diagonal(0, -2, -1)
    phi = phi - (diagonal / 2).diag_embed()
    half = solve_triangular(factor, phi, upper=True)
    whole = solve_triangular(result, half, upper=False, left=False)
    return ((whole + whole.mH) / 2,)  # type: ignore[attr-defined]


_NOT_POSITIVE = (
    "The factorization could not be completed because the input is not positive-definite (the "
    "leading minor of order # is not positive-definite)."
)


def _bad_minor(matrix: numpy.ndarray) -> int:
    """The order of the first leading minor that is not positive definite; 0 without one."""
    for order in range(1, len(matrix) + 1):
        try:
            factor = numpy.linalg.cholesky(matrix[:order, :order])
        except numpy.linalg.LinAlgError:
            return order
        if numpy.isnan(factor).any():
            return order
    return 0


def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower (or upper) triangular ``L`` with ``A = L @ L^H``; LinAlgError unless positive
    definite.

    ``[*, n, n]``, floating or complex; one triangle is read.

    >>> torch.linalg.cholesky(torch.tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    square("linalg.cholesky", A)
    matrix = A.triu().mH + A.triu(1) if upper else A  # type: ignore[attr-defined]
    factor = failing(
        "linalg.cholesky", lambda: _cholesky(matrix), matrix, _NOT_POSITIVE, _bad_minor
    )
    return deliver("linalg_cholesky", adjoint(factor) if upper else factor, out)


def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """``cholesky`` with LAPACK's ``info``: 0, or the order of the minor that is not positive
    definite; the factor is NaN there.

    ``[*, n, n]``, floating or complex; ``info`` is int32. RuntimeError unless square; with
    ``check_errors``, LinAlgError as from ``cholesky``.

    >>> torch.linalg.cholesky_ex(torch.tensor([[4., 2.], [2., 5.]])).info
    tensor(0, dtype=torch.int32)
    """
    given = A.mH if upper else A  # type: ignore[attr-defined]
    factor, info = informed(cholesky, given, _bad_minor, check_errors)
    factor = adjoint(factor) if upper else factor
    results = return_type("linalg_cholesky_ex", "L info")(factor, info)
    return deliver("linalg_cholesky_ex", results, out)


@method("cholesky")
def cholesky_of(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """``torch.cholesky``: the triangular factor of a positive definite matrix.

    ``[*, n, n]``, floating or complex; LinAlgError unless positive definite.

    >>> torch.cholesky(torch.tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return cholesky(input, upper=upper, out=out)


@method("cholesky_solve")
@autocasting("cholesky_solve")
def cholesky_solve(
    B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """``X`` with ``(L @ L^H) @ X = B``, given the Cholesky factor."""
    factor = L.mH if upper else L  # type: ignore[attr-defined]
    first = solve_triangular(factor, B, upper=False)
    return deliver("cholesky_solve", solve_triangular(factor.mH, first, upper=True), out)  # type: ignore


@method("cholesky_inverse")
@autocasting("cholesky_inverse")
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``L @ L^H``, given the Cholesky factor."""
    one = eye(L.shape[-1], dtype=L.dtype, device=L.device).expand(L.shape)  # type: ignore[attr-defined]
    return deliver("cholesky_inverse", cholesky_solve(one, L, upper), out)
