"""Linear systems with a sparse matrix."""

from __future__ import annotations

from flambeau.core.dispatch import dispatch
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared.sparse import solving as kernels
from flambeau.sparse.forms import declare
from flambeau.sparse.products import at_places, turned

_spsolve = declare("_spsolve", kernels.solve, inputs=("input", "other"),
    vjp={"input": lambda grad, input, result: at_places(
            -_of_transpose(grad, input).unsqueeze(1), result.conj().unsqueeze(0), input),
         "other": lambda grad, input: _of_transpose(grad, input)})  # fmt: skip


def _of_transpose(grad: Tensor, matrix: Tensor) -> Tensor:
    return dispatch(_spsolve, (turned(matrix).to_sparse_csr(), grad))


def spsolve(input: Tensor, other: Tensor) -> Tensor:
    """The ``x`` with ``input @ x == other`` for a square CSR matrix ``input`` and a vector.

    Needs SciPy on the CPU. Raises RuntimeError for a matrix that is not square, or singular.

    >>> torch.sparse.spsolve(torch.diag(torch.tensor([1.0, 2.0])).to_sparse_csr(), torch.ones(2))
    tensor([1.0000, 0.5000])
    """
    if not input.is_sparse_csr:  # type: ignore[attr-defined]
        raise RuntimeError("spsolve: the matrix must be sparse CSR")
    if input.ndim != 2 or input.shape[0] != input.shape[1]:
        raise RuntimeError("spsolve: the matrix must be square")
    if other.shape != input.shape[:1]:
        raise RuntimeError(
            f"spsolve: expected a vector of {input.shape[0]} elements, got {list(other.shape)}"
        )
    return dispatch(_spsolve, (input, other))


__all__ = exported(globals())
