"""Linear algebra: as in CuPy, a factorisation that fails gives NaN, not an error."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.linalg import LinAlgError

from cupy._functions import table
from cupy._wrapping import host, register

_SIGNATURES = """
qr(a, mode='reduced')
svd(a, full_matrices=True, compute_uv=True)
eigh(a, UPLO='L')
eigvalsh(a, UPLO='L')
eig(a)
eigvals(a)
det(a)
slogdet(a)
lstsq(a, b, rcond=None)
pinv(a, rcond=1e-15)
norm(x, ord=None, axis=None, keepdims=False)
matrix_power(M, n)
"""
globals().update(table(_SIGNATURES, numpy.linalg))


def _forgiving(function: Any, like: Any, *args: Any) -> Any:
    try:
        return register(function(*[host(a) for a in args]))
    except LinAlgError:
        stacks = numpy.broadcast_shapes(*[host(a).shape[:-2] for a in args])
        return register(numpy.full((*stacks, *host(like).shape[-2:]), numpy.nan, host(like).dtype))


def inv(a: Any) -> Any:
    """The inverse."""
    return _forgiving(numpy.linalg.inv, a, a)


def solve(a: Any, b: Any) -> Any:
    """The solution of a system."""
    return _forgiving(numpy.linalg.solve, b, a, b)


def cholesky(a: Any) -> Any:
    """The lower factor."""
    return _forgiving(numpy.linalg.cholesky, a, a)
