"""Linear algebra: solvers, inverses, determinants, and functions of matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int32, int64
from flambeau.core.op import LEADING, REGISTRY, Op
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops import contraction
from flambeau.ops.creation import zeros
from flambeau.ops.joining import cat, stack
from flambeau.ops.products import matmul
from flambeau.ops.reductions import vector_norm
from flambeau.ops.sequences import eye


class LinAlgError(RuntimeError):
    """A matrix that the operation is not defined for, such as a singular one."""

    __module__ = "torch._C"


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"  # as PyTorch's


def square(name: str, matrix: Tensor) -> None:
    """RuntimeError unless the argument is a stack of square matrices."""
    at_least_2d(name, matrix)
    if matrix.shape[-1] != matrix.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {matrix.shape[-2]} by "
            f"{matrix.shape[-1]} matrices"
        )


def at_least_2d(name: str, matrix: Tensor) -> None:
    """RuntimeError unless the argument is a floating tensor with two dimensions or more."""
    if matrix.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if matrix.dtype.rank < 2:
        names = {"int64": "Long", "int32": "Int", "bool": "Bool", "uint8": "Byte"}
        shown = names.get(matrix.dtype.name, matrix.dtype.name)
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {shown}"
        )


def zero_pivot(matrix: numpy.ndarray) -> int:
    """The first zero on the diagonal of ``U`` in ``A = P L U``, counted from 1; 0 without one."""
    a = matrix.copy()
    for k in range(len(a)):
        best = k + int(numpy.abs(a[k:, k]).argmax())
        a[[k, best]] = a[[best, k]]
        if a[k, k] == 0:
            return k + 1
        a[k + 1 :] -= numpy.outer(a[k + 1 :, k] / a[k, k], a[k])
    return 0


def failing(
    name: str,
    compute: Any,
    matrix: Tensor,
    what: str,
    fault: Callable[[numpy.ndarray], int] = zero_pivot,
) -> Any:
    """The result of `compute`; LAPACK's failure becomes PyTorch's error with the batch element, and
    the place that `fault` finds in it for the ``#`` in `what`."""
    try:
        return compute()
    except numpy.linalg.LinAlgError as error:
        flat = matrix.detach().reshape(-1, *matrix.shape[-2:])  # type: ignore[attr-defined]
        faults = [fault(one) for one in flat.cpu().numpy()]
        first = next((i for i, place in enumerate(faults) if place), 0)
        where = f"(Batch element {first}): " if matrix.ndim > 2 else ""
        text = what.replace("#", str(faults[first]))
        raise LinAlgError(f"{name}: {where}{text}") from error


_SINGULAR = "The solver failed because the input matrix is singular."
_NOT_INVERTIBLE = (
    "The diagonal element # is zero, the inversion could not be completed because the input "
    "matrix is "
    "singular."
)


# ---- solvers


def by_columns(array: Any, batch: Any = None) -> Any:
    """The shape rule of results of an array's size that LAPACK lays out column by column."""
    shape = array.shape if batch is None else (*batch, *array.shape[-2:])
    if 0 in shape:
        return shape, array.dtype
    steps, step = [0] * len(shape), array.itemsize
    for dim in (len(shape) - 2, len(shape) - 1, *range(len(shape) - 3, -1, -1)):
        steps[dim] = step
        step *= shape[dim]
    return shape, array.dtype, tuple(steps)


def _solution(a: Any, b: Any) -> Any:
    """The shape rule of solvers."""
    return by_columns(b, numpy.broadcast_shapes(a.shape[:-2], b.shape[:-2]))


_solve = Op(
    "linalg_solve",
    kernels.solve,
    batch=LEADING,
    inputs=("A", "B"),
    accepts="fc",
    node="LinalgSolveEx",
    shape=_solution,
)


@_solve.vjp
def _solve_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    right = _solve(A.mH, grad)  # type: ignore[attr-defined]
    return -right.matmul(result.mH), right  # type: ignore[attr-defined]


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """``X`` with ``A @ X = B`` (``X @ A = B`` unless ``left``); ``B`` may be a stack of vectors."""
    square("linalg.solve", A)
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    right = B.unsqueeze(-1) if vector else B  # type: ignore[attr-defined]
    if not left:
        found = failing("torch.linalg.solve", lambda: _solve(A.mT, right.mT).mT, A, _SINGULAR)  # type: ignore
    else:
        if A.shape[-1] != right.shape[-2]:
            raise RuntimeError(
                "linalg.solve: Incompatible shapes of A and B for the equation AX = B "
                f"({A.shape[-2]}x"
                f"{A.shape[-1]} and {right.shape[-2]}x{right.shape[-1]})"
            )
        found = failing("torch.linalg.solve", lambda: _solve(A, right), A, _SINGULAR)
    return deliver("linalg_solve", found.squeeze(-1) if vector else found, out)


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """``solve`` with LAPACK's ``info`` (0: no failure) instead of an error."""
    result = solve(A, B, left=left)
    info = zeros(A.shape[:-2], dtype=int32, device=A.device)
    return deliver(
        "linalg_solve_ex", return_type("linalg_solve_ex", "result info")(result, info), out
    )


