"""Elements of one tensor repeated, moved, turned round, or put on diagonals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int32, int64, scalar_name
from flambeau.core.kind import kind_of
from flambeau.core.layout import contiguous_format
from flambeau.core.op import LINEAR, SAME, Op, in_order, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META, places
from flambeau.kernels.shared import joining as kernels
from flambeau.ops.broadcasting import broadcast_tensors
from flambeau.ops.geometry import all_ints, ints
from flambeau.ops.joining import stack

Ints = tuple[int, ...]


# ---- repeated


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
def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each element along ``dim`` repeated in place, ``repeats`` times or each as often as its
    element of ``repeats`` says; without ``dim``, of the flattened input.

    With one argument, the indices that repeat each place as often as that tensor says.

    >>> torch.tensor([1, 2]).repeat_interleave(2).tolist()
    [1, 1, 2, 2]
    >>> torch.repeat_interleave(torch.tensor([1, 2])).tolist()
    [0, 1, 1]
    """
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
    array = repeats._array
    if array.size and bool((array < 0).any()):
        raise RuntimeError("repeats can not be negative")
    total = int(array.sum()) if output_size is None else output_size
    if repeats.kind.place == META:
        return wrap(virtual((total,), array.dtype), repeats.kind)
    return wrap(_index_of_repeats[repeats.kind.place](array, total), repeats.kind)  # type: ignore


# ---- moved


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

    Without ``dims`` the flattened tensor is rolled.

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
    """A copy of ``input`` with its second dimension in reverse order."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@method("flipud")
def flipud(input: Tensor) -> Tensor:
    """A copy of ``input`` with its first dimension in reverse order."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@method("rot90")
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy of ``input`` turned by ``k`` quarters, from the first of ``dims`` to the second.

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


# ---- grids


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Each vector expanded along the dimensions of all the others.

    ``indexing="ij"`` gives the first vector the first dimension, ``"xy"`` the second.

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

    >>> torch.combinations(torch.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    _check_vector(input)
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input[:0].detach().clone()  # type: ignore
    places = input.new_ones(input.numel(), dtype=int64).cumsum(0)  # type: ignore[attr-defined]
    grids = meshgrid(*[places] * r, indexing="ij")
    mask = grids[0] == grids[0]
    for left, right in pairwise(grids):
        mask = mask & (left <= right if with_replacement else left < right)
    values = broadcast_tensors(*meshgrid(*[input] * r, indexing="ij"))
    return stack([v.masked_select(mask) for v in values], 1)  # type: ignore[attr-defined]


# ---- triangles and diagonals


_tril = Op("tril", kernels.lower_triangle, params=("diagonal",), jvp=LINEAR, shape=in_order,
    batch=lambda op, input, diagonal: op(input, diagonal),
    vjp={"input": lambda grad, diagonal: grad.tril(diagonal)},
    doc="The lower triangle of matrices.")  # fmt: skip
_triu = Op("triu", kernels.upper_triangle, params=("diagonal",), jvp=LINEAR, shape=in_order,
    batch=lambda op, input, diagonal: op(input, diagonal),
    vjp={"input": lambda grad, diagonal: grad.triu(diagonal)},
    doc="The upper triangle of matrices.")  # fmt: skip


def _check_matrix(function: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{function}: input tensor must have at least 2 dimensions")


@method("tril tril_")
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The elements of matrices on and below a diagonal, zero elsewhere.

    >>> torch.ones(2, 2).tril().tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    _check_matrix("tril", input)
    return deliver("tril", _tril(input, diagonal), out, exact=True)


@method("triu triu_")
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The elements of matrices on and above a diagonal, zero elsewhere.

    >>> torch.ones(2, 2).triu(1).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    _check_matrix("triu", input)
    return deliver("triu", _triu(input, diagonal), out, exact=True)


_triangle = places(kernels.triangle_indices)


def _indices(row: int, col: int, offset: int, dtype: Any, device: Any, upper: bool) -> Tensor:
    for name, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{name} must be non-negative, got{n}")
    kind = kind_of(dtype or int64, Device(device or "cpu"))
    array = _triangle[0 if kind.place == META else kind.place](row, col, offset, upper)  # type: ignore
    if kind.place == META:
        return wrap(virtual(array.shape, kind.array_type), kind)
    return wrap(array.astype(kind.array_type, copy=False), kind)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    device: Any = None,
    layout: Any = None,
) -> Tensor:
    """Rows and columns of the lower triangle of a matrix, row by row, as a ``2 x n`` tensor.

    >>> torch.tril_indices(2, 2).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    return _indices(row, col, offset, dtype, device, False)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    device: Any = None,
    layout: Any = None,
) -> Tensor:
    """Rows and columns of the upper triangle of a matrix, row by row, as a ``2 x n`` tensor.

    >>> torch.triu_indices(2, 2).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    return _indices(row, col, offset, dtype, device, True)


def _embedded_shape(array: Any, offset: int, dim1: int, dim2: int) -> Ints:
    size, rest = array.shape[-1] + abs(offset), iter(array.shape[:-1])
    return tuple([size if d in (dim1, dim2) else next(rest) for d in range(array.ndim + 1)])


_diag_embed = Op("diag_embed", kernels.diagonal_embedded, params=("offset", "dim1", "dim2"),
    batch=lambda op, input, offset, dim1, dim2: op(input, offset, dim1 + 1, dim2 + 1),
    jvp=LINEAR, shape=_embedded_shape,
    vjp={"input": lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2)},
    doc="Vectors on the diagonals of zero matrices.")  # fmt: skip


@method("diag_embed")
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zero matrices, as dimensions ``dim1`` and ``dim2``, with the last dimension of ``input`` on a
    diagonal.

    >>> torch.tensor([1, 2]).diag_embed().tolist()
    [[1, 0], [0, 2]]
    """
    ndim = input.ndim + 1
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diag_embed(input, offset, first, second)


@method("diag")
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A matrix with a vector on a diagonal, or a copy of a diagonal of a matrix.

    >>> torch.diag(torch.tensor([[1, 2], [3, 4]])).tolist()
    [1, 4]
    """
    if input.ndim == 1:
        return deliver("diag", diag_embed(input, diagonal), out, exact=True)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return deliver("diag", input.diagonal(diagonal).clone(), out, exact=True)  # type: ignore[attr-defined]


@method("fill_diagonal_")
def _fill_diagonal(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Writes a value to the main diagonal; with ``wrap``, of a tall matrix again and again.

    >>> torch.zeros(2, 2).fill_diagonal_(5).tolist()
    [[5.0, 0.0], [0.0, 5.0]]
    """
    shape, matrix = list(self.shape), self.ndim == 2
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if not matrix and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    steps = self.stride()  # type: ignore[attr-defined]
    first = self.storage_offset()  # type: ignore[attr-defined]
    block = shape[1] + 1 if wrap and matrix else max(*shape, 1)
    for row in range(0, shape[0], block):
        length = min(shape[0] - row, *shape[1:])
        view: Any = self.as_strided((length,), (sum(steps),), first + row * steps[0])  # type: ignore
        view.fill_(fill_value)
    return self


@method("diagflat")
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of ``input`` on a diagonal."""
    return diag_embed(input.contiguous().view(-1), offset)  # type: ignore[attr-defined]


__all__ = exported(globals())
silence(globals())
