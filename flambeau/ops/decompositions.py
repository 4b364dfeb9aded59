"""Decompositions of matrices: Cholesky, QR, LU, LDL, eigenvalues, singular values."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import int32
from flambeau.core.op import LEADING, Op
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.creation import zeros
from flambeau.ops.from_data import from_numpy
from flambeau.ops.joining import cat, stack
from flambeau.ops.linalg import at_least_2d, by_columns, failing, solve, solve_triangular, square
from flambeau.ops.products import matmul
from flambeau.ops.random import randn
from flambeau.ops.sequences import eye

# ---- Cholesky

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
            numpy.linalg.cholesky(matrix[:order, :order])
        except numpy.linalg.LinAlgError:
            return order
    return 0


def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower (or upper) triangular ``L`` with ``A = L @ L^H``; LinAlgError unless positive
    definite."""
    square("linalg.cholesky", A)
    matrix = A.triu().mH + A.triu(1) if upper else A  # type: ignore[attr-defined]
    factor = failing("linalg.cholesky", lambda: _cholesky(matrix), A, _NOT_POSITIVE, _bad_minor)
    return deliver("linalg_cholesky", factor.mH if upper else factor, out)


def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """``cholesky`` with LAPACK's ``info`` (0: no failure)."""
    info = zeros(A.shape[:-2], dtype=int32, device=A.device)
    results = return_type("linalg_cholesky_ex", "L info")(cholesky(A, upper=upper), info)
    return deliver("linalg_cholesky_ex", results, out)


@method("cholesky")
def cholesky_of(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """``torch.cholesky``: the triangular factor of a positive definite matrix."""
    return cholesky(input, upper=upper, out=out)


# ---- QR

_qr = Op(
    "linalg_qr", kernels.qr, batch=LEADING, inputs=("A",), params=("mode",), outputs=2, accepts="fc"
)


@_qr.vjp
def _qr_vjp(grad: Any, A: Tensor, result0: Tensor, result1: Tensor, mode: str) -> tuple[Tensor]:
    """S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", 2010."""
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    m, n = A.shape[-2:]
    if mode == "complete" and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        )
    grad_q, grad_r = grad
    q, r = result0, result1
    if m >= n:
        return (_square_qr_grad(q, r, grad_q, grad_r),)
    # A wide matrix: R = [U, V] with U square; V = Q^H Y depends on Q and on the last columns.
    y, u = A[..., m:], r[..., :m]  # type: ignore[index]
    grad_u = None if grad_r is None else grad_r[..., :m]
    grad_v = None if grad_r is None else grad_r[..., m:]
    total_q = grad_q
    if grad_v is not None:
        through = matmul(y, grad_v.mH)
        total_q = through if total_q is None else total_q + through
    first = _square_qr_grad(q, u, total_q, grad_u)
    last = matmul(q, grad_v) if grad_v is not None else y * 0
    return (cat((first, last), -1),)


def _square_qr_grad(q: Tensor, r: Tensor, grad_q: Any, grad_r: Any) -> Tensor:
    m: Any = 0
    if grad_r is not None:
        m = matmul(r, grad_r.mH)
    if grad_q is not None:
        m = m - matmul(grad_q.mH, q)
    total = matmul(q, m.tril() + m.tril(-1).mH)
    if grad_q is not None:
        total = total + grad_q
    return solve_triangular(r, total.mH, upper=True).mH  # type: ignore[attr-defined]


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """``A = Q R`` with orthonormal columns of ``Q`` and upper triangular ``R``."""
    at_least_2d("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            "'r', or "
            "'complete'"
        )
    return deliver("linalg_qr", return_type("linalg_qr", "Q R")(*_qr(A, mode)), out)


