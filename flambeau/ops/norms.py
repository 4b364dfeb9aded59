"""Norms of slices, and slices kept below a norm."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import float32
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops.linalg.norms import matrix_norm
from flambeau.ops.vector_norms import vector_norm


@method("renorm renorm_")
@numpy_names
def renorm(
    input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None
) -> Tensor:
    """The slices at each index of ``dim``, scaled down to the ``p``-norm ``maxnorm`` where theirs
    is greater.

    Floating or complex. RuntimeError for less than two dimensions, ``p`` not above 0, or a negative
    ``maxnorm``.

    >>> torch.renorm(torch.tensor([[3., 4.], [0., 1.]]), 2, 0, 1)
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]])
    """
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions"
        )
    dim = wrap_dim(dim, input.ndim)
    others = tuple([d for d in range(input.ndim) if d != dim])
    narrow = input.dtype.is_floating_point and input.dtype.itemsize < 4
    norms: Any = vector_norm(input, p, others, True, dtype=float32 if narrow else None)
    scale = (maxnorm / (norms + 1e-7)).masked_fill(norms <= maxnorm, 1)
    return deliver("renorm", (input * scale).to(input.dtype), out)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The ``pow``-norm of the slice at each index of ``dim`` (of all elements for -1).

    >>> torch.norm_except_dim(torch.tensor([[3., 4.], [0., 1.]]))
    tensor([[5.],
            [1.]])
    """
    if dim == -1:
        return vector_norm(v, pow)
    return vector_norm(v, pow, tuple([d for d in range(v.ndim) if d != dim]), True)


def frobenius_norm(
    input: Tensor, dim: Any, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The 2-norm over ``dim``.

    Floating or complex; ``dim`` is a dimension or several. RuntimeError for integers.

    >>> torch.frobenius_norm(torch.tensor([[3., 0.], [0., 4.]]), dim=(0, 1))
    tensor(5.)
    """
    return vector_norm(input, 2, dim, keepdim, out=out)


def nuclear_norm(
    input: Tensor, dim: Any = (-2, -1), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The sum of the singular values of the matrices in the dimensions ``dim``.

    ``[*, n, m]``, floating or complex, gives real ``[*]``. RuntimeError or IndexError for less than
    two dimensions.

    >>> torch.nuclear_norm(torch.tensor([[3., 0.], [0., 4.]]))
    tensor(7.)
    """
    return matrix_norm(input, "nuc", dim, keepdim, out=out)


__all__ = exported(globals())
