"""Sums, norms and softmax of sparse tensors."""

from __future__ import annotations

from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.dtype import dtype as DType
from flambeau.core.families import canonical
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported
from flambeau.core.sparse import backend, is_sparse
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared.sparse import reductions as kernels
from flambeau.sparse.conversion import united
from flambeau.sparse.forms import declare, sparse_form

Dims = Any

sparse_form("sum", kernels.sum_over)
sparse_form("linalg_vector_norm", kernels.norm)
sparse_form("any", kernels.any_of)


# ---- sums

_sum_gradient = declare("sparse_sum_backward", kernels.sum_gradient,
    inputs=("grad_output", "input"), params=("dims",),
    vjp={"grad_output": lambda grad, dims: dispatch(_sum, (united(grad),), (dims,))})  # fmt: skip
_sum = declare("sparse_sum", kernels.summed, params=("dims",), widen=True,
    vjp={"input": lambda grad, input, dims: dispatch(_sum_gradient, (grad, input), (dims,))},
    doc="The sum of a sparse tensor over some dimensions.")  # fmt: skip


def sum(input: Tensor, dim: Dims = None, dtype: DType | None = None) -> Tensor:
    """The sum of the elements of a sparse tensor, over all dimensions or over ``dim``.

    The result is sparse where a sparse dimension is left, else dense. The gradient holds the
    elements that ``input`` holds.

    >>> torch.sparse.sum(torch.eye(3).to_sparse())
    tensor(3.)
    """
    if not is_sparse(input):
        raise RuntimeError("coalesce expected sparse coordinate tensor layout but got Strided")
    if not input.is_sparse:  # type: ignore[attr-defined]
        raise NotImplementedError(
            "Could not run 'aten::_indices' with arguments from the "
            f"'{backend((input,))}' backend. torch.sparse.sum takes tensors in coordinates"
        )
    if dtype is not None:
        input = input.to(dtype)  # type: ignore[attr-defined]
    elif input.dtype.rank < 2:
        input = input.long()  # type: ignore[attr-defined]
    return dispatch(_sum, (input,), (canonical(dim, input.ndim),))


# ---- softmax


def _softmax_op(name: str, node: str, logarithm: bool) -> Any:
    backward = declare(
        f"{name}_backward", kernels.softmax_gradient, inputs=("grad_output", "result_"),
        params=("dim", "logarithm"),
    )  # fmt: skip
    return declare(
        name, kernels.softmax, params=("dim", "logarithm"), node=node,
        vjp={"input": lambda grad, result, dim: dispatch(
            backward, (grad, result), (dim, logarithm))},
        doc="The softmax of the elements that a sparse tensor keeps.",
    )  # fmt: skip


_softmax = _softmax_op("_sparse_softmax", "SparseSoftmax", False)
_log_softmax = _softmax_op("_sparse_log_softmax", "SparseLogSoftmax", True)


def _along(op: Any, name: str, input: Tensor, dim: int, dtype: DType | None) -> Tensor:
    if not is_sparse(input) or not input.is_sparse:  # type: ignore[attr-defined]
        raise NotImplementedError(
            f"Could not run 'aten::{op.name}' with arguments from the "
            f"'{backend((input,))}' backend. "
            f"torch.sparse.{name} takes tensors in coordinates"
        )
    if dtype is not None:
        input = input.to(dtype)  # type: ignore[attr-defined]
    if not input.dtype.rank >= 2:
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}')
    return dispatch(op, (input,), (wrap_dim(dim, input.ndim), op is _log_softmax))


def softmax(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim`` of the elements that ``input`` keeps: the others count
    as minus infinity, not as zero.

    >>> rows = torch.sparse_coo_tensor([[0, 0, 1], [0, 1, 0]], [1.0, 1.0, 5.0], (2, 2))
    >>> torch.sparse.softmax(rows, 1).values()
    tensor([0.5000, 0.5000, 1.0000])
    """
    return _along(_softmax, "softmax", input, dim, dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The logarithm of ``torch.sparse.softmax``."""
    return _along(_log_softmax, "log_softmax", input, dim, dtype)


__all__ = exported(globals())
