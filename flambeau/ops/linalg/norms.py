"""Norms, ranks and condition numbers of matrices."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int64
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import Op
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.creation import zeros
from flambeau.ops.linalg.inverses import batch_of_tolerances, inv, tolerances
from flambeau.ops.linalg.matrices import at_least_2d, square
from flambeau.ops.linalg.svd import singular_values
from flambeau.ops.vector_norms import vector_norm

_rank = Op(
    "linalg_matrix_rank",
    kernels.rank,
    batch=batch_of_tolerances,
    inputs=("A", "atol", "rtol"),
    params=("hermitian",),
    accepts="fc",
)


@autocasting("linalg_matrix_rank")
def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How many singular values exceed ``max(atol, rtol * largest)``."""
    at_least_2d("linalg.matrix_rank", A)
    if tol is not None:
        atol, rtol = tol, 0.0
    if A.numel() == 0:
        return deliver("linalg_matrix_rank", zeros(A.shape[:-2], dtype=int64, device=A.device), out)
    return deliver("linalg_matrix_rank", _rank(A, *tolerances(A, atol, rtol), hermitian), out)


@numpy_names
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
    dtype: DType | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A norm of matrices: "fro", "nuc", inf, -inf, 1, -1, 2 or -2.

    Floating or complex; the two dimensions ``dim`` are dropped, or kept with size 1. RuntimeError
    for other norms, and for one dimension twice.

    >>> torch.linalg.matrix_norm(torch.tensor([[3., 0.], [4., 0.]]))
    tensor(5.)
    >>> torch.linalg.matrix_norm(torch.tensor([[3., 0.], [4., 0.]]), 1)
    tensor(7.)
    """
    at_least_2d("linalg.matrix_norm", A)
    if dtype is not None:
        A = A.to(dtype)  # type: ignore[attr-defined]
    row, column = (d % A.ndim for d in dim)
    if row == column:
        raise RuntimeError(
            "linalg.matrix_norm: dims must be different. Got (" + f"{dim[0]}, {dim[1]})"
        )
    if ord == "fro":
        return deliver("linalg_matrix_norm", vector_norm(A, 2, (row, column), keepdim), out)
    if ord in ("nuc", 2, -2):
        values = singular_values(A.movedim((row, column), (-2, -1)))  # type: ignore[attr-defined]
        if not values.shape[-1] and ord == 2:
            values = values.new_zeros((*values.shape[:-1], 1))  # type: ignore[attr-defined]
        found = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)  # type: ignore
        if keepdim:
            for d in sorted((row, column)):
                found = found.unsqueeze(d)
        return deliver("linalg_matrix_norm", found, out)
    if ord not in (1, -1, float("inf"), -float("inf")):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    added, kept = (row, column) if abs(ord) == 1 else (column, row)
    sums = A.abs().sum(added, keepdim)  # type: ignore[attr-defined]
    at = kept if keepdim or kept < added else kept - 1
    if not A.shape[kept] and ord > 0:
        return deliver("linalg_matrix_norm", sums.sum(at, keepdim), out)
    found = sums.amax(at, keepdim) if ord > 0 else sums.amin(at, keepdim)
    return deliver("linalg_matrix_norm", found, out)


@numpy_names
def norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *,
    dtype: DType | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A vector norm over one dimension, or all of them; a matrix norm over two.

    Floating or complex. RuntimeError for an ``ord`` without ``dim`` unless there are one or two
    dimensions.

    >>> torch.linalg.norm(torch.tensor([3., 4.]))
    tensor(5.)
    """
    if ord is None:
        return vector_norm(input, 2, dim, keepdim, dtype=dtype, out=out)
    if dim is None:
        if input.ndim not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{input.ndim}D."
            )
        dim = 0 if input.ndim == 1 else (0, 1)
    if isinstance(dim, int) or len(dim) == 1:
        return vector_norm(input, ord, dim, keepdim, dtype=dtype, out=out)
    return matrix_norm(input, ord, dim, keepdim, dtype=dtype, out=out)


@method("norm_nuclear")
def _norm_nuclear(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values."""
    return matrix_norm(self, "nuc", (0, 1) if dim is None else dim, keepdim)


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: the norm of a matrix times that of its inverse.

    ``[*, n, m]``, floating or complex, gives real ``[*]``; ``p`` as in ``matrix_norm``, 2 by
    default. RuntimeError unless square for norms other than 2 and -2.

    >>> torch.linalg.cond(torch.tensor([[4., 0.], [0., 2.]]))
    tensor(2.)
    """
    at_least_2d("linalg.cond", A)
    if p in (None, 2, -2):
        values = singular_values(A)
        first, last = values.amax(-1), values.amin(-1)  # type: ignore[attr-defined]
        return deliver("linalg_cond", last / first if p == -2 else first / last, out)
    square("linalg.cond", A)
    return deliver("linalg_cond", matrix_norm(A, p) * matrix_norm(inv(A), p), out)
