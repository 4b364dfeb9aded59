"""Triangles and diagonals of matrices."""

from __future__ import annotations

from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int64
from flambeau.core.kind import kind_of
from flambeau.core.op import LINEAR, Op, in_order, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.virtual import virtual
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META, places
from flambeau.kernels.shared import joining as kernels

Ints = tuple[int, ...]


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

    RuntimeError for less than two dimensions.

    >>> torch.ones(2, 2).tril().tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    _check_matrix("tril", input)
    return deliver("tril", _tril(input, diagonal), out, exact=True)


@method("triu triu_")
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The elements of matrices on and above a diagonal, zero elsewhere.

    RuntimeError for less than two dimensions.

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

    RuntimeError for negative sizes.

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

    RuntimeError for negative sizes.

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

    RuntimeError for one dimension twice.

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

    RuntimeError for other ranks.

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
    """A matrix with all elements of ``input`` on a diagonal.

    ``n`` elements, of any shape and dtype, and ``offset`` give ``n + |offset|`` rows and columns.

    >>> torch.diagflat(torch.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    return diag_embed(input.contiguous().view(-1), offset)  # type: ignore[attr-defined]


__all__ = exported(globals())
silence(globals())
