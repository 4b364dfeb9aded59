"""Inverses and pseudo-inverses of matrices."""

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
from flambeau.ops.batching import padded_to
from flambeau.ops.linalg.info import informed
from flambeau.ops.linalg.matrices import at_least_2d, by_columns, failing, square, zero_pivot

_NOT_INVERTIBLE = (
    "The diagonal element # is zero, the inversion could not be completed because the input "
    "matrix is "
    "singular."
)


def tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """The tolerances; the default is eps times the larger size."""
    if rtol is None:
        eps = float(numpy.finfo(A.kind.array_type).eps) * max(A.shape[-2:], default=1)
        has = atol is not None and (isinstance(atol, Tensor) or atol > 0)
        rtol = 0.0 if has else eps
        if has and isinstance(atol, Tensor):
            rtol = (atol <= 0).to(atol.dtype) * eps
    return 0.0 if atol is None else atol, rtol


def batch_of_tolerances(op: Op, A: Any, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    """Tolerances have the dimensions before those of the matrices."""
    bounds = [padded_to(t, A.ndim - 2) if isinstance(t, Tensor) else t for t in (atol, rtol)]
    return op(A, *bounds, hermitian)


_pinv = Op(
    "linalg_pinv",
    kernels.pseudo_inverse,
    batch=batch_of_tolerances,
    inputs=("A", "atol", "rtol"),
    params=("hermitian",),
    accepts="fc",
)


@_pinv.vjp
def _pinv_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, None, None]:
    """G. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973."""
    p, ph, gh = result, result.mH, grad.mH  # type: ignore[attr-defined]
    direct = -ph.matmul(grad).matmul(ph)
    rows = ph.matmul(p).matmul(gh - gh.matmul(p).matmul(A))
    columns = (gh - A.matmul(p).matmul(gh)).matmul(p).matmul(ph)  # type: ignore[attr-defined]
    return direct + rows + columns, None, None


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The Moore-Penrose inverse of a matrix, or of each of a stack.

    ``[*, n, m]``, floating or complex, gives ``[*, m, n]``. Singular values up to
    ``max(atol, rtol * largest)`` count as 0; ``hermitian`` reads one triangle only. RuntimeError
    for less than two dimensions.

    >>> torch.linalg.pinv(torch.tensor([[2., 0.], [0., 0.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    at_least_2d("linalg.pinv", A)
    if A.numel() == 0:
        return deliver("linalg_pinv", A.mH.clone(), out)  # type: ignore[attr-defined]
    bounds = tolerances(A, atol, rcond if rtol is None else rtol)
    matrix = (A.tril() + A.tril(-1).mH) if hermitian else A  # type: ignore[attr-defined]
    return deliver("linalg_pinv", _pinv(matrix, *bounds, hermitian), out)


@method("pinverse")
@autocasting("pinverse")
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose inverse, with singular values below ``rcond`` of the largest as 0."""
    return pinv(input, rcond)


_inverse = Op(
    "linalg_inv",
    kernels.inverse,
    batch=LEADING,
    inputs=("A",),
    accepts="fc",
    node="LinalgInvEx",
    shape=by_columns,
)


@_inverse.vjp
def _inverse_vjp(grad: Tensor, result: Tensor) -> tuple[Tensor]:
    return (-result.mH.matmul(grad).matmul(result.mH),)  # type: ignore[attr-defined]


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a stack; LinAlgError for a singular one.

    ``[*, n, n]``, floating or complex; RuntimeError unless square.

    >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    square("linalg.inv", A)
    return deliver(
        "linalg_inv", failing("linalg.inv", lambda: _inverse(A), A, _NOT_INVERTIBLE), out
    )


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """``inv`` with LAPACK's ``info``: 0, or which element of the diagonal is zero; the inverse is
    NaN there.

    ``[*, n, n]``, floating or complex; ``info`` is int32. RuntimeError unless square; with
    ``check_errors``, LinAlgError as from ``inv``.

    >>> torch.linalg.inv_ex(torch.tensor([[2., 0.], [0., 4.]])).inverse
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    results = return_type("linalg_inv_ex", "inverse info")(
        *informed(inv, A, zero_pivot, check_errors)
    )
    return deliver("linalg_inv_ex", results, out)


@method("inverse")
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a stack.

    ``[*, n, n]``, floating or complex; LinAlgError for a singular one.

    >>> torch.inverse(torch.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return inv(input, out=out)


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse for ``tensordot(A, B, ind)``.

    The first ``ind`` sizes and the others multiply to one number; RuntimeError otherwise.

    >>> torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6), 2).shape
    torch.Size([6, 2, 3])
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows = int(numpy.prod(A.shape[:ind]))
    columns = int(numpy.prod(A.shape[ind:]))
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            "prod(self.shape[:ind]), "
            f"but got {columns} != {rows}"
        )
    shape = (*A.shape[ind:], *A.shape[:ind])
    return deliver("linalg_tensorinv", inv(A.reshape(rows, rows)).reshape(shape), out)  # type: ignore
