"""Linear algebra: decompositions, solvers and products of several matrices."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy

from flambeau.core.op import Op
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.products import matmul

_solve = Op("linalg_solve", kernels.solve, inputs=("A", "B"), accepts="fc", node="LinalgSolveEx")


@_solve.vjp
def _solve_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    right = _solve(A.mH, grad)  # type: ignore[attr-defined]
    return -right.matmul(result.mH), right  # type: ignore[attr-defined]


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """``X`` with ``A @ X = B`` (``X @ A = B`` unless ``left``); ``B`` may be a vector."""
    if not left:
        return deliver("linalg_solve", solve(A.mT, B.mT).mT, out)  # type: ignore[attr-defined]
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    found = _solve(A, B.unsqueeze(-1) if vector else B)  # type: ignore[attr-defined]
    return deliver("linalg_solve", found.squeeze(-1) if vector else found, out)


_qr = Op("linalg_qr", kernels.qr, inputs=("A",), params=("mode",), outputs=2, accepts="fc")


@_qr.vjp
def _qr_vjp(grad: Any, result0: Tensor, result1: Tensor, mode: str) -> tuple[Tensor]:
    """S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010."""
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    grad_q, grad_r = grad
    m: Any = 0
    if grad_r is not None:
        m = result1.matmul(grad_r.mH)  # type: ignore[attr-defined]
    if grad_q is not None:
        m = m - grad_q.mH.matmul(result0)
    total = result0.matmul(m.tril() + m.tril(-1).mH)  # type: ignore[attr-defined]
    if grad_q is not None:
        total = total + grad_q
    return (_solve(result1, total.mH).mH,)  # type: ignore[attr-defined]


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """``A = Q R`` with orthonormal columns of ``Q`` and upper triangular ``R``."""
    return deliver("linalg_qr", return_type("linalg_qr", "Q R")(_qr(A, mode)), out)


_pinv = Op(
    "linalg_pinv", kernels.pseudo_inverse, inputs=("A",), params=("atol", "rtol"), accepts="fc"
)


@_pinv.vjp
def _pinv_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor]:
    """G. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973."""
    p, ph, gh = result, result.mH, grad.mH  # type: ignore[attr-defined]
    direct = -ph.matmul(grad).matmul(ph)
    rows = ph.matmul(p).matmul(gh - gh.matmul(p).matmul(A))
    columns = (gh - A.matmul(p).matmul(gh)).matmul(p).matmul(ph)  # type: ignore[attr-defined]
    return (direct + rows + columns,)


def pinv(A: Tensor, rcond: float | None = None, hermitian: bool = False, *, atol: float | None = None,
         rtol: float | None = None, out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The Moore-Penrose inverse of a matrix, or of each of a stack."""
    rtol = rcond if rtol is None else rtol
    if rtol is None:
        eps = float(numpy.finfo(A.kind.array_type).eps)
        rtol = 0.0 if atol is not None and atol > 0 else max(A.shape[-2:]) * eps
    return deliver("linalg_pinv", _pinv(A, float(atol or 0.0), float(rtol)), out)


_inverse = Op("linalg_inv", kernels.inverse, inputs=("A",), accepts="fc", node="LinalgInvEx")


@_inverse.vjp
def _inverse_vjp(grad: Tensor, result: Tensor) -> tuple[Tensor]:
    return (-result.mH.matmul(grad).matmul(result.mH),)  # type: ignore[attr-defined]


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a stack."""
    return deliver("linalg_inv", _inverse(A), out)


@method("inverse")
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a stack."""
    return inv(input, out=out)


def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices."""
    return deliver("linalg_multi_dot", reduce(matmul, tensors), out)


__all__ = exported(globals())
