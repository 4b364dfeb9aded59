"""Decompositions and solvers over stacks of matrices.

NumPy's LAPACK (or CuPy's cuSOLVER) does most; what it lacks (LU, LDL, Householder reflectors,
matrix exponentials) is SciPy's, matrix by matrix on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.indexing import is_host
from flambeau.kernels.shared.views import canonical_strides


def _columns(matrix: Any) -> Any:
    """The same matrices laid out column by column, as LAPACK leaves them."""
    turned = xp.swapaxes(matrix, -1, -2)
    held = xp.empty(turned.shape, turned.dtype)
    if not held.size and xp is numpy:  # which forgets the strides
        steps = [step * held.itemsize for step in canonical_strides(held.shape)]
        held = numpy.ndarray(held.shape, held.dtype, held, 0, steps)
    held[...] = turned
    return xp.swapaxes(held, -1, -2)


def qr(matrix: Any, mode: str) -> tuple[Any, Any]:
    """``Q`` with orthonormal columns and upper triangular ``R``; an empty ``Q`` for mode "r"."""
    if mode == "r":
        return xp.empty((0,), matrix.dtype), _columns(xp.linalg.qr(matrix, mode="r"))
    q, r = xp.linalg.qr(matrix, mode=mode)
    return _columns(q), _columns(r)


def solve(matrix: Any, right: Any) -> Any:
    """``X`` with ``matrix @ X = right``."""
    return _columns(xp.linalg.solve(matrix, right))


def inverse(matrix: Any) -> Any:
    """The inverse of each matrix."""
    return _columns(xp.linalg.inv(matrix))


def determinant(matrix: Any) -> Any:
    """The determinant of each matrix."""
    with numpy.errstate(all="ignore"):  # the warning would be of a module of NumPy's
        found = xp.asarray(xp.linalg.det(matrix))
    return _with_nan(found, found, matrix)


def sign_and_log(matrix: Any) -> tuple[Any, Any]:
    """The sign (phase) of each determinant and the logarithm of its size."""
    with numpy.errstate(all="ignore"):
        sign, size = map(xp.asarray, xp.linalg.slogdet(matrix))
    return sign, _with_nan(size, sign, matrix)


def _with_nan(found: Any, sign: Any, matrix: Any) -> Any:
    """NaN for singular matrices with NaN in them: LAPACK may not choose it as a pivot."""
    if not is_host() or sign.all():
        return found
    lost = (sign == 0) & xp.isnan(matrix).any((-2, -1))
    return xp.where(lost, found.dtype.type(xp.nan), found)


def cholesky(matrix: Any) -> Any:
    """The lower triangular factor of each positive definite matrix."""
    factor = xp.linalg.cholesky(matrix)
    if is_host() and xp.isnan(factor).any():
        raise numpy.linalg.LinAlgError("Matrix is not positive definite")
    return _columns(factor)


def svd(matrix: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    """``U``, the singular values in falling order, and ``Vh``."""
    u, s, vh = xp.linalg.svd(matrix, full_matrices=full_matrices)
    return _columns(u), s, _columns(vh)


def singular_values(matrix: Any) -> Any:
    """The singular values in falling order."""
    return xp.linalg.svd(matrix, compute_uv=False)


def eigh(matrix: Any, uplo: str) -> tuple[Any, Any]:
    """The rising eigenvalues and the eigenvectors of each Hermitian matrix."""
    values, vectors = xp.linalg.eigh(matrix, uplo)
    return values, _columns(vectors)


def eig(matrix: Any) -> tuple[Any, Any]:
    """The eigenvalues and eigenvectors of each square matrix, always complex."""
    values, vectors = xp.linalg.eig(matrix)
    to = xp.result_type(matrix.dtype, xp.complex64)
    return values.astype(to), _columns(vectors.astype(to))


def pseudo_inverse(matrix: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    """The Moore-Penrose inverse; singular values up to ``max(atol, rtol * largest)`` count as 0."""
    if hermitian:
        values, vectors = xp.linalg.eigh(matrix)
        large = xp.abs(values) > _threshold(xp.abs(values), atol, rtol)
        scaled = vectors * _reciprocal(values, large)[..., None, :]
        return xp.matmul(scaled, xp.swapaxes(vectors.conj(), -1, -2))
    u, s, vh = xp.linalg.svd(matrix, full_matrices=False)
    scaled = (
        xp.swapaxes(vh.conj(), -1, -2) * _reciprocal(s, s > _threshold(s, atol, rtol))[..., None, :]
    )
    return xp.matmul(scaled, xp.swapaxes(u.conj(), -1, -2))


def _threshold(values: Any, atol: Any, rtol: Any) -> Any:
    top = xp.max(values, axis=-1, keepdims=True) if values.shape[-1] else values
    return xp.maximum(xp.asarray(atol)[..., None], xp.asarray(rtol)[..., None] * top)


def _reciprocal(values: Any, large: Any) -> Any:
    one = xp.ones((), values.dtype)
    return xp.where(large, one / xp.where(large, values, one), one - one)


def rank(matrix: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    """How many singular values exceed ``max(atol, rtol * largest)``."""
    if hermitian:
        values = xp.abs(xp.linalg.eigvalsh(matrix))
    else:
        values = xp.linalg.svd(matrix, compute_uv=False)
    return xp.sum(values > _threshold(values, atol, rtol), axis=-1, dtype=xp.int64)


# ---- SciPy, matrix by matrix


def _each(function: Callable[..., Any], *stacks: Any) -> list[Any]:
    """A function of matrices applied over leading dimensions; its results stacked again."""
    hosts = [s.get() if hasattr(s, "get") else s for s in stacks]
    batch = numpy.broadcast_shapes(*[s.shape[:-2] for s in hosts])
    count = int(numpy.prod(batch))
    wide = [
        numpy.broadcast_to(s, (*batch, *s.shape[-2:])).reshape(count, *s.shape[-2:]) for s in hosts
    ]
    rows = [function(*matrices) for matrices in zip(*wide)]
    if not rows:
        rows = [function(*[numpy.eye(*s.shape[-2:], dtype=s.dtype) for s in hosts])]
        return [xp.empty((*batch, *numpy.shape(r)), numpy.asarray(r).dtype) for r in rows[0]]
    columns = [numpy.stack([numpy.asarray(v) for v in column]) for column in zip(*rows)]
    return [xp.asarray(c.reshape((*batch, *c.shape[1:]))) for c in columns]


def lu_factor(matrix: Any) -> tuple[Any, Any, Any]:
    """The packed LU factors, the pivots (from 1) and LAPACK's ``info``."""
    from scipy.linalg import lapack

    def factor(a: Any) -> tuple[Any, Any, Any]:
        if 0 in a.shape:
            return a.copy(), numpy.zeros(min(a.shape), numpy.int32), numpy.int32(0)
        (getrf,) = lapack.get_lapack_funcs(("getrf",), (a,))
        packed, pivots, info = getrf(a)
        return packed, (pivots + 1).astype(numpy.int32), numpy.int32(info)

    packed, pivots, info = _each(factor, matrix)
    return _columns(packed), pivots, info


