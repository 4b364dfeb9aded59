"""Grids and combinations of the elements of vectors."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence
from flambeau.ops.broadcasting import broadcast_tensors
from flambeau.ops.joining import stack
from flambeau.ops.sequences import arange


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Each vector expanded along the dimensions of all the others.

    ``indexing="ij"`` gives the first vector the first dimension, ``"xy"`` the second. RuntimeError
    for a matrix, or for tensors of two dtypes.

    >>> torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0].tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument.",
            stacklevel=2,
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for t in tensors:
        if t.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}"
            )
    swapped = indexing == "xy" and len(tensors) > 1
    if swapped:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = [t.numel() for t in tensors]
    grids = [_along(t, place, shape) for place, t in enumerate(tensors)]
    if swapped:
        grids = [grids[1], grids[0], *grids[2:]]
    return tuple(grids)


def _along(tensor: Any, place: int, shape: list[int]) -> Any:
    alone = [1] * len(shape)
    alone[place] = shape[place]
    return tensor.view(alone).expand(shape)


def _check_vector(tensor: Tensor) -> None:
    if tensor.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor.shape)}")


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows.

    RuntimeError unless all are vectors.

    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    for t in tensors:
        _check_vector(t)
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.flatten() for grid in meshgrid(*tensors, indexing="ij")], 1)


@method("combinations")
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to choose ``r`` elements of a vector, as rows in the order of the vector.

    RuntimeError unless ``input`` is a vector.

    >>> torch.combinations(torch.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    _check_vector(input)
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input[:0].detach().clone()  # type: ignore
    places = arange(input.numel(), device=input.device)
    grids = meshgrid(*[places] * r, indexing="ij")
    mask = grids[0] == grids[0]
    for left, right in pairwise(grids):
        mask = mask & (left <= right if with_replacement else left < right)
    values = broadcast_tensors(*meshgrid(*[input] * r, indexing="ij"))
    return stack([v.masked_select(mask) for v in values], 1)  # type: ignore[attr-defined]


__all__ = exported(globals())
silence(globals())