_solve_triangular = Op(
    "linalg_solve_triangular",
    kernels.solve,
    batch=LEADING,
    inputs=("A", "B"),
    accepts="fc",
    shape=_solution,
)


@_solve_triangular.vjp
def _solve_triangular_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    right = _solve_triangular(A.mH, grad)  # type: ignore[attr-defined]
    return -right.matmul(result.mH), right  # type: ignore[attr-defined]


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B`` (``X @ A = B`` unless ``left``) for a triangular ``A``."""
    square("linalg.solve_triangular", A)
    if not left:
        found = solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT  # type: ignore
        return deliver("linalg_solve_triangular", found, out)
    triangle = A.triu() if upper else A.tril()  # type: ignore[attr-defined]
    if unitriangular:
        one = eye(A.shape[-1], dtype=A.dtype, device=A.device)
        triangle = (A.triu(1) if upper else A.tril(-1)) + one  # type: ignore[attr-defined]
    return deliver("linalg_solve_triangular", _solve_triangular(triangle, B), out)


@method("triangular_solve")
@autocasting("triangular_solve")
def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """``X`` with ``A @ X = input`` for a triangular ``A`` (deprecated), and ``A``."""
    matrix = A.mT if transpose else A  # type: ignore[attr-defined]
    found = solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    batch = found.shape[:-2]
    copy = A.expand(*batch, *A.shape[-2:]).clone()  # type: ignore[attr-defined]
    return deliver(
        "triangular_solve",
        return_type("triangular_solve", "solution cloned_coefficient")(found, copy),
        out,
    )


@method("cholesky_solve")
@autocasting("cholesky_solve")
def cholesky_solve(
    B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """``X`` with ``(L @ L^H) @ X = B``, given the Cholesky factor."""
    factor = L.mH if upper else L  # type: ignore[attr-defined]
    first = solve_triangular(factor, B, upper=False)
    return deliver("cholesky_solve", solve_triangular(factor.mH, first, upper=True), out)  # type: ignore


@method("cholesky_inverse")
@autocasting("cholesky_inverse")
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``L @ L^H``, given the Cholesky factor."""
    one = eye(L.shape[-1], dtype=L.dtype, device=L.device).expand(L.shape)  # type: ignore[attr-defined]
    return deliver("cholesky_inverse", cholesky_solve(one, L, upper), out)


_lstsq = Op(
    "linalg_lstsq",
    kernels.lstsq,
    batch=LEADING,
    inputs=("A", "B"),
    params=("rcond",),
    outputs=4,
    accepts="fc",
    differentiable=(),
)


@autocasting("linalg_lstsq")
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None
) -> Any:  # fmt: skip
    """The ``X`` of least ``|A @ X - B|``; its residuals, the rank and singular values of ``A``."""
    drivers = (None, "gels", "gelsy", "gelsd", "gelss")
    if driver not in drivers:
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    right = B.unsqueeze(-1) if vector else B  # type: ignore[attr-defined]
    eps = float(numpy.finfo(A.kind.array_type).eps) * max(A.shape[-2:])
    _, residuals, rank, values = _lstsq(A.detach(), right.detach(), eps if rcond is None else rcond)  # type: ignore
    solution = matmul(pinv(A, rtol=eps if rcond is None else rcond), right)
    solution = solution.mT.contiguous().mT  # type: ignore[attr-defined]
    if residuals.numel():
        residuals = ((matmul(A, solution) - right).abs() ** 2).sum(-2)  # type: ignore
    empty = zeros(0, dtype=values.dtype, device=A.device)
    if A.shape[-2] <= A.shape[-1] or driver in (None, "gelsy"):
        residuals = solution.abs().sum().reshape(1).narrow(0, 0, 0)  # type: ignore
    if driver in (None, "gels", "gelsy"):
        values = empty
    if driver == "gels":
        rank = zeros(0, dtype=int64, device=A.device)
    kept = solution.squeeze(-1) if vector else solution  # type: ignore[attr-defined]
    names = "solution residuals rank singular_values"
    found = return_type("linalg_lstsq", names)(kept, residuals, rank, values)
    return deliver("linalg_lstsq", found, out)


