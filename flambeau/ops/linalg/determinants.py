"""Determinants of square matrices."""

from __future__ import annotations

from typing import Any

from flambeau.core.flips import elements
from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.linalg.inverses import inv
from flambeau.ops.linalg.matrices import square

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
    u, s, vh = A.kind.xp.linalg.svd(elements(A), full_matrices=False)  # type: ignore
    phase = A.kind.xp.linalg.det(u) * A.kind.xp.linalg.det(vh)
    others = [
        s[..., [j for j in range(s.shape[-1]) if j != i]].prod(-1) for i in range(s.shape[-1])
    ]
    scaled = u * A.kind.xp.stack(others, -1)[..., None, :]
    adjugate = A.kind.xp.matmul(scaled, vh) * A.kind.xp.conj(phase)[..., None, None]
    return (grad[..., None, None] * wrap(adjugate.astype(A.kind.array_type), A.kind),)  # type: ignore


@method("det")
def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of a square matrix, or of each of a stack.

    ``[*, n, n]``, floating or complex, gives ``[*]``; RuntimeError unless square.

    >>> torch.linalg.det(torch.tensor([[2., 0.], [1., 3.]]))
    tensor(6.)
    """
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
    """The sign (phase) of the determinant and the logarithm of its size.

    ``[*, n, n]``, floating or complex, gives two of ``[*]``; RuntimeError unless square.

    >>> torch.linalg.slogdet(torch.tensor([[-2., 0.], [1., 3.]]))
    torch.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(1.7918))
    """
    square("linalg.slogdet", A)
    return deliver(
        "linalg_slogdet", return_type("linalg_slogdet", "sign logabsdet")(*_slogdet(A)), out
    )


Tensor.slogdet = slogdet  # type: ignore[attr-defined]


@method("logdet")
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN for a negative one.

    ``[*, n, n]``, floating or complex, gives ``[*]``; RuntimeError unless square.

    >>> torch.logdet(torch.tensor([[2., 0.], [1., 3.]]))
    tensor(1.7918)
    """
    square("logdet", input)
    sign, size = _slogdet(input)
    if input.dtype.is_complex:
        return sign.log() + size
    return size.masked_fill(sign < 0, float("nan"))  # type: ignore[attr-defined]
