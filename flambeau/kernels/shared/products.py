"""Products of matrices and vectors, by the array library's GEMM."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence


def mm(a: Any, b: Any) -> Any:
    """The product of two matrices."""
    return a.dot(b)


def matmul(a: Any, b: Any) -> Any:
    """Products of stacks of matrices; one GEMM when only the first has stacks."""
    if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous and a.size:
        rows = a.reshape(-1, a.shape[-1]).dot(b)
        return rows.reshape(*a.shape[:-1], b.shape[-1])
    return xp.matmul(a, b)


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """``x @ weight.T + bias`` over the last dimension."""
    rows = x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])
    out = rows.dot(weight.T)
    if x.ndim != 2:
        out = out.reshape(*x.shape[:-1], weight.shape[0])
    if bias is not None:
        out += bias
    return out


def addmm(bias: Any, a: Any, b: Any, beta: Any, alpha: Any) -> Any:
    """``beta * bias + alpha * (a @ b)``; a zero ``beta`` ignores ``bias``, NaN and all."""
    product = xp.matmul(a, b)
    if alpha != 1:
        product *= product.dtype.type(alpha)
    if beta == 0:
        return product
    if beta == 1:
        return product + bias
    if product.dtype != xp.float32:
        return product + bias * product.dtype.type(beta)
    scaled = xp.multiply(bias, xp.float32(beta), dtype=xp.float64)  # exact, so rounded once
    return (scaled + product).astype(xp.float32)


def dot(a: Any, b: Any) -> Any:
    """The sum of the products of two vectors."""
    return xp.dot(a, b)


silence(globals())