def matrix_exp(matrix: Any) -> Any:
    """The exponential of each square matrix (A. Al-Mohy and N. Higham, 2009)."""
    from scipy.linalg import expm

    return _each(lambda a: (expm(a) if a.size else a,), matrix)[0].astype(matrix.dtype)


def householder_product(reflectors: Any, tau: Any) -> Any:
    """The first columns of the product of Householder reflectors."""
    from scipy.linalg import lapack

    def product(a: Any, t: Any) -> tuple[Any]:
        if 0 in a.shape:
            return (a.copy(),)
        name = "ungqr" if a.dtype.kind == "c" else "orgqr"
        (orgqr,) = lapack.get_lapack_funcs((name,), (a,))
        return (orgqr(a, t.ravel())[0],)

    return _columns(_each(product, reflectors, tau[..., None, :])[0])


def geqrf(matrix: Any) -> tuple[Any, Any]:
    """The packed reflectors and ``R`` of a QR decomposition, and ``tau``."""
    from scipy.linalg import lapack

    def factor(a: Any) -> tuple[Any, Any]:
        if 0 in a.shape:
            return a.copy(), numpy.zeros(min(a.shape), a.dtype)
        (function,) = lapack.get_lapack_funcs(("geqrf",), (a,))
        packed, tau, _, _ = function(a)
        return packed, tau

    packed, tau = _each(factor, matrix)
    return _columns(packed), tau


def ldl_factor(matrix: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    """The packed LDL factors of each symmetric matrix, the pivots and LAPACK's ``info``."""
    from scipy.linalg import lapack

    def factor(a: Any) -> tuple[Any, Any, Any]:
        if 0 in a.shape:
            return a.copy(), numpy.zeros(a.shape[0], numpy.int32), numpy.int32(0)
        name = "hetrf" if hermitian and a.dtype.kind == "c" else "sytrf"
        (function,) = lapack.get_lapack_funcs((name,), (a,))
        packed, pivots, info = function(a, lower=1)
        return numpy.tril(packed), pivots.astype(numpy.int32), numpy.int32(info)

    packed, pivots, info = _each(factor, matrix)
    return _columns(packed), pivots, info


def lstsq(matrix: Any, right: Any, rcond: float) -> tuple[Any, Any, Any, Any]:
    """The least-squares solution, the squared residuals, the rank and the singular values."""

    def solve_one(a: Any, b: Any) -> tuple[Any, ...]:
        x, residual, found, values = numpy.linalg.lstsq(a, b, rcond)
        if residual.size == 0 and a.shape[0] > a.shape[1]:
            residual = (abs(b - a @ x) ** 2).sum(0)
        return x, residual, numpy.int64(found), values

    x, residual, found, values = _each(solve_one, matrix, right)
    return x, residual, found, values


silence(globals())
