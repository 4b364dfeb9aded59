"""Reductions of consecutive segments."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import int64, scalar_name
from flambeau.core.op import wrap_dim
from flambeau.core.publish import aten, exported
from flambeau.core.tensor import Tensor
from flambeau.ops.examples import by_example
from flambeau.ops.joining import cat
from flambeau.ops.sequences import arange
from flambeau.ops.sorting import searchsorted

_IDENTITY = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}
_SCATTER = {"sum": "sum", "mean": "sum", "prod": "prod", "max": "amax", "min": "amin"}


@by_example
def segment_reduce(
    data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
    offsets: Tensor | None = None, axis: int = 0, unsafe: bool = False, initial: Any = None,
) -> Tensor:  # fmt: skip
    """The ``"sum"``, ``"mean"``, ``"prod"``, ``"max"`` or ``"min"`` of consecutive segments.

    Segments are given by their ``lengths``, whose last dimension is ``axis`` of ``data``, or by
    ``offsets``, where each starts and the last one ends. Each starts from ``initial``. Unless
    ``unsafe``, lengths must add up to the size of the dimension. RuntimeError where the lengths do
    not sum to the size.

    >>> torch.segment_reduce(torch.tensor([1., 2., 3.]), "sum", lengths=torch.tensor([2, 1]))
    tensor([3., 3.])
    """
    reduce = {"amax": "max", "amin": "min"}.get(reduce, reduce)
    if reduce not in _IDENTITY:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    bounds = _bounds(data, lengths, indices, offsets, axis, unsafe)
    axis = bounds.ndim - 1
    start = (initial or 0.0) if reduce == "mean" else initial
    start = _IDENTITY[reduce] if start is None else start
    result = _scattered(data, bounds, axis, _SCATTER[reduce], start)
    if reduce != "mean":
        return result
    sizes = bounds.diff().to(data.dtype)  # type: ignore[attr-defined]
    sizes = sizes.reshape(sizes.shape + (1,) * (data.ndim - sizes.ndim))
    means: Any = result / sizes
    return means if initial is None else means.where(sizes > 0, result)


aten("_segment_reduce")(segment_reduce)  # PyTorch's other name for it


def _bounds(
    data: Tensor, lengths: Any, indices: Any, offsets: Any, axis: int, unsafe: bool
) -> Tensor:
    """Where the segments start, and where the last one ends."""
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    given = lengths if offsets is None else offsets
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    name = "lengths" if offsets is None else "offsets"
    if data.ndim < given.ndim:
        raise RuntimeError(
            f"Expected data.dim() >= {name}_value.dim() to be true, but got false.  (Could this "
            "error message be improved?  If so, please report an enhancement request to PyTorch.)"
        )
    axis = wrap_dim(axis, data.ndim)
    if axis != given.ndim - 1:
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}."
        )
    if data.dtype.rank != 2:
        raise NotImplementedError(
            f"\"_segment_reduce_cpu\" not implemented for '{scalar_name(data.dtype)}'"
        )
    if given.dtype.name not in ("int32", "int64"):
        raise NotImplementedError(
            f'"_segment_reduce_{name}_cpu_kernel1" not implemented for '
            f"'{scalar_name(given.dtype)}'"
        )
    given = given.detach().to(int64)
    if offsets is not None:
        return given
    if not unsafe:
        _check_lengths(data, given, axis)
    return cat((given.new_zeros((*given.shape[:-1], 1)), given.cumsum(-1)), -1)


def _check_lengths(data: Tensor, lengths: Any, axis: int) -> None:
    if (lengths < 0).any():
        raise RuntimeError("lengths contains negative value!")
    if (lengths.sum(-1) != data.shape[axis]).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to "
            "data.size(lengths.dim()-1) when !unsafe."
        )


def _scattered(data: Any, bounds: Any, axis: int, reduce: str, start: float) -> Tensor:
    """The reductions; what lies outside all segments goes to one more, which is cut off."""
    count, places = bounds.shape[-1] - 1, arange(data.shape[axis], device=data.device)
    places = places.expand(*bounds.shape[:-1], -1).contiguous()  # type: ignore[attr-defined]
    owner: Any = searchsorted(bounds.contiguous(), places, right=True) - 1  # type: ignore[operator]
    owner = owner.masked_fill(owner < 0, count)
    owner = owner.reshape(owner.shape + (1,) * (data.ndim - owner.ndim)).expand(data.shape)
    shape = (*data.shape[:axis], count + 1, *data.shape[axis + 1 :])
    return (
        data.new_full(shape, start).scatter_reduce(axis, owner, data, reduce).narrow(axis, 0, count)
    )


__all__ = exported(globals())
