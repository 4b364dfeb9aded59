"""Eigenvalues and eigenvectors."""

from __future__ import annotations

from typing import Any

from flambeau.core.op import LEADING, Op
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.linalg.matrices import forget_layout, square
from flambeau.ops.linalg.solvers import solve
from flambeau.ops.products import matmul
from flambeau.ops.sequences import eye

_eigh = Op(
    "linalg_eigh",
    kernels.eigh,
    batch=LEADING,
    inputs=("A",),
    params=("uplo",),
    outputs=2,
    accepts="fc",
)


@_eigh.vjp
def _eigh_vjp(grad: Any, result0: Tensor, result1: Tensor) -> tuple[Any]:
    """M. Giles, "An extended collection of matrix derivative results", 2008."""
    grad_values, grad_vectors = grad
    values, vectors = result0, result1
    if grad_vectors is None:
        return ((vectors * grad_values[..., None, :]).matmul(vectors.mH),)  # type: ignore
    gaps = values[..., None, :] - values[..., :, None]  # type: ignore[index]
    one = eye(values.shape[-1], dtype=values.dtype, device=values.device)
    inner = matmul(vectors.mH, grad_vectors) / (gaps + one) * (1 - one)  # type: ignore[attr-defined]
    if grad_values is not None:
        inner = inner + grad_values.diag_embed()
    return (matmul(matmul(vectors, inner), vectors.mH),)  # type: ignore[attr-defined]


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """The rising eigenvalues and the eigenvectors of a Hermitian matrix; one triangle is read.

    ``[*, n, n]``, floating or complex, gives real ``[*, n]`` and ``[*, n, n]``. RuntimeError unless
    square, or for ``UPLO`` other than "L" and "U".

    >>> torch.linalg.eigh(torch.tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([1., 2.])
    """
    square("linalg.eigh", A)
    _check_uplo(UPLO)
    found = return_type("linalg_eigh", "eigenvalues eigenvectors")(*_eigh(A, UPLO.upper()))
    return deliver("linalg_eigh", found, out)


def _check_uplo(uplo: str) -> None:
    if uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The rising eigenvalues of a Hermitian matrix.

    ``[*, n, n]``, floating or complex, gives real ``[*, n]``. RuntimeError unless square.

    >>> torch.linalg.eigvalsh(torch.tensor([[2., 1.], [1., 2.]]))
    tensor([1., 3.])
    """
    square("linalg.eigvalsh", A)
    _check_uplo(UPLO)
    return deliver("linalg_eigvalsh", _eigh(A, UPLO.upper())[0], out)


_eig = Op("linalg_eig", kernels.eig, batch=LEADING, inputs=("A",), outputs=2, accepts="fc")


@_eig.vjp
def _eig_vjp(grad: Any, result0: Tensor, result1: Tensor) -> tuple[Any]:
    """C. Boeddeker et al., "On the computation of complex-valued gradients", 2017."""
    grad_values, grad_vectors = grad
    values, vectors = result0, result1
    inner: Any = 0
    if grad_values is not None:
        inner = grad_values.diag_embed()
    if grad_vectors is not None:
        gaps = (values[..., None, :] - values[..., :, None]).conj()  # type: ignore[index]
        one = eye(values.shape[-1], dtype=values.dtype, device=values.device)
        w = matmul(vectors.mH, grad_vectors)  # type: ignore[attr-defined]
        lengths = w.diagonal(0, -2, -1).real  # type: ignore[attr-defined]
        w = w - matmul(vectors.mH, vectors * lengths[..., None, :])  # type: ignore
        inner = inner + w / (gaps + one) * (1 - one)
    right = matmul(inner, vectors.mH)  # type: ignore[attr-defined]
    return (solve(vectors.mH, right),)  # type: ignore[attr-defined]


def eig(A: Tensor, *, out: Any = None) -> Any:
    """The eigenvalues and eigenvectors of a square matrix, always complex.

    ``[*, n, n]``, floating or complex, gives ``[*, n]`` and ``[*, n, n]``, whose columns have
    length 1. RuntimeError unless square.

    >>> values, vectors = torch.linalg.eig(torch.tensor([[0., -1.], [1., 0.]]))
    >>> values
    tensor([0.+1.j, 0.-1.j])
    """
    square("linalg.eig", A)
    forget_layout(*(out or ()))
    return deliver(
        "linalg_eig", return_type("linalg_eig", "eigenvalues eigenvectors")(*_eig(A)), out
    )


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of a square matrix, always complex.

    ``[*, n, n]``, floating or complex, gives ``[*, n]``; RuntimeError unless square.

    >>> torch.linalg.eigvals(torch.tensor([[0., -1.], [1., 0.]]))
    tensor([0.+1.j, 0.-1.j])
    """
    square("linalg.eigvals", A)
    forget_layout(out)
    return deliver("linalg_eigvals", _eig(A)[0], out)