# ---- inverses


def _tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """The tolerances as arrays; the default is eps times the larger size."""
    if rtol is None:
        eps = float(numpy.finfo(A.kind.array_type).eps) * max(A.shape[-2:], default=1)
        has = atol is not None and (isinstance(atol, Tensor) or atol > 0)
        rtol = 0.0 if has else eps
        if has and isinstance(atol, Tensor):
            rtol = (atol <= 0).to(atol.dtype) * eps
    return _plain(0.0 if atol is None else atol), _plain(rtol)


def _plain(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else float(value)


_pinv = Op(
    "linalg_pinv",
    kernels.pseudo_inverse,
    batch=LEADING,
    inputs=("A",),
    params=("atol", "rtol", "hermitian"),
    accepts="fc",
)


@_pinv.vjp
def _pinv_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor]:
    """G. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973."""
    p, ph, gh = result, result.mH, grad.mH  # type: ignore[attr-defined]
    direct = -ph.matmul(grad).matmul(ph)
    rows = ph.matmul(p).matmul(gh - gh.matmul(p).matmul(A))
    columns = (gh - A.matmul(p).matmul(gh)).matmul(p).matmul(ph)  # type: ignore[attr-defined]
    return (direct + rows + columns,)


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The Moore-Penrose inverse of a matrix, or of each of a stack."""
    at_least_2d("linalg.pinv", A)
    if A.numel() == 0:
        return deliver("linalg_pinv", A.mH.clone(), out)  # type: ignore[attr-defined]
    tolerances = _tolerances(A, atol, rcond if rtol is None else rtol)
    matrix = (A.tril() + A.tril(-1).mH) if hermitian else A  # type: ignore[attr-defined]
    return deliver("linalg_pinv", _pinv(matrix, *tolerances, hermitian), out)


@method("pinverse")
@autocasting("pinverse")
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose inverse, with singular values below ``rcond`` of the largest as 0."""
    return pinv(input, rcond)


_inverse = Op(
    "linalg_inv",
    kernels.inverse,
    batch=LEADING,
    inputs=("A",),
    accepts="fc",
    node="LinalgInvEx",
    shape=by_columns,
)


@_inverse.vjp
def _inverse_vjp(grad: Tensor, result: Tensor) -> tuple[Tensor]:
    return (-result.mH.matmul(grad).matmul(result.mH),)  # type: ignore[attr-defined]


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a stack; LinAlgError for a singular one."""
    square("linalg.inv", A)
    return deliver(
        "linalg_inv", failing("linalg.inv", lambda: _inverse(A), A, _NOT_INVERTIBLE), out
    )


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """``inv`` with LAPACK's ``info`` (0: no failure)."""
    info = zeros(A.shape[:-2], dtype=int32, device=A.device)
    return deliver("linalg_inv_ex", return_type("linalg_inv_ex", "inverse info")(inv(A), info), out)


@method("inverse")
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a stack."""
    return inv(input, out=out)


# ---- determinants

_det = Op(
    "linalg_det",
    kernels.determinant,
    batch=LEADING,
    inputs=("A",),
    accepts="fc",
    shape=lambda a: a.shape[:-2],
)


@_det.vjp
def _det_vjp(grad: Tensor, A: Tensor, result: Tensor) -> tuple[Tensor]:
    """Jacobi's formula; by singular values where a matrix is singular."""
    if A.device.type == "meta" or not bool((result == 0).any()):  # type: ignore[attr-defined]
        weight = (grad * result.conj())[..., None, None]  # type: ignore[attr-defined]
        return (weight * inv(A).mH,)  # type: ignore[attr-defined]
    u, s, vh = A.kind.xp.linalg.svd(A.detach()._array, full_matrices=False)  # type: ignore
    phase = A.kind.xp.linalg.det(u) * A.kind.xp.linalg.det(vh)
    others = [
        s[..., [j for j in range(s.shape[-1]) if j != i]].prod(-1) for i in range(s.shape[-1])
    ]
    scaled = u * A.kind.xp.stack(others, -1)[..., None, :]
    adjugate = A.kind.xp.matmul(scaled, vh) * A.kind.xp.conj(phase)[..., None, None]
    return (grad[..., None, None] * wrap(adjugate.astype(A.kind.array_type), A.kind),)  # type: ignore


