"""Elements read along a dimension by tensors of indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from flambeau.core.dispatch import dispatch
from flambeau.core.dtype import complex128, int32, int64, scalar_name
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LINEAR, Op, wrap_dim
from flambeau.core.promotion import result_dtype
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import gather_scatter, masking
from flambeau.kernels.shared import indexing as kernels
from flambeau.kernels.shared.sparse import gathering as sparse_kernels
from flambeau.ops.batching import is_shared, of_flat
from flambeau.ops.broadcasting import broadcast_tensors
from flambeau.ops.examples import by_example
from flambeau.ops.in_place import check_apart, check_no_overlap
from flambeau.ops.joining import cat


def check_integers(function: str, index: Any, words: str = "int32/int64") -> None:
    if not isinstance(index, Tensor):
        raise TypeError(
            f"{function}(): argument 'index' must be Tensor, not {type(index).__name__}"
        )
    if index.dtype not in (int32, int64):
        raise RuntimeError(f"{function}(): Expected dtype {words} for index")


# ---- index_select, gather


def _batch_index_select(op: Op, input: Tensor, index: Tensor, dim: int) -> Tensor:
    if input.ndim == 1:
        return input.clone()  # type: ignore[attr-defined]
    if is_shared(index):
        return op(input, index[0], dim + 1)  # type: ignore[index]
    shape = [1] * input.ndim
    shape[0], shape[dim + 1] = index.shape[0], -1
    places = index.reshape(shape).expand(
        *input.shape[: dim + 1], index.shape[1], *input.shape[dim + 2 :]
    )  # type: ignore
    return input.gather(dim + 1, places)  # type: ignore[attr-defined]


_index_select = Op(
    "index_select",
    kernels.selected,
    batch=_batch_index_select,
    inputs=("input", "index"),
    dims=("dim",),
    jvp=LINEAR,
    vjp={
        "input": lambda grad, input_shape, index, dim: grad.new_zeros(input_shape).index_add(
            dim, index, grad
        )
    },
    shape=lambda array, index, dim: (
        (*array.shape[:dim], index.size, *array.shape[dim + 1 :]) if array.ndim else ()
    ),
    doc="The slices of a dimension that a vector lists.",
)


@method("index_select")
@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of ``input`` along ``dim`` that the vector ``index`` lists.

    Raises IndexError where an index is negative or too large.

    >>> torch.tensor([1, 2, 3]).index_select(0, torch.tensor([2, 0])).tolist()
    [3, 1]
    """
    check_integers("index_select", index, "int32 or int64")
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if out is not None:
        check_apart(out._array)
    index = index.reshape(-1)  # type: ignore[attr-defined]
    check_no_overlap(out, (input, index))
    return deliver("index_select", _index_select(input, index, dim), out, exact=True)


def _batch_gather(op: Op, input: Tensor, index: Tensor, dim: int) -> Tensor:
    """A number counts as a vector of one element."""
    vector = input.unsqueeze(1) if input.ndim == 1 else input  # type: ignore[attr-defined]
    if index.ndim == 1:
        return op(vector, index.unsqueeze(1), 1).squeeze(1)  # type: ignore[attr-defined]
    return op(vector, index, dim + 1)


_gather = Op("gather", gather_scatter.gathered, inputs=("input", "index"), dims=("dim",),
    jvp=LINEAR, batch=_batch_gather,
    vjp={"input": lambda grad, input_shape, index, dim:
        grad.new_zeros(input_shape).scatter_add(dim, index, grad)},
    shape=lambda array, index, dim: index.shape,
    doc="The elements whose place along a dimension an index says.")  # fmt: skip


_gather_of_sparse = Op("gather_with_sparse_gradient", gather_scatter.gathered,
    inputs=("input", "index"), dims=("dim",), jvp=LINEAR, node="Gather",
    vjp={"input": lambda grad, input_shape, index, dim:
        dispatch(_gather_backward, (grad, index), (input_shape, dim))},
    shape=_gather.shape_rule)  # fmt: skip
_gather_backward = Op("gather_sparse_backward", sparse_kernels.elements_of,
    inputs=("grad_output", "index"), params=("shape", "dim"),
    vjp={"grad_output": lambda grad, index, dim: grad.to_dense().gather(dim, index)})  # fmt: skip


@method("gather")
@numpy_names
def gather(
    input: Tensor,
    dim: int,
    index: Tensor,
    *,
    sparse_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The elements of ``input`` whose place along ``dim`` is what ``index`` says there.

    ``index`` has as many dimensions as ``input`` and is nowhere larger, except along ``dim``.
    RuntimeError for an index out of range, or of another dtype than int64 and int32.

    >>> torch.tensor([[1, 2], [3, 4]]).gather(1, torch.tensor([[0, 0], [1, 0]])).tolist()
    [[1, 1], [4, 3]]
    """
    dim = wrap_dim(dim, input.ndim)
    if index.numel():
        check_integers("gather", index)
        if max(index.ndim, 1) != max(input.ndim, 1):
            raise RuntimeError(
                "Index tensor must have the same number of dimensions as input tensor"
            )
        for d, n in enumerate(index.shape):
            if d != dim and n > input.shape[d]:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(index.shape)} to "
                    f"be no larger than self {list(input.shape)} apart from dimension {dim}"
                )
    check_no_overlap(out, (input,))
    op = _gather_of_sparse if sparse_grad else _gather
    return deliver("gather", op(input, index, dim), out, exact=True)


@method("take_along_dim")
@numpy_names
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The elements of ``input`` at ``indices`` along ``dim``; the other dimensions are broadcast.

    Without ``dim``, of the flattened input.

    >>> x = torch.tensor([[2, 1], [3, 4]])
    >>> torch.take_along_dim(x, x.argsort(1), 1).tolist()
    [[1, 2], [3, 4]]
    """
    if indices.dtype not in (int32, int64):
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{scalar_name(indices.dtype)}"
        )
    if dim is None:
        indices = _from_front(indices, input.numel())
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)  # type: ignore
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = wrap_dim(dim, input.ndim)
    indices = _from_front(indices, input.shape[dim] if input.ndim else 1)
    if not input.ndim:
        return gather(input, dim, indices, out=out)
    one = input.narrow(dim, 0, 1) if input.shape[dim] else input  # type: ignore[attr-defined]
    first = indices.narrow(dim, 0, 1) if indices.shape[dim] else indices  # type: ignore
    common = list(broadcast_tensors(one, first)[0].shape)
    shapes = []
    for t in (input, indices):
        common[dim] = t.shape[dim]
        shapes.append(t.expand(common))  # type: ignore[attr-defined]
    return gather(shapes[0], dim, shapes[1], out=out)


