"""Decompositions and solvers over stacks of matrices, by LAPACK (NumPy) or cuSOLVER (CuPy)."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence


def qr(matrix: Any, mode: str) -> tuple[Any, Any]:
    """``Q`` with orthonormal columns and upper triangular ``R``; an empty ``Q`` for mode "r"."""
    if mode == "r":
        return xp.empty((0,), matrix.dtype), xp.linalg.qr(matrix, mode="r")
    q, r = xp.linalg.qr(matrix, mode=mode)
    return q, r


def solve(matrix: Any, right: Any) -> Any:
    """``X`` with ``matrix @ X = right``."""
    return xp.linalg.solve(matrix, right)


def inverse(matrix: Any) -> Any:
    """The inverse of each matrix."""
    return xp.linalg.inv(matrix)


def pseudo_inverse(matrix: Any, atol: float, rtol: float) -> Any:
    """The Moore-Penrose inverse; singular values up to ``max(atol, rtol * largest)`` count as 0."""
    u, s, vh = xp.linalg.svd(matrix, full_matrices=False)
    top = xp.max(s, axis=-1, keepdims=True) if s.size else s
    large = s > xp.maximum(atol, rtol * top)
    reciprocal = xp.where(large, 1 / xp.where(large, s, xp.ones((), s.dtype)), xp.zeros((), s.dtype))
    return xp.matmul(xp.swapaxes(vh.conj(), -1, -2) * reciprocal[..., None, :], xp.swapaxes(u.conj(), -1, -2))


silence(globals())