@method("det")
def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of a square matrix, or of each of a stack."""
    square("linalg.det", A)
    return deliver("linalg_det", _det(A), out)


_slogdet = Op(
    "linalg_slogdet", kernels.sign_and_log, batch=LEADING, inputs=("A",), outputs=2, accepts="fc"
)


@_slogdet.vjp
def _slogdet_vjp(grad: Any, A: Tensor, result0: Tensor) -> tuple[Any]:
    grad_sign, grad_log = grad
    weight: Any = 0 if grad_log is None else grad_log
    if grad_sign is not None and A.dtype.is_complex:
        weight = weight - 1j * (grad_sign.conj() * result0).imag
    elif grad_log is None:
        return (A * 0,)
    return (weight[..., None, None] * inv(A).mH,)  # type: ignore[attr-defined]


def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The sign (phase) of the determinant and the logarithm of its size."""
    square("linalg.slogdet", A)
    return deliver(
        "linalg_slogdet", return_type("linalg_slogdet", "sign logabsdet")(*_slogdet(A)), out
    )


Tensor.slogdet = slogdet  # type: ignore[attr-defined]


@method("logdet")
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN for a negative one."""
    square("logdet", input)
    sign, size = _slogdet(input)
    if input.dtype.is_complex:
        return sign.log() + size
    return size.masked_fill(sign < 0, float("nan"))  # type: ignore[attr-defined]


# ---- functions of matrices


@method("matrix_power")
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The product of ``n`` copies; of the inverse for a negative ``n``."""
    square("linalg.matrix_power", input)
    if n == 0:
        one = eye(input.shape[-1], dtype=input.dtype, device=input.device)
        return deliver("linalg_matrix_power", input * 0 + one, out)
    base, result = (inv(input) if n < 0 else input), None
    n = abs(n)
    while n:
        if n & 1:
            result = base if result is None else matmul(result, base)
        n >>= 1
        if n:
            base = matmul(base, base)
    return deliver("linalg_matrix_power", result.clone() if result is input else result, out)  # type: ignore


_matrix_exp = Op(
    "linalg_matrix_exp",
    kernels.matrix_exp,
    batch=LEADING,
    inputs=("A",),
    accepts="fc",
    shape=lambda a: a.shape,
)


@_matrix_exp.vjp
def _matrix_exp_vjp(grad: Tensor, A: Tensor) -> tuple[Tensor]:
    """The upper right block of the exponential of ``[[A^H, G], [0, A^H]]`` (R. Mathias, 1996)."""
    n, ah = A.shape[-1], A.mH  # type: ignore[attr-defined]
    above, below = cat((ah, grad), -1), cat((ah * 0, ah), -1)
    return (_matrix_exp(cat((above, below), -2))[..., :n, n:],)


@method("matrix_exp")
def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of a square matrix, or of each of a stack."""
    square("linalg.matrix_exp", input)
    return _matrix_exp(input)


def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices; the first and the last may be vectors."""
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    return deliver("linalg_multi_dot", reduce(matmul, tensors), out)


# ---- ranks, norms, condition

_rank = Op(
    "linalg_matrix_rank",
    kernels.rank,
    batch=LEADING,
    inputs=("A",),
    params=("atol", "rtol", "hermitian"),
    accepts="fc",
)