def _from_front(indices: Tensor, size: int) -> Tensor:
    return indices.where(indices >= 0, indices + size)  # type: ignore[attr-defined, operator]


# ---- of the flattened tensor


_take = Op("take", kernels.taken, inputs=("input", "index"), jvp=LINEAR, batch=of_flat,
    vjp={"input": lambda grad, input_shape, index:
        grad.new_zeros(input_shape).put(index, grad, True)},
    shape=lambda array, index: index.shape,
    doc="The elements of the flattened tensor at an index.")  # fmt: skip


@method("take")
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements of the flattened ``input`` at ``index``, in the shape of ``index``.

    IndexError for an index out of range.

    >>> torch.tensor([[1, 2], [3, 4]]).take(torch.tensor([3, 0])).tolist()
    [4, 1]
    """
    if index.dtype is not int64:
        raise RuntimeError(
            f"take(): Expected a long tensor for index, but got {scalar_name(index.dtype)}"
        )
    check_no_overlap(out, (input, index))
    return deliver("take", _take(input, index), out, exact=True)


# ---- what is not zero


def _unknown_shape(*arrays: Any) -> Any:
    raise NotImplementedError(
        "nonzero: the shape of the result depends on the elements, which tensors on the meta "
        "device do not have"
    )


_nonzero = Op(
    "nonzero",
    masking.nonzero_places,
    shape=_unknown_shape,
    doc="The indices of elements that are not zero.",
)


@method("nonzero")
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The index of each element that is not zero, as rows; or a tensor for each dimension.

    >>> torch.tensor([[0, 1], [2, 0]]).nonzero().tolist()
    [[0, 1], [1, 0]]
    """
    if as_tuple:
        input = input if input.ndim else input.reshape(1)  # type: ignore[attr-defined]
        return _nonzero(input).unbind(1)  # type: ignore[attr-defined]
    check_no_overlap(out, (input,))
    return deliver("nonzero", _nonzero(input), out, exact=True)


@method("nonzero_static")
@by_example
def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """The first ``size`` rows of ``nonzero``, filled up with ``fill_value`` where there are fewer.

    RuntimeError for a negative size.

    >>> torch.tensor([0, 3, 0, 5]).nonzero_static(size=3).tolist()
    [[1], [3], [-1]]
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = _nonzero(input).narrow(0, 0, min(size, input.count_nonzero().item()))  # type: ignore
    missing = size - found.shape[0]
    rest = found.new_full((missing, input.ndim), fill_value)
    return deliver("nonzero_static", cat((found, rest)), out, exact=True)


@method("argwhere")
def argwhere(input: Tensor) -> Tensor:
    """The same as ``nonzero``.

    >>> torch.argwhere(torch.tensor([[1, 0], [0, 2]]))
    tensor([[0, 0],
            [1, 1]])
    """
    return _nonzero(input)


def _check_ordered(*operands: Any) -> None:
    for operand in operands:
        of = complex128 if isinstance(operand, complex) else result_dtype(operand)
        if of.rank in (0, 3):
            raise RuntimeError(f"Unsupported input type encountered for isin(): {scalar_name(of)}")


_isin = Op("isin", masking.is_in, inputs=("elements", "test_elements"),
    params=("assume_unique", "invert"), promote="same", widen=True, check=_check_ordered,
    shape=lambda elements, *rest: (elements.shape, numpy.dtype(bool)),
    doc="Whether each element is among others.")  # fmt: skip


def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each of ``elements`` is among ``test_elements``; NaN never is.

    RuntimeError for complex numbers.

    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2])).tolist()
    [False, True, False]
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError(
            "isin() received an invalid combination of arguments - got "
            f"({type(elements).__name__}, {type(test_elements).__name__}), but expected at least "
            "one Tensor"
        )
    result = _isin(elements, test_elements, assume_unique, invert)
    return deliver("isin", result, out, exact=True)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The coordinates, one tensor for each dimension, of positions in a flattened ``shape``.

    TypeError for an index that is not of integers.

    >>> torch.unravel_index(torch.tensor([4, 1]), (3, 2))
    (tensor([2, 0]), tensor([0, 1]))
    """
    if indices.dtype.rank != 1:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    places: Any = indices.to(int64)  # type: ignore[attr-defined]
    return tuple([places.floor_divide(step) % size for step, size in zip(steps, sizes)])


__all__ = [name for name in exported(globals()) if not name.startswith("check_")]
silence(globals())
