"""Elements moved along dimensions: rolled, flipped, rotated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.op import LINEAR, SAME, Op, in_order, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import joining as kernels
from flambeau.ops.geometry import all_ints, ints

Ints = tuple[int, ...]


def _batch_roll(op: Op, input: Any, shifts: Ints, dims: Ints) -> Any:
    if not dims:
        return op(input.flatten(1), shifts, (1,)).reshape(input.shape)
    return op(input, shifts, tuple([d + 1 for d in dims]))


_roll = Op("roll", kernels.rolled, params=("shifts", "dims"), jvp=LINEAR, shape=in_order,
    batch=_batch_roll,
    vjp={"input": lambda grad, shifts, dims: grad.roll(tuple([-n for n in shifts]), dims)},
    doc="Elements moved along dimensions, round the end.")  # fmt: skip


def _listed(value: Any) -> Ints:
    return ints((value,) if not isinstance(value, tuple | list) else (tuple(value),))


@method("roll")
def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """``input`` with its elements moved along ``dims``; what leaves at one end enters at the other.

    Without ``dims`` the flattened tensor is rolled. RuntimeError for other numbers of shifts than
    of dimensions.

    >>> torch.arange(4).roll(1).tolist()
    [3, 0, 1, 2]
    """
    moves, along = _listed(shifts), _listed(() if dims is None else dims)
    if not moves:
        raise RuntimeError("`shifts` required")
    if not along and len(moves) == 1:
        return _roll(input, moves, ())
    if len(moves) != len(along):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(along)}"
        )
    if not input.ndim:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    return _roll(input, moves, tuple([wrap_dim(d, input.ndim) for d in along]))


_flip = Op("flip", kernels.flipped, params=("dims",), jvp=LINEAR, shape=SAME,
    batch=lambda op, input, dims: op(input, tuple([d + 1 for d in dims])),
    vjp={"input": lambda grad, dims: grad.flip(dims)},
    doc="Dimensions in reverse order.")  # fmt: skip


def flip(input: Tensor, dims: Sequence[int]) -> Tensor:
    """A copy of ``input`` with dimensions ``dims`` in reverse order.

    RuntimeError for one dimension twice.

    >>> torch.flip(torch.arange(3), (0,)).tolist()
    [2, 1, 0]
    """
    wrapped = [wrap_dim(d, input.ndim) for d in _listed(dims)]
    if len(set(wrapped)) != len(wrapped):
        twice = next(d for d in wrapped if wrapped.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return _flip(input, tuple(wrapped) if input.ndim else ())


@method("flip")
def _flip_method(self: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """A copy with the given dimensions in reverse order."""
    return flip(self, all_ints("flip", sizes if dims is None else _listed(dims)))


@method("fliplr")
def fliplr(input: Tensor) -> Tensor:
    """A copy of ``input`` with its second dimension in reverse order.

    Of any dtype; RuntimeError for less than two dimensions.

    >>> torch.fliplr(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@method("flipud")
def flipud(input: Tensor) -> Tensor:
    """A copy of ``input`` with its first dimension in reverse order.

    Of any dtype; RuntimeError for a tensor without dimensions.

    >>> torch.flipud(torch.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@method("rot90")
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy of ``input`` turned by ``k`` quarters, from the first of ``dims`` to the second.

    Of two dimensions or more. RuntimeError unless ``dims`` are two of them.

    >>> torch.tensor([[1, 2], [3, 4]]).rot90().tolist()
    [[2, 4], [1, 3]]
    """
    ndim = input.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = [wrap_dim(d, ndim) for d in dims]
    if first == second:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    turns = k % 4
    if turns in (0, 2):
        return flip(input, (first, second)) if turns else input.clone()  # type: ignore
    return flip(input, (second if turns == 1 else first,)).transpose_(first, second)  # type: ignore


__all__ = exported(globals())
silence(globals())
