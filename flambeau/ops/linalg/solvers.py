"""Systems of linear equations, exact and by least squares."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import int64
from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.creation import zeros
from flambeau.ops.linalg.info import informed
from flambeau.ops.linalg.inverses import pinv
from flambeau.ops.linalg.matrices import (
    by_columns,
    column_copy,
    failing,
    forget_layout,
    square,
    zero_pivot,
)
from flambeau.ops.products import matmul
from flambeau.ops.sequences import eye

_SINGULAR = "The solver failed because the input matrix is singular."


def _solution(a: Any, b: Any) -> Any:
    """The shape rule of solvers."""
    return by_columns(b, numpy.broadcast_shapes(a.shape[:-2], b.shape[:-2]))


_solve = Op(
    "linalg_solve",
    kernels.solve,
    batch=LEADING,
    inputs=("A", "B"),
    accepts="fc",
    node="LinalgSolveEx",
    shape=_solution,
)


@_solve.vjp
def _solve_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    right = _solve(A.mH, grad)  # type: ignore[attr-defined]
    return -right.matmul(result.mH), right  # type: ignore[attr-defined]


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """``X`` with ``A @ X = B`` (``X @ A = B`` unless ``left``); ``B`` may be a stack of vectors.

    ``[*, n, n]`` and ``[*, n, k]`` or ``[*, n]``, floating or complex, of one dtype. LinAlgError
    for a singular ``A``, RuntimeError where sizes do not fit.

    >>> torch.linalg.solve(torch.tensor([[2., 0.], [1., 4.]]), torch.tensor([4., 6.]))
    tensor([2., 1.])
    """
    square("linalg.solve", A)
    vector = _are_vectors(A, B)
    right = B.unsqueeze(-1) if vector else B  # type: ignore[attr-defined]
    if not left:
        found = failing("torch.linalg.solve", lambda: _solve(A.mT, right.mT).mT, A, _SINGULAR)  # type: ignore
    else:
        if A.shape[-1] != right.shape[-2]:
            raise RuntimeError(
                "linalg.solve: Incompatible shapes of A and B for the equation AX = B "
                f"({A.shape[-2]}x"
                f"{A.shape[-1]} and {right.shape[-2]}x{right.shape[-1]})"
            )
        found = failing("torch.linalg.solve", lambda: _solve(A, right), A, _SINGULAR)
    return deliver("linalg_solve", found.squeeze(-1) if vector else found, out)


def _are_vectors(A: Tensor, B: Tensor) -> bool:
    """Whether the right-hand side of ``solve`` is a stack of vectors."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """``solve`` with LAPACK's ``info``: 0, or which pivot is zero; the result is NaN there.

    ``info`` is int32; the shapes are those of ``solve``. RuntimeError unless square; with
    ``check_errors``, LinAlgError as from ``solve``.

    >>> torch.linalg.solve_ex(torch.tensor([[2., 0.], [1., 4.]]), torch.tensor([4., 6.])).result
    tensor([2., 1.])
    """
    rank = 1 if _are_vectors(A, B) else 2
    results = return_type("linalg_solve_ex", "result info")(
        *informed(lambda a: solve(a, B, left=left), A, zero_pivot, check_errors, rank)
    )
    return deliver("linalg_solve_ex", results, out)


_solve_triangular = Op(
    "linalg_solve_triangular",
    kernels.solve,
    batch=LEADING,
    inputs=("A", "B"),
    accepts="fc",
    shape=_solution,
)


@_solve_triangular.vjp
def _solve_triangular_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    right = _solve_triangular(A.mH, grad)  # type: ignore[attr-defined]
    return -right.matmul(result.mH), right  # type: ignore[attr-defined]


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B`` (``X @ A = B`` unless ``left``) for a triangular ``A``.

    ``[*, n, n]`` and ``[*, n, k]``, floating or complex; the other triangle is not read, nor with
    ``unitriangular`` the diagonal. RuntimeError unless ``A`` is square.

    >>> A = torch.tensor([[2., 0.], [1., 4.]])
    >>> torch.linalg.solve_triangular(A, torch.tensor([[4.], [6.]]), upper=False)
    tensor([[2.],
            [1.]])
    """
    square("linalg.solve_triangular", A)
    if not left:
        found = solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT  # type: ignore
        return deliver("linalg_solve_triangular", found, out)
    triangle = A.triu() if upper else A.tril()  # type: ignore[attr-defined]
    if unitriangular:
        one = eye(A.shape[-1], dtype=A.dtype, device=A.device)
        triangle = (A.triu(1) if upper else A.tril(-1)) + one  # type: ignore[attr-defined]
    return deliver("linalg_solve_triangular", _solve_triangular(triangle, B), out)


