"""The QR decomposition and Householder reflections."""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.joining import cat, stack
from flambeau.ops.linalg.matrices import at_least_2d, column_copy, forget_layout
from flambeau.ops.linalg.solvers import solve_triangular
from flambeau.ops.pointwise.rules import adjoint
from flambeau.ops.products import matmul
from flambeau.ops.sequences import eye

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
    return adjoint(solve_triangular(r, adjoint(total), upper=True))


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """``A = Q R`` with orthonormal columns of ``Q`` and upper triangular ``R``.

    ``[*, n, m]``, floating or complex; with the smaller ``k`` the ``mode`` "reduced" gives
    ``[*, n, k]`` and ``[*, k, m]``, "complete" ``[*, n, n]`` and ``[*, n, m]``, "r" an empty ``Q``.
    RuntimeError for other modes.

    >>> Q, R = torch.linalg.qr(torch.tensor([[3., 1.], [4., 2.]]))
    >>> (Q @ R).round()
    tensor([[3., 1.],
            [4., 2.]])
    """
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
    """``torch.qr`` (deprecated): the reduced decomposition, or the complete one.

    ``[*, n, m]``, floating or complex. RuntimeError for less than two dimensions.

    >>> Q, R = torch.qr(torch.tensor([[3., 1.], [4., 2.]]))
    >>> (Q @ R).round()
    tensor([[3., 1.],
            [4., 2.]])
    """
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
    """The first columns of the product of the Householder reflectors that ``geqrf`` returns.

    ``[*, n, m]`` with ``n >= m`` and ``[*, k]`` with ``k <= m``; RuntimeError otherwise.

    >>> packed, tau = torch.geqrf(torch.tensor([[3., 1.], [4., 2.]]))
    >>> Q = torch.linalg.householder_product(packed, tau)
    >>> torch.allclose(Q @ packed.triu(), torch.tensor([[3., 1.], [4., 2.]]))
    True
    """
    at_least_2d("torch.linalg.householder_product", A)
    if A.shape[-2] < A.shape[-1]:
        raise RuntimeError(
            "torch.linalg.householder_product: input.shape[-2] must be greater "
            "than or equal to input.shape[-1]"
        )
    forget_layout(out)
    return deliver("linalg_householder_product", _householder(A, tau), out)


@method("orgqr")
def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """Another name of ``linalg.householder_product``.

    RuntimeError for more columns than rows.

    >>> packed, tau = torch.geqrf(torch.tensor([[3., 1.], [4., 2.]]))
    >>> torch.orgqr(packed, tau).shape
    torch.Size([2, 2])
    """
    return householder_product(input, tau)


@method("ormqr")
@autocasting("ormqr")
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *,
          out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The product of the whole ``Q`` of ``geqrf`` (or of its transpose) and a matrix."""
    _check_ormqr(input, tau, other, left)
    m, k = input.shape[-2], tau.shape[-1]
    padded = cat((input[..., :k], input.new_zeros((*input.shape[:-2], m, m - k))), -1)  # type: ignore
    q = _reflected(padded, tau)[0]
    q = q.mH if transpose else q  # type: ignore[attr-defined]
    product = matmul(q, other) if left else matmul(other, q)
    forget_layout(out)
    return deliver("ormqr", column_copy(product), out)


def _check_ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool) -> None:
    for name, tensor in (("input", input), ("other", other)):
        _demand(tensor.ndim >= 2, f"{name} must have at least 2 dimensions.")
    side = -2 if left else -1
    size = other.shape[side]
    _demand(size == input.shape[-2], f"other.shape[{side}] must be equal to input.shape[-2]")
    _demand(
        tau.size(-1) == min(size, input.shape[-1]),  # type: ignore[attr-defined]
        f"tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])",
    )
    _check_companion("tau", tau, input, "one dimension less than", 1)
    _check_companion("other", other, input, "the same number of dimensions as", 0)
    if not input.kind.floating:
        raise NotImplementedError(f"\"ormqr_cpu\" not implemented for '{scalar_name(input.dtype)}'")


def _check_companion(name: str, tensor: Tensor, input: Tensor, dims: str, fewer: int) -> None:
    """Dimensions, batch and dtype of a tensor must be those of ``input``."""
    _demand(
        tensor.ndim == input.ndim - fewer,
        f"Expected {name} to have {dims} input, but got {name}.ndim equal to {tensor.ndim} "
        f"and input.ndim is equal to {input.ndim}",
    )
    batch = tensor.shape[: input.ndim - 2]
    _demand(
        batch == input.shape[:-2],
        f"Expected batch dimensions of {name} to be equal to input.shape[:-2], but got "
        f"{list(batch)}",
    )
    _demand(
        tensor.dtype is input.dtype,
        f"Expected input and {name} to have the same dtype, but input has "
        f"dtype{scalar_name(input.dtype)} and {name} has dtype {scalar_name(tensor.dtype)}",
    )


def _demand(fits: bool, problem: str) -> None:
    if not fits:
        raise RuntimeError(f"torch.ormqr: {problem}")


_geqrf = Op(
    "geqrf", kernels.geqrf, batch=LEADING, inputs=("A",), outputs=2, accepts="fc", differentiable=()
)


@method("geqrf")
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """A QR decomposition as reflectors: the packed matrix and ``tau``.

    ``[*, n, m]``, floating or complex, gives ``[*, n, m]`` and ``[*, k]`` with the smaller ``k``.
    RuntimeError for less than two dimensions.

    >>> packed, tau = torch.geqrf(torch.tensor([[3., 1.], [4., 2.]]))
    >>> packed.shape, tau.shape
    (torch.Size([2, 2]), torch.Size([2]))
    """
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    found = return_type("geqrf", "a tau")(*_geqrf(input))
    forget_layout(*(out or ())[:1])
    return deliver("geqrf", found, out)
