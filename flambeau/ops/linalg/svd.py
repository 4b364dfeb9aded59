"""The singular value decomposition, exact and of low rank."""

from __future__ import annotations

from typing import Any

from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.linalg.matrices import at_least_2d
from flambeau.ops.linalg.qr import qr
from flambeau.ops.products import matmul
from flambeau.ops.random import randn
from flambeau.ops.sequences import eye

# ---- singular values

_svd = Op(
    "linalg_svd",
    kernels.svd,
    batch=LEADING,
    inputs=("A",),
    params=("full_matrices",),
    outputs=3,
    accepts="fc",
)


@_svd.vjp
def _svd_vjp(grad: Any, A: Tensor, result0: Tensor, result1: Tensor, result2: Tensor) -> tuple[Any]:
    """J. Townsend, "Differentiating the singular value decomposition", 2016."""
    grad_u, grad_s, grad_vh = grad
    k = result1.shape[-1]
    u, s, vh = result0[..., :k], result1, result2[..., :k, :]  # type: ignore[index]
    if grad_u is None and grad_vh is None:
        return ((u * grad_s[..., None, :]).matmul(vh),)
    gu = None if grad_u is None else grad_u[..., :k]
    gv = None if grad_vh is None else grad_vh[..., :k, :].mH
    v = vh.mH
    gaps = s[..., None, :] ** 2 - s[..., :, None] ** 2  # type: ignore[index]
    gaps = gaps + eye(k, dtype=s.dtype, device=s.device)
    inner: Any = 0
    if gu is not None:
        w = matmul(u.mH, gu)
        inner = inner + ((w - w.mH) / gaps) * s[..., None, :]  # type: ignore[index]
    if gv is not None:
        w = matmul(vh, gv)
        inner = inner + s[..., :, None] * ((w - w.mH) / gaps)  # type: ignore[index]
    if grad_s is not None:
        inner = inner + grad_s.diag_embed()
    if A.dtype.is_complex and gu is not None:
        turned = matmul(u.mH, gu).diagonal(0, -2, -1)  # type: ignore[attr-defined]
        inner = inner + (1j * turned.imag / s).diag_embed()
    total = matmul(matmul(u, inner), vh)
    if gu is not None and u.shape[-2] > k:
        scaled = gu / s[..., None, :]  # type: ignore[index]
        total = total + matmul(scaled - matmul(u, matmul(u.mH, scaled)), vh)
    if gv is not None and v.shape[-2] > k:
        scaled = (gv / s[..., None, :]).mH  # type: ignore[index]
        total = total + matmul(u, scaled - matmul(matmul(scaled, v), vh))
    return (total,)


def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None
) -> Any:
    """``A = U diag(S) Vh`` with the singular values in falling order.

    ``[*, n, m]``, floating or complex, gives ``[*, n, n]``, real ``[*, k]`` and ``[*, m, m]``;
    without ``full_matrices`` ``[*, n, k]`` and ``[*, k, m]``, with the smaller ``k``. RuntimeError
    for less than two dimensions.

    >>> torch.linalg.svd(torch.tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    at_least_2d("linalg.svd", A)
    return deliver("linalg_svd", return_type("linalg_svd", "U S Vh")(*_svd(A, full_matrices)), out)


@method("svd")
def svd_of(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """``torch.svd`` (deprecated): ``U``, ``S`` and ``V``, not its conjugate transpose.

    ``[*, n, m]``, floating or complex; ``some`` leaves out the columns without singular values.
    RuntimeError for less than two dimensions.

    >>> torch.svd(torch.tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    u, s, vh = svd(input, not some)
    if not compute_uv:
        u, vh = u.new_zeros(u.shape), vh.new_zeros(vh.shape)
        if some:
            m, n = input.shape[-2:]
            u = u.new_zeros((*u.shape[:-2], m, m))
            vh = vh.new_zeros((*vh.shape[:-2], n, n))
    return deliver("svd", return_type("svd", "U S V")(u, s, vh.mH), out)


_singular_values = Op(
    "linalg_svdvals", kernels.singular_values, batch=LEADING, inputs=("A",), accepts="fc"
)


@_singular_values.vjp
def _singular_values_vjp(grad: Tensor, A: Tensor) -> tuple[Tensor]:
    u, _, vh = _svd(A, False)
    return ((u * grad[..., None, :]).matmul(vh),)  # type: ignore[index]


def singular_values(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values in falling order.

    ``[*, n, m]``, floating or complex, gives real ``[*, k]`` with the smaller ``k``. RuntimeError
    for less than two dimensions.

    >>> torch.linalg.svdvals(torch.tensor([[3., 0.], [0., 4.]]))
    tensor([4., 3.])
    """
    at_least_2d("linalg.svdvals", A)
    return deliver("linalg_svdvals", _singular_values(A), out)


# ---- low rank


def svd_lowrank(A: Tensor, q: int = 6, niter: int = 2, M: Tensor | None = None) -> Any:
    """An approximate SVD of rank ``q`` by random projection (N. Halko et al., 2011).

    ``[*, n, m]`` gives ``[*, n, q]``, ``[*, q]`` and ``[*, m, q]``; ``M`` is subtracted from ``A``.

    >>> U, S, V = torch.svd_lowrank(torch.diag(torch.tensor([4., 3., 0.])), q=2)
    >>> S
    tensor([4.0000, 3.0000])
    """
    matrix = A if M is None else A - M
    basis = _range_basis(matrix, q, niter)
    u, s, vh = svd(matmul(basis.mH, matrix), False)  # type: ignore[attr-defined]
    return matmul(basis, u), s, vh.mH


def _range_basis(matrix: Tensor, q: int, niter: int) -> Tensor:
    start = randn(matrix.shape[-1], q, dtype=matrix.dtype, device=matrix.device)
    basis = qr(matmul(matrix, start)).Q
    for _ in range(niter):
        basis = qr(matmul(matrix.mH, basis)).Q  # type: ignore[attr-defined]
        basis = qr(matmul(matrix, basis)).Q
    return basis


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """Principal components by a low-rank SVD of the centred rows.

    ``[*, n, m]`` gives ``[*, n, q]``, ``[*, q]`` and ``[*, m, q]``; ValueError for ``q`` above the
    sizes.

    >>> U, S, V = torch.pca_lowrank(torch.eye(4), q=2)
    >>> U.shape, S.shape, V.shape
    (torch.Size([4, 2]), torch.Size([2]), torch.Size([4, 2]))
    """
    rank = min(6, *A.shape[-2:]) if q is None else q
    if not 0 <= rank <= min(A.shape[-2:]):
        raise ValueError(
            f"q(={rank}) must be non-negative integer and not greater than min(m, "
            f"n)={min(A.shape[-2:])}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    rows = A - A.mean(-2, True) if center else A  # type: ignore[attr-defined]
    return svd_lowrank(rows, rank, niter)
