"""What operators on ``[N, C, *spatial]`` share: arguments per dimension, inputs without a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.core.virtual import virtual
from flambeau.kernels.select import META

Ints = tuple[int, ...]
COUNTS = {1: "one int", 2: "two ints", 3: "three ints"}


def per_dimension(value: Any, n: int, refuse: Callable[[], Exception]) -> Ints:
    """A number, or one number for each of ``n`` dimensions; else the error of ``refuse``.

    Raises TypeError for what is no integer.
    """
    if type(value) is int:
        return (value,) * n
    if not isinstance(value, Sequence) or isinstance(value, str):
        return (index(value),) * n
    values = tuple([index(v) for v in value])
    if len(values) == 1:
        return values * n
    if len(values) != n:
        raise refuse()
    return values


def batched(
    function: Callable[..., Any], n: int, input: Tensor, *args: Any, extra: tuple[Tensor, ...] = ()
) -> Any:
    """``function(input, *extra, *args)`` for ``[N, C, *spatial]``, also without ``N``."""
    if input.ndim == n + 2:
        return function(input, *extra, *args)
    result = function(input.unsqueeze(0), *[t.unsqueeze(0) for t in extra], *args)  # type: ignore
    if isinstance(result, tuple):
        return tuple([r.squeeze(0) for r in result])
    return result.squeeze(0)


def follow(result: Any, *sources: Tensor) -> Any:
    """``result``, just computed, laid out as channels_last where one of the ``sources`` is."""
    for source in sources:
        array = source._array
        if array.ndim in (4, 5) and not array.flags.c_contiguous and _channels_last(array):
            return tuple(map(_relaid, result)) if isinstance(result, tuple) else _relaid(result)
    return result


def _channels_last(array: Any) -> bool:
    return array.transpose(0, *range(2, array.ndim), 1).flags.c_contiguous


def _relaid(tensor: Tensor) -> Tensor:
    array, kind = tensor._array, tensor.kind
    if array.ndim not in (4, 5) or _channels_last(array):
        return tensor
    moved = array.transpose(0, *range(2, array.ndim), 1)
    if kind.place == META:
        moved = virtual(moved.shape, moved.dtype)
    else:
        moved = kind.xp.ascontiguousarray(moved)
    tensor._array = moved.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))
    return tensor
