"""Order: sorting, selection by rank, search in sorted sequences."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import int32
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LEADING, Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import sorting as kernels
from flambeau.ops.from_data import as_tensor
from flambeau.ops.in_place import check_no_overlap


def _returned(
    grad: Tensor, result1: Tensor, input_shape: Any, dim: int, keepdim: bool = True
) -> Tensor:
    """The gradient at the indices that were chosen along ``dim``, zero elsewhere."""
    if not input_shape:
        return grad
    if not keepdim:
        grad, result1 = grad.unsqueeze(dim), result1.unsqueeze(dim)  # type: ignore[attr-defined]
    return grad.new_zeros(input_shape).scatter_add(dim, result1, grad)  # type: ignore


def _chosen(input_t: Tensor, result1: Tensor, dim: int, keepdim: bool = True) -> Tensor:
    if not input_t.ndim:
        return input_t
    index = result1 if keepdim else result1.unsqueeze(dim)  # type: ignore[attr-defined]
    values = input_t.gather(dim, index)  # type: ignore[attr-defined]
    return values if keepdim else values.squeeze(dim)


def _ordering(name: str, kernel: Any, params: tuple[str, ...]) -> Op:
    """An Op with the results ``values`` and ``indices``."""
    keeps = "keepdim" in params
    vjp = (
        (
            lambda grad, result1, input_shape, dim, keepdim: _returned(
                grad, result1, input_shape, dim, keepdim
            )
        )
        if keeps
        else (lambda grad, result1, input_shape, dim: _returned(grad, result1, input_shape, dim))
    )
    jvp = (
        (lambda input_t, result1, dim, keepdim: _chosen(input_t, result1, dim, keepdim))
        if keeps
        else (lambda input_t, result1, dim: _chosen(input_t, result1, dim))
    )
    return Op(
        name,
        kernel,
        params=params,
        outputs=2,
        differentiable=(0,),
        vjp={"input": vjp},
        jvp=jvp,
        widen=True,
        accepts="bif",
        refusal=name,
    )


_sort = _ordering("sort", kernels.sort, ("dim", "descending", "stable"))
_topk = _ordering("topk", kernels.topk, ("k", "dim", "largest", "sorted"))
_kth = _ordering("kthvalue", kernels.kth, ("k", "dim", "keepdim"))
_median = _ordering("median", kernels.median, ("dim", "keepdim", "ignore_nan"))
_mode = _ordering("mode", kernels.mode, ("dim", "keepdim"))


def _equals(input: Tensor, result: Tensor) -> Tensor:
    """The parts of the elements of each row that are equal to the result, 1 in all."""
    top = result.unsqueeze(-1)  # type: ignore[attr-defined]
    found = ((input == top) | (input.isnan() & top.isnan())).to(input.dtype)  # type: ignore
    return found / found.sum(-1, True)


_median_of_rows = Op(
    "median",
    kernels.median_of_rows,
    params=("ignore_nan",),
    vjp={"input": lambda grad, input, result: grad.unsqueeze(-1) * _equals(input, result)},
    jvp=lambda input_t, input, result: (input_t * _equals(input, result)).sum(-1),
    shape=lambda array, ignore_nan: array.shape[:-1],
    batch=LEADING,
    widen=True,
    accepts="bif",
    refusal="median",
)


@method("sort")
@numpy_names
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None
) -> Any:
    """The elements in order along ``dim`` and the indices they came from; NaN counts as largest.

    Equal elements always keep their order.

    Real, of any shape; indices are int64. RuntimeError for complex numbers.

    >>> torch.sort(torch.tensor([3, 1, 2]))
    torch.return_types.sort(
    values=tensor([1, 2, 3]),
    indices=tensor([1, 2, 0]))
    """
    if input.dtype.is_complex:
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    results = _sort(input, wrap_dim(dim, input.ndim), descending, stable)
    return deliver("sort", return_type("sort", "values indices")(results), out, exact=True)


@method("argsort")
@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *,
            out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The indices that put ``input`` in order along ``dim``.

    int64; of any shape, complex numbers are refused with RuntimeError.

    >>> torch.argsort(torch.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return deliver("argsort", sort(input, dim, descending, stable).indices, out)


@method("msort")
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The rows in order, each column by itself.

    Real, with one dimension or more. RuntimeError for complex numbers.

    >>> torch.msort(torch.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return deliver("msort", sort(input, 0).values if input.ndim else input.clone(), out, True)  # type: ignore


@method("topk")
@numpy_names
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Any = None,
) -> Any:
    """The ``k`` largest (or smallest) elements along ``dim`` and their indices.

    ``dim`` gets size ``k``; indices are int64. RuntimeError for ``k`` out of range.

    >>> torch.topk(torch.tensor([3, 1, 2]), 2)
    torch.return_types.topk(
    values=tensor([3, 2]),
    indices=tensor([0, 2]))
    """
    dim = wrap_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if k < 0 or k > size:
        raise RuntimeError("selected index k out of range")
    results = _topk(input, int(k), dim, largest, sorted)
    return deliver("topk", return_type("topk", "values indices")(results), out, exact=True)


@method("kthvalue")
@numpy_names
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The ``k``-th smallest element along ``dim``, counted from 1, and its index.

    ``keepdim`` keeps ``dim`` with size 1; indices are int64. RuntimeError for ``k`` out of range.

    >>> torch.kthvalue(torch.tensor([30, 10, 20]), 2)
    torch.return_types.kthvalue(
    values=tensor(20),
    indices=tensor(2))
    """
    dim = wrap_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if input.ndim and size == 0:
        raise IndexError(f"kthvalue(): Expected reduction dim {dim} to have non-zero size.")
    if k < 1 or k > size:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dim))
    if out is not None:
        check_no_overlap(out[0], (input,))
    results = _kth(input, int(k), dim, keepdim)
    return deliver("kthvalue", return_type("kthvalue", "values indices")(results), out, exact=True)