@method("qr")
def qr_of(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """``torch.qr`` (deprecated): the reduced decomposition, or the complete one."""
    found = qr(input, "reduced" if some else "complete")
    return deliver("qr", return_type("qr", "Q R")(*found), out)


_householder = Op(
    "linalg_householder_product",
    kernels.householder_product,
    batch=LEADING,
    inputs=("A", "tau"),
    accepts="fc",
)


@_householder.vjp
def _householder_vjp(grad: Tensor, A: Tensor, tau: Tensor) -> Any:
    """Backwards through the reflections ``q[i] = (1 - tau v v^H) q[i + 1]``, which are done again
    to have what each was applied to."""
    n, count = A.shape[-1], tau.shape[-1]
    _, reflectors, scales, steps = _reflected(A, tau)
    grad_q: Any = grad
    columns, grad_tau = [], []
    for i, (v, scale) in enumerate(zip(reflectors, scales)):
        before, inner = steps[count - 1 - i]
        back = matmul(v.mH, grad_q)
        grad_tau.append(-(grad_q * matmul(v, inner).conj()).sum((-2, -1)))
        grad_v = -scale.conj() * matmul(grad_q, inner.mH) - scale * matmul(before, back.mH)
        columns.append(grad_v.tril(-i - 1))
        grad_q = grad_q - scale.conj() * matmul(v, back)
    rest = A.new_zeros((*A.shape[:-1], n - count))  # type: ignore[attr-defined]
    of_tau = stack(grad_tau, -1) if count else tau.new_zeros(tau.shape)  # type: ignore
    return cat((*columns, rest), -1), of_tau


def _reflected(a: Tensor, tau: Tensor) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """The product; the reflectors, their scales, and from the last to the first what each was
    applied to, with ``v^H`` times it."""
    (m, n), count = a.shape[-2:], tau.shape[-1]
    q: Any = eye(m, n, dtype=a.dtype, device=a.device).expand(*a.shape[:-2], m, n)  # type: ignore
    reflectors = [_reflector(a, i) for i in range(count)]
    scales: list[Any] = [tau[..., i, None, None] for i in range(count)]  # type: ignore[index]
    steps = []
    for v, scale in zip(reversed(reflectors), reversed(scales)):
        steps.append((q, matmul(v.mH, q)))
        q = q - scale * matmul(v, steps[-1][1])
    return q, reflectors, scales, steps


def _reflector(a: Any, i: int) -> Any:
    """The ``i``-th Householder vector as a column: zeros, a one, the column of ``a`` below it."""
    below = a[..., i + 1 :, i]
    head, one = below.new_zeros((*a.shape[:-2], i)), below.new_ones((*a.shape[:-2], 1))
    return cat((head, one, below), -1).unsqueeze(-1)  # type: ignore[attr-defined]


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of the product of the Householder reflectors that ``geqrf`` returns."""
    at_least_2d("torch.linalg.householder_product", A)
    if A.shape[-2] < A.shape[-1]:
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-2] must be greater "
            "than or equal to input.shape[-1]"
        )
    return deliver("linalg_householder_product", _householder(A, tau), out)


@method("orgqr")
def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """Another name of ``linalg.householder_product``."""
    return householder_product(input, tau)


@method("ormqr")
@autocasting("ormqr")
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *,
          out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The product of the whole ``Q`` of ``geqrf`` (or of its transpose) and a matrix."""
    if input.ndim < 2:
        raise RuntimeError("torch.ormqr: input must have at least 2 dimensions.")
    m, k = input.shape[-2], tau.shape[-1]
    padded = cat((input[..., :k], input.new_zeros((*input.shape[:-2], m, m - k))), -1)  # type: ignore
    q = _reflected(padded, tau)[0]
    q = q.mH if transpose else q  # type: ignore[attr-defined]
    return deliver("ormqr", matmul(q, other) if left else matmul(other, q), out)


_geqrf = Op(
    "geqrf", kernels.geqrf, batch=LEADING, inputs=("A",), outputs=2, accepts="fc", differentiable=()
)


@method("geqrf")
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """A QR decomposition as reflectors: the packed matrix and ``tau``."""
    return deliver("geqrf", return_type("geqrf", "a tau")(*_geqrf(input)), out)


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
    """``A = U diag(S) Vh`` with the singular values in falling order."""
    at_least_2d("linalg.svd", A)
    return deliver("linalg_svd", return_type("linalg_svd", "U S Vh")(*_svd(A, full_matrices)), out)


@method("svd")
def svd_of(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """``torch.svd`` (deprecated): ``U``, ``S`` and ``V``, not its conjugate transpose."""
    u, s, vh = svd(input, not some)
    if not compute_uv:
        u, vh = u.new_zeros(u.shape), vh.new_zeros(vh.shape)
        if some:
            m, n = input.shape[-2:]
            u = u.new_zeros((*u.shape[:-2], m, m))
            vh = vh.new_zeros((*vh.shape[:-2], n, n))
    return deliver("svd", return_type("svd", "U S V")(u, s, vh.mH), out)


# ---- eigenvalues

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
    """The rising eigenvalues and the eigenvectors of a Hermitian matrix; one triangle is read."""
    square("linalg.eigh", A)
    _check_uplo(UPLO)
    found = return_type("linalg_eigh", "eigenvalues eigenvectors")(*_eigh(A, UPLO.upper()))
    return deliver("linalg_eigh", found, out)


def _check_uplo(uplo: str) -> None:
    if uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The rising eigenvalues of a Hermitian matrix."""
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
    """The eigenvalues and eigenvectors of a square matrix, always complex."""
    square("linalg.eig", A)
    return deliver(
        "linalg_eig", return_type("linalg_eig", "eigenvalues eigenvectors")(*_eig(A)), out
    )


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of a square matrix, always complex."""
    square("linalg.eigvals", A)
    return deliver("linalg_eigvals", _eig(A)[0], out)


# ---- LU

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
    """The LU factors of ``A`` packed in one matrix, and the pivots, counted from 1."""
    packed, pivots, _ = lu_factor_ex(A, pivot=pivot)
    return deliver(
        "linalg_lu_factor", return_type("linalg_lu_factor", "LU pivots")(packed, pivots), out
    )


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """``lu_factor`` with LAPACK's ``info`` (0: no failure)."""
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
    """``P``, ``L`` and ``U`` from packed LU factors and pivots."""
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


def _permutation(pivots: Tensor, rows: int, like: Tensor) -> Tensor:
    """The matrix that undoes the exchange of rows."""
    if pivots.device.type == "meta":
        return like.new_zeros((*pivots.shape[:-1], rows, rows))  # type: ignore[attr-defined]
    host = pivots.cpu().numpy()  # type: ignore[attr-defined]
    flat = host.reshape(int(numpy.prod(host.shape[:-1])), host.shape[-1]) - 1
    orders = numpy.tile(numpy.arange(rows), (len(flat), 1))
    for order, swaps in zip(orders, flat):
        for i, j in enumerate(swaps):
            order[i], order[j] = order[j], order[i]
    matrices = numpy.zeros((len(flat), rows, rows), like.kind.array_type)
    for matrix, order in zip(matrices, orders):
        matrix[order, numpy.arange(rows)] = 1
    shape = (*host.shape[:-1], rows, rows)
    return from_numpy(matrices.reshape(shape)).to(like.device)  # type: ignore[attr-defined]


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """``A = P @ L @ U`` with a permutation, a unit lower and an upper triangular matrix."""
    packed, pivots, _ = lu_factor_ex(A, pivot=pivot)
    return deliver("linalg_lu", return_type("linalg_lu", "P L U")(*lu_unpack(packed, pivots)), out)


@method("lu")
def lu_of(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """``torch.lu`` (deprecated): the packed factors and pivots, with ``info`` when asked."""
    packed, pivots, info = lu_factor_ex(A, pivot=pivot)
    if get_infos:
        return deliver(
            "lu", return_type("_lu_with_info", "LU pivots info")(packed, pivots, info), out
        )
    return deliver("lu", (packed, pivots), out)


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


# ---- LDL

_ldl = Op(
    "linalg_ldl_factor_ex",
    kernels.ldl_factor,
    batch=LEADING,
    inputs=("A",),
    params=("hermitian",),
    outputs=3,
    accepts="fc",
    differentiable=(),
)


def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """The packed LDL factors of a symmetric matrix, the pivots, and LAPACK's ``info``."""
    square("torch.linalg.ldl_factor_ex", A)
    found = return_type("linalg_ldl_factor_ex", "LD pivots info")(*_ldl(A, hermitian))
    return deliver("linalg_ldl_factor_ex", found, out)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """The packed LDL factors of a symmetric matrix, and the pivots."""
    packed, pivots, _ = ldl_factor_ex(A, hermitian=hermitian)
    return deliver(
        "linalg_ldl_factor", return_type("linalg_ldl_factor", "LD pivots")(packed, pivots), out
    )


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False,
              out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B``, given the packed LDL factors of ``A``."""
    lower, middle, order = _unpacked_ldl(LD, pivots, hermitian)
    end = lower.mH if hermitian else lower.mT  # type: ignore[attr-defined]
    rows = matmul(order.mT, B)  # type: ignore[attr-defined]
    first = solve_triangular(lower, rows, upper=False, unitriangular=True)
    second = solve(middle, first)
    found = matmul(order, solve_triangular(end, second, upper=True, unitriangular=True))
    return deliver("linalg_ldl_solve", found, out)


def _unpacked_ldl(packed: Tensor, pivots: Tensor, hermitian: bool) -> tuple[Tensor, Tensor, Tensor]:
    """``L``, the block diagonal ``D`` and the permutation of LAPACK's lower ``sytrf``."""
    host = packed.detach().cpu().numpy()  # type: ignore[attr-defined]
    swaps = pivots.cpu().numpy().reshape(int(numpy.prod(pivots.shape[:-1])), pivots.shape[-1])  # type: ignore
    count = int(numpy.prod(host.shape[:-2]))
    flat = host.reshape(count, *host.shape[-2:])
    parts = [_one_ldl(a, s, hermitian) for a, s in zip(flat, swaps)] or [(host, host, host)]
    shape = host.shape
    stacked = [numpy.stack(column).reshape(shape) for column in zip(*parts)]
    return tuple([from_numpy(s).to(packed.device) for s in stacked])  # type: ignore


def _one_ldl(a: Any, pivots: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    n = len(a)
    lower, middle, order = numpy.eye(n, dtype=a.dtype), numpy.zeros_like(a), numpy.arange(n)
    k = 0
    while k < n:
        step = 1 if pivots[k] > 0 else 2
        swap = abs(int(pivots[k if step == 1 else k + 1])) - 1
        at = k if step == 1 else k + 1
        for column in range(k):
            lower[[at, swap], column] = lower[[swap, at], column]
        order[[at, swap]] = order[[swap, at]]
        middle[k, k] = a[k, k]
        if step == 2:
            middle[k + 1, k + 1], middle[k + 1, k] = a[k + 1, k + 1], a[k + 1, k]
            middle[k, k + 1] = a[k + 1, k].conj() if hermitian else a[k + 1, k]
        lower[k + step :, k : k + step] = a[k + step :, k : k + step]
        k += step
    matrix = numpy.zeros_like(a)
    matrix[order, numpy.arange(n)] = 1
    return lower, middle, matrix


# ---- low rank


def svd_lowrank(A: Tensor, q: int = 6, niter: int = 2, M: Tensor | None = None) -> Any:
    """An approximate SVD of rank ``q`` by random projection (N. Halko et al., 2011)."""
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
    """Principal components by a low-rank SVD of the centred rows."""
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


__all__ = exported(globals())
