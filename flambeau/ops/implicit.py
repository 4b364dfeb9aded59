"""The softmax functions in their form of ``nn.functional``: old programs may leave ``dim`` out."""

from __future__ import annotations

import warnings

from flambeau.core.dtype import dtype as DType
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops import softmax as explicit


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """``exp(input) / sum(exp(input))`` along ``dim``: positive numbers that sum to 1.

    ``input`` is floating; ``dtype`` converts it first. NotImplementedError for integers.

    >>> F.softmax(torch.tensor([[0., 0.], [1000., 0.]]), 1)
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.ndim, _stacklevel)
    return explicit.softmax(input, dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """The logarithm of ``softmax`` along ``dim``, without overflow.

    ``input`` is floating; ``dtype`` converts it first. NotImplementedError for integers.

    >>> F.log_softmax(torch.tensor([0., 0.]), 0)
    tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input.ndim, _stacklevel)
    return explicit.log_softmax(input, dim, dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """``softmax(-input)`` along ``dim``.

    ``input`` is floating; ``dtype`` converts it first. NotImplementedError for integers.

    >>> F.softmin(torch.tensor([1., 1.]), 0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _implicit_dim("softmin", input.ndim, _stacklevel)
    return explicit.softmax(-input, dim, dtype)  # type: ignore[operator]


__all__ = exported(globals())
