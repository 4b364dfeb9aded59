"""Products of vectors and chains of matrices; matrices of powers, and diagonals."""

from __future__ import annotations

from functools import reduce
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import int64
from flambeau.core.numpy_names import numpy_names
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops import contraction
from flambeau.ops.joining import stack
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.products import matmul


@autocasting("linalg_vecdot")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The sum of the products of ``x``'s conjugate and ``y`` along a dimension."""
    return deliver("linalg_vecdot", (conj(x) * y).sum(dim), out)  # type: ignore[attr-defined]


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0, 1, ... ``N`` - 1 of each element.

    ``[*, n]`` gives ``[*, n, N]``, ``N`` being ``n`` by default. RuntimeError for ``N`` below 2.

    >>> torch.linalg.vander(torch.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
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
    """A view of the diagonal of each matrix.

    Of any dtype, with two dimensions or more; the diagonal is the last dimension. IndexError for
    less.

    >>> torch.linalg.diagonal(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return A.diagonal(offset, dim1, dim2)  # type: ignore[attr-defined]


@numpy_names
def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The vector product along a dimension of size 3.

    Both have the same number of dimensions, which broadcast; RuntimeError otherwise.

    >>> torch.linalg.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    return contraction.cross(input, other, dim, out=out)


def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices; the first and the last may be vectors.

    RuntimeError for less than two, or where sizes do not fit.

    >>> torch.linalg.multi_dot((torch.ones(2), torch.ones(2, 3), torch.ones(3)))
    tensor(6.)
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    return deliver("linalg_multi_dot", reduce(matmul, tensors), out)