@autocasting("linalg_matrix_rank")
def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How many singular values exceed ``max(atol, rtol * largest)``."""
    at_least_2d("linalg.matrix_rank", A)
    if tol is not None:
        atol, rtol = tol, 0.0
    if A.numel() == 0:
        return deliver("linalg_matrix_rank", zeros(A.shape[:-2], dtype=int64, device=A.device), out)
    return deliver("linalg_matrix_rank", _rank(A, *_tolerances(A, atol, rtol), hermitian), out)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
    dtype: DType | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A norm of matrices: "fro", "nuc", inf, -inf, 1, -1, 2 or -2."""
    at_least_2d("linalg.matrix_norm", A)
    if dtype is not None:
        A = A.to(dtype)  # type: ignore[attr-defined]
    row, column = (d % A.ndim for d in dim)
    if row == column:
        raise RuntimeError(
            "linalg.matrix_norm: dims must be different. Got (" + f"{dim[0]}, {dim[1]})"
        )
    if ord == "fro":
        return deliver("linalg_matrix_norm", vector_norm(A, 2, (row, column), keepdim), out)
    if ord in ("nuc", 2, -2):
        values = singular_values(A.movedim((row, column), (-2, -1)))  # type: ignore[attr-defined]
        if not values.shape[-1] and ord == 2:
            values = values.new_zeros((*values.shape[:-1], 1))  # type: ignore[attr-defined]
        found = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)  # type: ignore
        if keepdim:
            for d in sorted((row, column)):
                found = found.unsqueeze(d)
        return deliver("linalg_matrix_norm", found, out)
    if ord not in (1, -1, float("inf"), -float("inf")):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    added, kept = (row, column) if abs(ord) == 1 else (column, row)
    sums = A.abs().sum(added, keepdim)  # type: ignore[attr-defined]
    at = kept if keepdim or kept < added else kept - 1
    if not A.shape[kept] and ord > 0:
        return deliver("linalg_matrix_norm", sums.sum(at, keepdim), out)
    found = sums.amax(at, keepdim) if ord > 0 else sums.amin(at, keepdim)
    return deliver("linalg_matrix_norm", found, out)


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *,
    dtype: DType | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A vector norm over one dimension, or all of them; a matrix norm over two."""
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype, out=out)
    if dim is None:
        if A.ndim not in (1, 2):
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{A.ndim}D."
            )
        dim = 0 if A.ndim == 1 else (0, 1)
    if isinstance(dim, int) or len(dim) == 1:
        return vector_norm(A, ord, dim, keepdim, dtype=dtype, out=out)
    return matrix_norm(A, ord, dim, keepdim, dtype=dtype, out=out)


@method("norm_nuclear")
def _norm_nuclear(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values."""
    return matrix_norm(self, "nuc", (0, 1) if dim is None else dim, keepdim)


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: the norm of a matrix times that of its inverse."""
    at_least_2d("linalg.cond", A)
    if p in (None, 2, -2):
        values = singular_values(A)
        first, last = values.amax(-1), values.amin(-1)  # type: ignore[attr-defined]
        return deliver("linalg_cond", last / first if p == -2 else first / last, out)
    square("linalg.cond", A)
    return deliver("linalg_cond", matrix_norm(A, p) * matrix_norm(inv(A), p), out)


# ---- small ones


@autocasting("linalg_vecdot")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The sum of the products of ``x``'s conjugate and ``y`` along a dimension."""
    return deliver("linalg_vecdot", (x.conj() * y).sum(dim), out)  # type: ignore[attr-defined]


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0, 1, ... ``N`` - 1 of each element."""
    x = x.unsqueeze(0) if x.ndim == 0 else x  # type: ignore[attr-defined]
    n = x.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    x = x.to(int64) if x.dtype.rank < 2 else x  # type: ignore[attr-defined]
    powers = [x * 0 + 1]
    for _ in range(n - 1):
        powers.append(powers[-1] * x)
    return stack(powers, -1)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonal of each matrix."""
    return A.diagonal(offset, dim1, dim2)  # type: ignore[attr-defined]


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The vector product along a dimension of size 3."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    return contraction.cross(input, other, dim, out=out)


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse for ``tensordot(A, B, ind)``."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows = int(numpy.prod(A.shape[:ind]))
    columns = int(numpy.prod(A.shape[ind:]))
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            "prod(self.shape[:ind]), "
            f"but got {columns} != {rows}"
        )
    shape = (*A.shape[ind:], *A.shape[:ind])
    return deliver("linalg_tensorinv", inv(A.reshape(rows, rows)).reshape(shape), out)  # type: ignore


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """``X`` with ``tensordot(A, X, X.ndim) = B``."""
    if dims is not None:
        moved = [d % A.ndim for d in dims]
        A = A.permute(*[d for d in range(A.ndim) if d not in moved], *moved)  # type: ignore
    shape = A.shape[B.ndim :]
    n = int(numpy.prod(shape))
    if n != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {n} != {B.numel()}"
        )
    return deliver("linalg_tensorsolve", solve(A.reshape(n, n), B.reshape(n)).reshape(shape), out)  # type: ignore


# The singular values are an operator of their own; norms and conditions need them.
_singular_values = Op(
    "linalg_svdvals", kernels.singular_values, batch=LEADING, inputs=("A",), accepts="fc"
)


@_singular_values.vjp
def _singular_values_vjp(grad: Tensor, A: Tensor) -> tuple[Tensor]:
    u, _, vh = REGISTRY["linalg_svd"](A, False)
    return ((u * grad[..., None, :]).matmul(vh),)  # type: ignore[index]


def singular_values(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values in falling order."""
    at_least_2d("linalg.svdvals", A)
    return deliver("linalg_svdvals", _singular_values(A), out)


svdvals = singular_values

__all__ = exported(globals())
