"""The LDL decomposition, and what it solves."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.kind import Kind
from flambeau.core.op import LEADING, Op
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.conversion import moved
from flambeau.ops.drawing import on_host
from flambeau.ops.linalg.matrices import square
from flambeau.ops.linalg.solvers import solve, solve_triangular
from flambeau.ops.products import matmul

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
    """The packed LDL factors of a symmetric matrix, the pivots, and LAPACK's ``info``.

    ``[*, n, n]``, floating or complex; ``info`` is int32. RuntimeError unless square.

    >>> torch.linalg.ldl_factor_ex(torch.tensor([[4., 2.], [2., 5.]])).info
    tensor(0, dtype=torch.int32)
    """
    square("torch.linalg.ldl_factor_ex", A)
    found = return_type("linalg_ldl_factor_ex", "LD pivots info")(*_ldl(A, hermitian))
    return deliver("linalg_ldl_factor_ex", found, out)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """The packed LDL factors of a symmetric matrix, and the pivots.

    ``[*, n, n]``, floating or complex, gives ``[*, n, n]`` and int32 ``[*, n]``; RuntimeError
    unless square.

    >>> torch.linalg.ldl_factor(torch.tensor([[4., 2.], [2., 5.]])).LD
    tensor([[4.0000, 0.0000],
            [0.5000, 4.0000]])
    """
    packed, pivots, _ = ldl_factor_ex(A, hermitian=hermitian)
    return deliver(
        "linalg_ldl_factor", return_type("linalg_ldl_factor", "LD pivots")(packed, pivots), out
    )


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False,
              out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B``, given the packed LDL factors of ``A``.

    ``[*, n, n]``, ``[*, n]`` and ``[*, n, k]`` give ``[*, n, k]``.

    >>> packed, pivots = torch.linalg.ldl_factor(torch.tensor([[4., 2.], [2., 5.]]))
    >>> torch.linalg.ldl_solve(packed, pivots, torch.tensor([[6.], [7.]]))
    tensor([[1.],
            [1.]])
    """
    lower, middle, order = _unpacked(LD, pivots, LD.kind, hermitian)
    end = lower.mH if hermitian else lower.mT  # type: ignore[attr-defined]
    rows = matmul(order.mT, B)  # type: ignore[attr-defined]
    first = solve_triangular(lower, rows, upper=False, unitriangular=True)
    second = solve(middle, first)
    found = matmul(order, solve_triangular(end, second, upper=True, unitriangular=True))
    return deliver("linalg_ldl_solve", found, out)


def _parts(packed: Any, pivots: Any, kind: Kind, hermitian: bool) -> tuple[Any, ...]:
    """``L``, the block diagonal ``D`` and the permutation of LAPACK's lower ``sytrf``."""
    host = on_host(packed)
    swaps = on_host(pivots).reshape(int(numpy.prod(pivots.shape[:-1])), pivots.shape[-1])
    count = int(numpy.prod(host.shape[:-2]))
    flat = host.reshape(count, *host.shape[-2:])
    parts = [_one_ldl(a, s, hermitian) for a, s in zip(flat, swaps)] or [(host, host, host)]
    shape = host.shape
    stacked = [numpy.stack(column).reshape(shape) for column in zip(*parts)]
    return tuple([moved(s, kind) for s in stacked])


_unpacked = Op("ldl_unpack", _parts, inputs=("packed", "pivots"), params=("kind", "hermitian"),
    outputs=3, batch=LEADING,
    shape=lambda packed, *rest: (packed.shape, packed.shape, packed.shape))  # fmt: skip


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