def _median_of(name: str, input: Tensor, dim: int | None, keepdim: bool, out: Any) -> Any:
    ignore_nan = name == "nanmedian"
    if dim is None:
        if input.numel() == 0:
            result = input.new_full((), float("nan"))  # type: ignore[attr-defined]
        else:
            result = _median_of_rows(input.reshape(-1), ignore_nan)  # type: ignore
        return deliver(name, result, out)
    dim = wrap_dim(dim, input.ndim)
    if input.ndim and input.shape[dim] == 0:
        raise IndexError(f"median(): Expected reduction dim {dim} to have non-zero size.")
    results = _median(input, dim, keepdim, ignore_nan)
    return deliver(name, return_type(name, "values indices")(results), out)


@method("median")
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The lower median of all elements, or along ``dim`` with its index; NaN if there is one.

    The gradient of the median of all goes in equal parts to the elements that are equal to it.

    Real; ``keepdim`` keeps ``dim`` with size 1, indices are int64. NotImplementedError for complex
    numbers.

    >>> torch.median(torch.tensor([4., 1., 3., 2.]))
    tensor(2.)
    """
    return _median_of("median", input, dim, keepdim, out)


@method("nanmedian")
@numpy_names
def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The lower median of the elements that are not NaN.

    Real; ``keepdim`` keeps ``dim`` with size 1, indices are int64. NotImplementedError for complex
    numbers.

    >>> torch.nanmedian(torch.tensor([4., torch.nan, 3.]))
    tensor(3.)
    """
    return _median_of("nanmedian", input, dim, keepdim, out)


@method("mode")
@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The most frequent element along ``dim`` and its last index.

    ``keepdim`` keeps ``dim`` with size 1; indices are int64. IndexError for a dimension that
    ``input`` does not have.

    >>> torch.mode(torch.tensor([1, 2, 2, 3])).values
    tensor(2)
    """
    dim = wrap_dim(dim, input.ndim)
    if input.ndim and input.shape[dim] == 0:
        raise IndexError(f"mode(): Expected reduction dim {dim} to have non-zero size.")
    return deliver(
        "mode", return_type("mode", "values indices")(_mode(input, dim, keepdim)), out, exact=True
    )


def _batch_searchsorted(op: Op, rows: Any, values: Any, sorter: Any, right: bool) -> Tensor:
    """Sequences of the examples are rows; all values of an example are looked for in its row."""
    if rows.ndim > 2:
        return op(rows, values, sorter, right)
    return op(rows, values.reshape(rows.shape[0], -1), sorter, right).reshape(values.shape)


_searchsorted = Op("searchsorted", kernels.searchsorted, batch=_batch_searchsorted,
    inputs=("sorted_sequence", "input", "sorter"), params=("right",),
    shape=lambda s, v, sorter, right: (v.shape, "int64"))  # fmt: skip


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where in the innermost sorted rows each value would be inserted to keep them sorted.

    ``[n]`` and any shape, or ``[*, n]`` and ``[*, m]``, of one dtype; int64, or int32 when asked.
    Before equal elements, or after with ``right``. RuntimeError where the shapes do not fit.

    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]))
    tensor([1, 3])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(
            f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left "
            "while right was True"
        )
    values = input if isinstance(input, Tensor) else as_tensor(input, device=sorted_sequence.device)
    if sorted_sequence.ndim != 1 and tuple(sorted_sequence.shape[:-1]) != tuple(values.shape[:-1]):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            "dimensions of "
            f"boundaries tensor and input value tensor must match, but we got boundaries tensor "
            f"{list(sorted_sequence.shape)} and input value tensor {list(values.shape)}"
        )
    found = _searchsorted(sorted_sequence, values, sorter, right or side == "right")
    return deliver("searchsorted", found.to(int32) if out_int32 else found, out)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False,
              out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The index of the bucket, between sorted ``boundaries``, into which each value falls.

    ``boundaries`` is a vector, ``input`` a tensor of any shape or a number. Bucket ``i`` ends with
    ``boundaries[i]``, or with ``right`` begins there. RuntimeError unless they are a vector.

    >>> torch.bucketize(torch.tensor([1, 4, 5]), torch.tensor([2, 4]))
    tensor([0, 1, 2])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


__all__ = exported(globals())
silence(globals())
