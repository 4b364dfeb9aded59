"""Elements repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import int32, int64, scalar_name
from flambeau.core.flips import elements
from flambeau.core.layout import contiguous_format
from flambeau.core.modes import modes
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LINEAR, Op, wrap_dim
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META, places
from flambeau.kernels.shared import joining as kernels
from flambeau.ops.geometry import all_ints, ints

Ints = tuple[int, ...]


def _repeat_shape(array: Any, times: Ints) -> Ints:
    shape = (1,) * (len(times) - array.ndim) + array.shape
    return tuple([n * m for n, m in zip(shape, times, strict=True)])


def _repeat_sum(grad: Tensor, input_shape: Ints, times: Ints) -> Tensor:
    new = len(times) - len(input_shape)
    shape = (1,) * new + tuple(input_shape)
    paired = [p for pair in zip(times, shape, strict=True) for p in pair]
    summed = grad.reshape(paired).sum(tuple(range(0, len(paired), 2)))  # type: ignore
    return summed.reshape(input_shape)


def _batch_repeat(op: Op, input: Any, times: Ints) -> Any:
    size, *own = input.shape
    return op(input.reshape(size, *[1] * (len(times) - len(own)), *own), (1, *times))


_repeat = Op("repeat", kernels.repeated, params=("times",), jvp=LINEAR, shape=_repeat_shape,
    batch=_batch_repeat,
    vjp={"input": _repeat_sum}, doc="The whole tensor repeated along dimensions.")  # fmt: skip


@method("repeat")
def _repeat_method(self: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """A copy of the tensor repeated along its dimensions, and along new leading ones.

    >>> torch.arange(2).repeat(2, 2).tolist()
    [[0, 1, 0, 1], [0, 1, 0, 1]]
    """
    times = all_ints("repeat", sizes if repeats is None else (repeats,))
    if len(times) < self.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    shape = _repeat_shape(self._array, times)
    negative = next((n for n in shape if n < 0), None)
    if negative is not None:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {negative}: {list(shape)}"
        )
    return _repeat(self, times)


def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """``input`` repeated ``dims`` times; missing leading counts are 1.

    >>> torch.tile(torch.arange(2), (2,)).tolist()
    [0, 1, 0, 1]
    """
    times = ints((tuple(dims),))
    return _repeat_method(input, (1,) * (input.ndim - len(times)) + times)


@method("tile")
def _tile_method(self: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """The tensor repeated along its dimensions; missing leading counts are 1."""
    return tile(self, all_ints("tile", sizes if dims is None else (dims,)))


_index_of_repeats = places(kernels.repetition_index)


@method("repeat_interleave")
@numpy_names
def repeat_interleave(
    input: Tensor | None = None,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each element along ``dim`` repeated in place, ``repeats`` times or each as often as its
    element of ``repeats`` says; without ``dim``, of the flattened input.

    With one argument, the indices that repeat each place as often as that tensor says. RuntimeError
    for another number of repeats than of slices.

    >>> torch.tensor([1, 2]).repeat_interleave(2).tolist()
    [1, 1, 2, 2]
    >>> torch.repeat_interleave(torch.tensor([1, 2])).tolist()
    [0, 1, 1]
    """
    if input is None:
        if not isinstance(repeats, Tensor):
            raise not_a_tensor("repeat_interleave", "repeats", 1, repeats)
        input, repeats = repeats, None
    times = input if repeats is None else repeats
    if isinstance(times, Tensor) and times.mapped:
        return modes.batches[-1].loop(
            repeat_interleave, input, repeats, dim, output_size=output_size
        )
    if repeats is None:
        return _repetitions(input, output_size)
    if dim is None:
        input, dim = input.flatten(), 0  # type: ignore[attr-defined]
    dim = wrap_dim(dim, input.ndim)
    if not input.ndim:
        input = input.reshape(1)  # type: ignore[attr-defined]
    size = input._array.shape[dim]
    if not isinstance(repeats, Tensor):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        return _each_repeated(input, int(repeats), dim)
    if repeats.ndim == 0 or (repeats.ndim == 1 and repeats.numel() == 1):
        repeats = repeats.reshape(1).expand(size)  # type: ignore[attr-defined]
    if repeats.numel() != size:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats._array.shape[0]} and input.size({dim}) = {size}"
        )
    return input.index_select(dim, _repetitions(repeats, output_size))  # type: ignore


def _each_repeated(input: Tensor, times: int, dim: int) -> Tensor:
    wide: Any = input.unsqueeze(dim + 1)  # type: ignore[attr-defined]
    shape = list(wide.shape)
    shape[dim + 1] = times
    return wide.expand(shape).clone(memory_format=contiguous_format).flatten(dim, dim + 1)


def _repetitions(repeats: Tensor, output_size: int | None) -> Tensor:
    if repeats.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if repeats.dtype not in (int32, int64):
        raise NotImplementedError(
            f"\"repeat_interleave_cpu\" not implemented for '{scalar_name(repeats.dtype)}'"
        )
    array = elements(repeats)
    if array.size and bool((array < 0).any()):
        raise RuntimeError("repeats can not be negative")
    total = int(array.sum()) if output_size is None else output_size
    if repeats.kind.place == META:
        return wrap(virtual((total,), array.dtype), repeats.kind)
    return wrap(_index_of_repeats[repeats.kind.place](array, total), repeats.kind)  # type: ignore


__all__ = exported(globals())
silence(globals())
