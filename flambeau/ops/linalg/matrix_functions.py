"""Powers and the exponential of square matrices."""

from __future__ import annotations

from flambeau.core.op import LEADING, Op
from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import linalg as kernels
from flambeau.ops.joining import cat
from flambeau.ops.linalg.inverses import inv
from flambeau.ops.linalg.matrices import square, square_of_any
from flambeau.ops.overwriting import fill
from flambeau.ops.products import matmul
from flambeau.ops.sequences import eye


@method("matrix_power")
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The product of ``n`` copies; of the inverse for a negative ``n``.

    ``[*, n, n]`` of any dtype that ``matmul`` takes; RuntimeError unless square, and for a negative
    power of integers, LinAlgError for that of a singular matrix.

    >>> torch.matrix_power(torch.tensor([[1., 1.], [0., 1.]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    square_of_any("linalg.matrix_power", input)
    if n == 0:
        one = eye(input.shape[-1], dtype=input.dtype, device=input.device)
        return deliver("linalg_matrix_power", fill(input, 0) + one, out, exact=True)
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
    """The exponential of a square matrix, or of each of a stack.

    ``[*, n, n]``, floating or complex; RuntimeError unless square.

    >>> torch.matrix_exp(torch.tensor([[0., 1.], [0., 0.]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    square("linalg.matrix_exp", input)
    return _matrix_exp(input)
