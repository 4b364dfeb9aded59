"""``spdiags``: a sparse matrix from its diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.layout import sparse_coo
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared.sparse import diagonals as kernels
from flambeau.sparse.forms import declare

_spdiags = declare("_spdiags", kernels.from_diagonals, inputs=("diagonals",),
    params=("offsets", "shape"), node="Spdiags",
    vjp={"diagonals": lambda grad, diagonals_shape, offsets: dispatch(
        _diagonals_of, (grad,), (offsets, diagonals_shape))})  # fmt: skip
_diagonals_of = declare("_spdiags_backward", kernels.diagonals_of, inputs=("grad_output",),
                        params=("offsets", "shape"))  # fmt: skip


def spdiags(diagonals: Tensor, offsets: Tensor, shape: Sequence[int], layout: Any = None) -> Tensor:
    """A sparse matrix of the given ``shape`` whose diagonals are rows of ``diagonals``.

    ``offsets`` say which: 0 is the main diagonal, k > 0 lies above, k < 0 below. Element (i, j)
    of diagonal k is element j of its row, so that rows may be longer than diagonals.

    >>> torch.sparse.spdiags(torch.ones(1, 3), torch.tensor([1]), (3, 3)).to_dense()
    tensor([[0., 1., 0.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    rows = diagonals if diagonals.ndim == 2 else diagonals.reshape(1, -1)  # type: ignore
    given = offsets.reshape(-1)  # type: ignore[attr-defined]
    if diagonals.ndim > 2:
        raise RuntimeError("Diagonals must be vector or matrix")
    if len(shape) != 2:
        raise RuntimeError("Output shape must be 2d")
    if given.numel() != rows.shape[0]:
        raise RuntimeError(
            f"Number of diagonals ({rows.shape[0]}) does not match the number of offsets "
            f"({given.numel()})"
        )
    listed = given.tolist()
    if len(set(listed)) != len(listed):
        raise RuntimeError("Offset tensor contains duplicate values")
    made = dispatch(_spdiags, (rows,), (tuple(listed), tuple(shape)))
    return made if layout in (None, sparse_coo) else made.to_sparse(layout=layout)