@method("triangular_solve")
@autocasting("triangular_solve")
def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """``X`` with ``A @ X = input`` for a triangular ``A`` (deprecated), and ``A``."""
    matrix = A.mT if transpose else A  # type: ignore[attr-defined]
    found = solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    batch = found.shape[:-2]
    copy = column_copy(A.expand(*batch, *A.shape[-2:]))  # type: ignore[attr-defined]
    forget_layout(*(out or () if not A.numel() else ()))
    return deliver(
        "triangular_solve",
        return_type("triangular_solve", "solution cloned_coefficient")(found, copy),
        out,
    )


_lstsq = Op(
    "linalg_lstsq",
    kernels.lstsq,
    batch=LEADING,
    inputs=("A", "B"),
    params=("rcond",),
    outputs=4,
    accepts="fc",
    differentiable=(),
)


@autocasting("linalg_lstsq")
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None
) -> Any:  # fmt: skip
    """The ``X`` of least ``|A @ X - B|``; its residuals, the rank and singular values of ``A``."""
    drivers = (None, "gels", "gelsy", "gelsd", "gelss")
    if driver not in drivers:
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    vector = _are_vectors(A, B)
    right = B.unsqueeze(-1) if vector else B  # type: ignore[attr-defined]
    eps = float(numpy.finfo(A.kind.array_type).eps) * max(A.shape[-2:])
    _, residuals, rank, values = _lstsq(A.detach(), right.detach(), eps if rcond is None else rcond)  # type: ignore
    solution = matmul(pinv(A, rtol=eps if rcond is None else rcond), right)
    solution = solution.mT.contiguous().mT  # type: ignore[attr-defined]
    if residuals.numel():
        residuals = ((matmul(A, solution) - right).abs() ** 2).sum(-2)  # type: ignore
    empty = zeros(0, dtype=values.dtype, device=A.device)
    if A.shape[-2] <= A.shape[-1] or driver in (None, "gelsy"):
        residuals = solution.abs().sum().reshape(1).narrow(0, 0, 0)  # type: ignore
    if driver in (None, "gels", "gelsy"):
        values = empty
    if driver == "gels":
        rank = zeros(0, dtype=int64, device=A.device)
    kept = solution.squeeze(-1) if vector else solution  # type: ignore[attr-defined]
    names = "solution residuals rank singular_values"
    found = return_type("linalg_lstsq", names)(kept, residuals, rank, values)
    return deliver("linalg_lstsq", found, out)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """``X`` with ``tensordot(A, X, X.ndim) = B``.

    The sizes of ``A`` beyond those of ``B`` are those of ``X``; RuntimeError where they do not fit.

    >>> torch.linalg.tensorsolve(torch.eye(6).reshape(2, 3, 6), torch.ones(2, 3))
    tensor([1., 1., 1., 1., 1., 1.])
    """
    if dims is not None:
        moved = [d % A.ndim for d in dims]
        A = A.permute(*[d for d in range(A.ndim) if d not in moved], *moved)  # type: ignore
    shape = A.shape[B.ndim :]
    n = int(numpy.prod(shape))
    if n != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {n} != {B.numel()}"
        )
    return deliver("linalg_tensorsolve", solve(A.reshape(n, n), B.reshape(n)).reshape(shape), out)  # type: ignore
