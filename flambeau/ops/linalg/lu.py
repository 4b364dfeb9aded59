"""The LU decomposition, and what it solves."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.kind import Kind
from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.conversion import moved
from flambeau.ops.drawing import on_host
from flambeau.ops.joining import cat
from flambeau.ops.linalg.matrices import at_least_2d
from flambeau.ops.linalg.solvers import solve_triangular
from flambeau.ops.products import matmul
from flambeau.ops.sequences import eye

_lu_factor = Op(
    "linalg_lu_factor_ex",
    kernels.lu_factor,
    batch=LEADING,
    inputs=("A",),
    outputs=3,
    accepts="fc",
    differentiable=(0,),
)


@_lu_factor.vjp
def _lu_factor_vjp(grad: Tensor, result0: Tensor, result1: Tensor) -> tuple[Tensor]:
    """S. Walter and L. Lehmann, 2010, for the packed factors of a square matrix."""
    n, m = result0.shape[-2:]
    if n != m:
        return (_rectangular_lu_grad(grad, result0, result1),)
    p, lower, upper = lu_unpack(result0, result1)
    g_lower = matmul(lower.mH, grad.tril(-1)).tril(-1)  # type: ignore[attr-defined]
    g_upper = matmul(grad.triu(), upper.mH).triu()  # type: ignore[attr-defined]
    inner = solve_triangular(lower.mH, g_lower + g_upper, upper=True, unitriangular=True)
    inner = solve_triangular(upper.mH, inner, upper=False, left=False)
    return (matmul(p, inner),)


def _rectangular_lu_grad(grad: Tensor, packed: Tensor, pivots: Tensor) -> Tensor:
    """The same for more rows, or more columns, than the other: in blocks."""
    rows, columns = packed.shape[-2:]
    k = min(rows, columns)
    p, lower, upper = lu_unpack(packed, pivots)
    g = grad
    l1, u1 = lower[..., :k, :], upper[..., :, :k]
    if rows > columns:
        l2, g2 = lower[..., k:, :], g[..., k:, :]  # type: ignore[index]
        low = matmul(l1.mH, g[..., :k, :].tril(-1)).tril(-1)  # type: ignore[index]
        up = (matmul(g[..., :k, :].triu(), u1.mH) - matmul(l2.mH, g2)).triu()  # type: ignore
        inner = solve_triangular(l1.mH, low + up, upper=True, unitriangular=True)
        inner = cat((inner, g2), -2)
        return matmul(p, solve_triangular(u1.mH, inner, upper=False, left=False))
    u2, g2 = upper[..., :, k:], g[..., :, k:]  # type: ignore[index]
    low = (matmul(l1.mH, g[..., :, :k].tril(-1)) - matmul(g2, u2.mH)).tril(-1)  # type: ignore[index]
    up = matmul(g[..., :, :k].triu(), u1.mH).triu()  # type: ignore[index]
    inner = solve_triangular(u1.mH, low + up, upper=False, left=False)
    inner = cat((inner, g2), -1)
    return matmul(p, solve_triangular(l1.mH, inner, upper=True, unitriangular=True))


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """The LU factors of ``A`` packed in one matrix, and the pivots, counted from 1.

    ``[*, n, m]``, floating or complex, gives ``[*, n, m]`` and int32 pivots. RuntimeError for less
    than two dimensions.

    >>> torch.linalg.lu_factor(torch.tensor([[1., 2.], [2., 0.]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    packed, pivots, _ = lu_factor_ex(A, pivot=pivot)
    return deliver(
        "linalg_lu_factor", return_type("linalg_lu_factor", "LU pivots")(packed, pivots), out
    )


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """``lu_factor`` with LAPACK's ``info`` (0: no failure).

    ``[*, n, m]``, floating or complex; ``info`` is int32. RuntimeError for less than two
    dimensions.

    >>> torch.linalg.lu_factor_ex(torch.tensor([[1., 2.], [2., 0.]])).info
    tensor(0, dtype=torch.int32)
    """
    at_least_2d("torch.lu_factor", A)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    found = return_type("linalg_lu_factor_ex", "LU pivots info")(*_lu_factor(A))
    return deliver("linalg_lu_factor_ex", found, out)


def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Any = None,
) -> Any:
    """``P``, ``L`` and ``U`` from packed LU factors and pivots.

    ``LU_data`` is ``[*, n, m]`` and ``LU_pivots`` int32; what is not asked for comes back empty.

    >>> P, L, U = torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[1., 2.], [2., 0.]])))
    >>> P @ L @ U
    tensor([[1., 2.],
            [2., 0.]])
    """
    rows, columns = LU_data.shape[-2:]
    k = min(rows, columns)
    empty = LU_data.new_zeros(0)  # type: ignore[attr-defined]
    p = lower = upper = empty
    if unpack_data:
        one = eye(rows, k, dtype=LU_data.dtype, device=LU_data.device)
        lower = LU_data[..., :, :k].tril(-1) + one  # type: ignore[index]
        upper = LU_data[..., :k, :].triu()  # type: ignore[index]
    if unpack_pivots:
        p = _permutation(LU_pivots, rows, LU_data)
    return deliver("lu_unpack", return_type("lu_unpack", "P L U")(p, lower, upper), out)


def _exchanges(pivots: Any, rows: int, kind: Kind) -> Any:
    """The matrices that undo exchanges of rows."""
    host = on_host(pivots)
    flat = host.reshape(int(numpy.prod(host.shape[:-1])), host.shape[-1]) - 1
    orders = numpy.tile(numpy.arange(rows), (len(flat), 1))
    for order, swaps in zip(orders, flat):
        for i, j in enumerate(swaps):
            order[i], order[j] = order[j], order[i]
    matrices = numpy.zeros((len(flat), rows, rows), kind.array_type)
    for matrix, order in zip(matrices, orders):
        matrix[order, numpy.arange(rows)] = 1
    return moved(matrices.reshape(*host.shape[:-1], rows, rows), kind)


_exchanged = Op("lu_permutation", _exchanges, inputs=("pivots",), params=("rows", "kind"),
    batch=LEADING, shape=lambda pivots, rows, kind: (
        (*pivots.shape[:-1], rows, rows), kind.array_type))  # fmt: skip


def _permutation(pivots: Tensor, rows: int, like: Tensor) -> Tensor:
    """The matrix that undoes the exchange of rows."""
    return _exchanged(pivots, rows, like.kind)


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """``A = P @ L @ U`` with a permutation, a unit lower and an upper triangular matrix.

    ``[*, n, m]``, floating or complex, gives ``[*, n, n]``, ``[*, n, k]`` and ``[*, k, m]`` with
    the smaller ``k``. RuntimeError for ``pivot=False`` on the CPU.

    >>> torch.linalg.lu(torch.tensor([[1., 2.], [2., 0.]])).U
    tensor([[2., 0.],
            [0., 2.]])
    """
    packed, pivots, _ = lu_factor_ex(A, pivot=pivot)
    return deliver("linalg_lu", return_type("linalg_lu", "P L U")(*lu_unpack(packed, pivots)), out)


@method("lu")
def lu_of(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """``torch.lu`` (deprecated): the packed factors and pivots, with ``info`` when asked.

    Tensors of any dtype may be given as ``out``.

    ``[*, n, m]``, floating or complex; pivots are int32, counted from 1. RuntimeError for less than
    two dimensions.

    >>> torch.lu(torch.tensor([[1., 2.], [2., 0.]]))[1]
    tensor([2, 2], dtype=torch.int32)
    """
    packed, pivots, info = lu_factor_ex(A, pivot=pivot)
    found = (
        return_type("_lu_with_info", "LU pivots info")(packed, pivots, info)
        if get_infos
        else (packed, pivots)
    )
    if out is None:
        return found
    if len(out) != len(found):
        raise TypeError(f"expected tuple of {len(found)} elements but got {len(out)}")
    for target, result in zip(out, found):
        target.resize_as_(result).copy_(result)
    return out


@autocasting("lu_solve")
def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """``X`` with ``A @ X = B``, given the packed LU factors of ``A``."""
    p, lower, upper = lu_unpack(LU, pivots)
    if not left:
        found = lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH  # type: ignore[attr-defined]
    elif adjoint:
        first = solve_triangular(upper.mH, B, upper=False)
        found = matmul(p, solve_triangular(lower.mH, first, upper=True, unitriangular=True))
    else:
        first = solve_triangular(lower, matmul(p.mT, B), upper=False, unitriangular=True)
        found = solve_triangular(upper, first, upper=True)
    return deliver("linalg_lu_solve", found, out)


@method("lu_solve")
@autocasting("lu_solve")
def lu_solve_of(
    input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """``torch.lu_solve``: ``X`` with ``A @ X = input``."""
    return lu_solve(LU_data, LU_pivots, input, out=out)
