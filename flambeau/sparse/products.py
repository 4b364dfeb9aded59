"""Products of matrices: ``sparse.mm``, ``sparse.addmm``, ``sampled_addmm``, ``hspmm``, ...

``torch.mm``, ``matmul`` and ``addmm`` take sparse matrices too, and have dense gradients; those of
``torch.sparse`` have gradients that are sparse where the matrix is.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.publish import exported, method
from flambeau.core.sparse import is_sparse, unsupported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared.sparse import products as kernels
from flambeau.sparse.conversion import united
from flambeau.sparse.forms import declare, sparse_form

sparse_form("mm", kernels.matrix_product)
sparse_form("bmm", kernels.matrix_product)
sparse_form("addmm", kernels.add_product)
sparse_form("linear", kernels.linear)


# ---- with sparse gradients


def at_places(a: Tensor, b: Tensor, like: Tensor) -> Tensor:
    """``a @ b``, of which only what a sparse ``like`` keeps is computed."""
    if not is_sparse(like):
        return a.matmul(b)  # type: ignore[attr-defined]
    if is_sparse(a) or is_sparse(b):
        return a.matmul(b).sparse_mask(united(like))  # type: ignore[attr-defined]
    return dispatch(_product_at, (a, b, united(like)))


_product_at = declare("product_at_places", kernels.at_places, inputs=("input", "mat2", "mask"),
    vjp={"input": lambda grad, mat2: grad.matmul(mat2.mH),
         "mat2": lambda grad, input: input.mH.matmul(grad)})  # fmt: skip


def _scale(tensor: Tensor, by: Any) -> Tensor:
    return tensor if by == 1 else tensor * by.conjugate()


def turned(matrix: Tensor) -> Tensor:
    """The conjugate transpose; of a sparse matrix too."""
    turned = matrix.transpose(-2, -1)  # type: ignore[attr-defined]
    return turned.conj() if matrix.dtype.is_complex else turned


_addmm = declare("_sparse_addmm", kernels.add_product, inputs=("input", "mat1", "mat2"),
    params=("beta", "alpha"), widen=True, node="SparseAddmm",
    vjp={
        "input": lambda grad, beta: _scale(grad, beta),
        "mat1": lambda grad, mat1, mat2, alpha: _scale(
            at_places(grad, turned(mat2), mat1), alpha),
        "mat2": lambda grad, mat1, mat2, alpha: _scale(
            at_places(turned(mat1), grad, mat2), alpha),
    })  # fmt: skip
_mm = declare("_sparse_mm", kernels.matrix_product, inputs=("mat1", "mat2"), widen=True,
    node="SparseAddmm",
    vjp={"mat1": lambda grad, mat1, mat2: at_places(grad, turned(mat2), mat1),
         "mat2": lambda grad, mat1, mat2: at_places(turned(mat1), grad, mat2)})  # fmt: skip
_sparse_by_sparse = declare("_sparse_sparse_matmul", kernels.sparse_product,
    inputs=("mat1", "mat2"), widen=True, node="SparseSparseMatmul",
    vjp=_mm.formulas)  # fmt: skip


def _check_matrices(mat1: Tensor, mat2: Tensor) -> None:
    for tensor, name in ((mat1, "mat1"), (mat2, "mat2")):
        if tensor.ndim != 2:
            raise RuntimeError(f"addmm: {name} must be a matrix, got {tensor.ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"addmm: Argument #3 (dense): Expected dim 0 size {mat1.shape[1]}, got {mat2.shape[0]}"
        )
    if mat1.dtype is not mat2.dtype:
        raise RuntimeError(
            f"addmm: expected both matrices to have one dtype, got {mat1.dtype} and {mat2.dtype}"
        )


def mm(input: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """The product ``[n, p]`` of matrices ``[n, m]`` and ``[m, p]`` of which one is sparse, or both.

    The gradient of a sparse matrix holds the elements that the matrix holds. With ``reduce``
    ("sum", "mean", "amax" or "amin") the products of a row of a CSR matrix are reduced that way.

    >>> torch.sparse.mm(torch.eye(2).to_sparse(), torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    if not (is_sparse(input) or is_sparse(mat2)):
        raise NotImplementedError(
            "Could not run 'aten::_nnz' with arguments from the 'CPU' backend. sparse.mm needs a "
            "sparse matrix"
        )
    _check_matrices(input, mat2)
    if reduce is not None:
        return _reduced(input, mat2, reduce)
    both = is_sparse(input) and is_sparse(mat2)
    return dispatch(_sparse_by_sparse if both else _mm, (input, mat2))


def addmm(
    mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1, alpha: complex = 1
) -> Tensor:
    """``beta * mat + alpha * (mat1 @ mat2)`` with a sparse ``mat1``, whose gradient is sparse.

    >>> torch.sparse.addmm(torch.ones(2, 2), torch.eye(2).to_sparse(), torch.ones(2, 2))
    tensor([[2., 2.],
            [2., 2.]])
    """
    if not is_sparse(mat1) and not is_sparse(mat2):
        raise RuntimeError("sparse.addmm: expected a sparse matrix among mat1 and mat2")
    _check_matrices(mat1, mat2)
    return dispatch(_addmm, (mat, mat1, mat2), (beta, alpha))


# ---- other reductions than the sum

_reduce = declare("_sparse_mm_reduce_impl", kernels.reduced_product, inputs=("input", "mat2"),
    params=("reduce",), outputs=2, differentiable=(0,), widen=True, node="SparseMmReduceImpl",
    vjp={"input": lambda grad, input, mat2, result1, reduce: dispatch(
            _reduce_backward, (grad, input, mat2, result1), (reduce, True)),
         "mat2": lambda grad, input, mat2, result1, reduce: dispatch(
            _reduce_backward, (grad, input, mat2, result1), (reduce, False))})  # fmt: skip
_reduce_backward = declare("_sparse_mm_reduce_backward", kernels.reduced_gradient,
    inputs=("grad_output", "input", "mat2", "where"), params=("reduce", "of_sparse"))  # fmt: skip


def _reduced(input: Tensor, mat2: Tensor, reduce: str) -> Tensor:
    if not input.is_sparse_csr or is_sparse(mat2):  # type: ignore[attr-defined]
        raise RuntimeError("sparse.mm with reduce needs a CSR matrix and a dense one")
    if reduce not in ("sum", "mean", "amax", "amin"):
        raise RuntimeError(f"sparse.mm: reduce is sum, mean, amax or amin, not {reduce!r}")
    return dispatch(_reduce, (input, mat2), (reduce,))[0]


# ---- a dense product at some places

_sampled = declare("sparse_sampled_addmm", kernels.sampled_product,
    inputs=("input", "mat1", "mat2"), params=("beta", "alpha"), node="SparseSampledAddmm",
    vjp={"input": lambda grad, beta: _scale(grad, beta),
         "mat1": lambda grad, input, mat2, alpha: _scale(
            grad.sparse_mask(input).matmul(mat2.mH), alpha),
         "mat2": lambda grad, input, mat1, alpha: _scale(turned(mat1).matmul(
            grad.sparse_mask(input)), alpha)})  # fmt: skip


def sampled_addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1.0, alpha: complex = 1.0,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (mat1 @ mat2)`` at the places alone that the CSR matrix ``input``
    keeps.

    >>> places = torch.eye(2).to_sparse_csr()
    >>> torch.sparse.sampled_addmm(places, torch.ones(2, 3), torch.ones(3, 2)).values()
    tensor([4., 4.])
    """
    if not input.is_sparse_csr:  # type: ignore[attr-defined]
        raise (
            unsupported(_sampled, (input,))
            if is_sparse(input)
            else RuntimeError("sampled_addmm: Expected self to be sparse CSR")
        )
    a, b = mat1.shape[-2:], mat2.shape[-2:]
    if a[1] != b[0]:
        raise RuntimeError(
            "sampled_addmm: mat1 and mat2 shapes cannot be multiplied "
            f"({a[0]}x{a[1]} and {b[0]}x{b[1]})"
        )
    for dim, size in ((-2, a[0]), (-1, b[1])):
        if input.shape[dim] != size:
            raise RuntimeError(f"sampled_addmm: self.shape[{dim}] must match {size}")
    result = dispatch(_sampled, (input, mat1, mat2), (beta, alpha))
    return result if out is None else out.copy_(result)  # type: ignore[attr-defined]


# ---- older names

_hspmm = declare("hspmm", kernels.row_product, inputs=("mat1", "mat2"))


def hspmm(mat1: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a sparse and a dense matrix with only the rows kept that hold anything: one
    sparse dimension, one dense dimension.

    >>> torch.hspmm(torch.eye(2).to_sparse(), torch.ones(2, 3)).dense_dim()
    1
    """
    _check_matrices(mat1, mat2)
    return dispatch(_hspmm, (mat1, mat2))


@method("smm")
def smm(input: Tensor, mat: Tensor) -> Tensor:
    """The product of a sparse and a dense matrix as a sparse matrix.

    >>> torch.smm(torch.eye(2).to_sparse(), torch.ones(2, 2)).is_sparse
    True
    """
    zeros = input.new_zeros((input.shape[0], mat.shape[1]))  # type: ignore[attr-defined]
    return sspaddmm(zeros, input, mat)


_sspaddmm = declare("sspaddmm", kernels.sparse_sum_product, inputs=("input", "mat1", "mat2"),
                    params=("beta", "alpha"))  # fmt: skip


@method("sspaddmm")
def sspaddmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1, alpha: complex = 1,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (mat1 @ mat2)`` with sparse ``input`` and ``mat1``: sparse, and not
    coalesced.

    >>> eye = torch.eye(2).to_sparse()
    >>> torch.sspaddmm(eye, eye, torch.ones(2, 2)).to_dense()
    tensor([[2., 1.],
            [1., 2.]])
    """
    _check_matrices(mat1, mat2)
    for tensor, name in ((input, "self"), (mat1, "mat1")):
        if not tensor.is_sparse:  # type: ignore[attr-defined]
            raise RuntimeError(f"sspaddmm: expected '{name}' to be sparse (COO)")
    result = dispatch(_sspaddmm, (input, mat1, mat2), (beta, alpha))
    return result if out is None else out.copy_(result)  # type: ignore[attr-defined]


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse and a dense matrix: ``torch.sparse.mm`` by its older name."""
    return mm(input, mat2)


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices of which one is sparse: ``torch.sparse.mm`` by an older name."""
    return mm(input, mat2)


def saddmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1, alpha: complex = 1,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (mat1 @ mat2)`` of sparse matrices: ``sspaddmm``, an older name."""
    return deliver("saddmm", sspaddmm(input, mat1, mat2, beta=beta, alpha=alpha), out)


def hsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse and a dense matrix: ``hspmm`` by an older name."""
    return hspmm(input, mat2)


__all__ = exported(globals(), "at_places turned united is_sparse")
