"""Order: sorting, selection by rank, unique elements, search in sorted sequences."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import int32, int64
from flambeau.core.errors import not_implemented
from flambeau.core.op import Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
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


@method("sort")
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None
) -> Any:
    """The elements in order along ``dim`` and the indices they came from; NaN counts as largest.

    Equal elements always keep their order.
    """
    if input.dtype.is_complex:
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    results = _sort(input, wrap_dim(dim, input.ndim), descending, stable)
    return deliver("sort", return_type("sort", "values indices")(results), out, exact=True)


@method("argsort")
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *,
            out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The indices that put ``input`` in order along ``dim``."""
    return deliver("argsort", sort(input, dim, descending, stable).indices, out)


@method("msort")
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The rows in order, each column by itself."""
    return deliver("msort", sort(input, 0).values if input.ndim else input.clone(), out, True)  # type: ignore


@method("topk")
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Any = None,
) -> Any:
    """The ``k`` largest (or smallest) elements along ``dim`` and their indices."""
    dim = wrap_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if k < 0 or k > size:
        raise RuntimeError("selected index k out of range")
    results = _topk(input, int(k), dim, largest, sorted)
    return deliver("topk", return_type("topk", "values indices")(results), out, exact=True)


@method("kthvalue")
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The ``k``-th smallest element along ``dim``, counted from 1, and its index."""
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
            result = _median(input.reshape(-1), 0, False, ignore_nan)[0]  # type: ignore
        return deliver(name, result, out)
    dim = wrap_dim(dim, input.ndim)
    if input.ndim and input.shape[dim] == 0:
        raise IndexError(f"median(): Expected reduction dim {dim} to have non-zero size.")
    results = _median(input, dim, keepdim, ignore_nan)
    return deliver(name, return_type(name, "values indices")(results), out)


@method("median")
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The lower median of all elements, or along ``dim`` with its index; NaN if there is one."""
    return _median_of("median", input, dim, keepdim, out)


@method("nanmedian")
def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The lower median of the elements that are not NaN."""
    return _median_of("nanmedian", input, dim, keepdim, out)


@method("mode")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The most frequent element along ``dim`` and its last index."""
    dim = wrap_dim(dim, input.ndim)
    if input.ndim and input.shape[dim] == 0:
        raise IndexError(f"mode(): Expected reduction dim {dim} to have non-zero size.")
    return deliver(
        "mode", return_type("mode", "values indices")(_mode(input, dim, keepdim)), out, exact=True
    )


# ---- quantiles


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, out: Any
) -> Tensor:
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    given, q = q, as_tensor(q, dtype=input.dtype, device=input.device)
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    # Elsewhere nobody looks, as that would wait for the device.
    if not isinstance(given, Tensor) and not 0 <= given <= 1:
        raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {given:g}")
    if q.device.type == "cpu" and bool(((q < 0) | (q > 1)).any()):  # type: ignore[attr-defined]
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or "
            f"nearest, but got {interpolation}"
        )
    rows = input.reshape(-1) if dim is None or not input.ndim else input.movedim(dim, -1)  # type: ignore
    values = sort(rows).values
    return deliver(
        name,
        _placed_quantile(values, q, input, dim, keepdim, interpolation, name == "nanquantile"),
        out,
    )


def _placed_quantile(values: Tensor, q: Tensor, input: Tensor, dim: int | None, keepdim: bool,
                     interpolation: str, ignore_nan: bool) -> Tensor:  # fmt: skip
    nan = values.isnan().sum(-1, True)  # type: ignore[attr-defined]
    count = values.shape[-1] - nan if ignore_nan else nan * 0 + values.shape[-1]
    rank = q.reshape(-1) * (count - 1).clamp(min=0).to(values.dtype)  # type: ignore
    if not ignore_nan:
        rank = rank.masked_fill((nan > 0).expand(rank.shape), values.shape[-1] - 1.0)
    if interpolation == "nearest":
        rank = rank.round()
    elif interpolation in ("lower", "higher"):
        rank = rank.floor() if interpolation == "lower" else rank.ceil()
    low = rank.floor()
    found = values.gather(-1, low.long())  # type: ignore[attr-defined]
    if interpolation in ("linear", "midpoint"):
        above = values.gather(-1, rank.ceil().long())  # type: ignore[attr-defined]
        found = found.lerp(
            above, rank - low if interpolation == "linear" else (rank - low) * 0 + 0.5
        )
    result = found.movedim(-1, 0)
    if keepdim and input.ndim:
        result = (
            result.reshape(-1, *[1] * input.ndim)
            if dim is None
            else result.unsqueeze(wrap_dim(dim, input.ndim) + 1)
        )
    return result if q.ndim else result.squeeze(0)


@method("quantile")
@autocasting("quantile")
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
             interpolation: str = "linear", out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The ``q``-quantiles of all elements, or along ``dim``; NaN where there is one."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


@method("nanquantile")
@autocasting("nanquantile")
def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
                interpolation: str = "linear", out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The ``q``-quantiles of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


# ---- unique elements


def _elements(name: str, tensor: Tensor) -> tuple[Any, Any]:
    """The array of a tensor, and its library."""
    if tensor.kind.place == META:
        raise NotImplementedError(
            f"{name}: the shape of the result depends on the elements, which tensors on the meta "
            "device do not have"
        )
    return tensor._array, tensor.kind.xp


def _as_result(array: Any, like: Tensor, of: Any = None) -> Tensor:
    return wrap(array, like.kind if of is None else like.kind.family[of])


@method("unique")
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (slices along ``dim``) in order; each NaN is distinct.

    Also the index of each element among them, and how often each occurs, when asked for.
    """
    array, xp = _elements("unique", input)
    if dim is not None:
        dim = wrap_dim(dim, input.ndim)
        if input.numel() == 0 and input.shape[dim] != 0:
            raise RuntimeError(
                "There are 0 sized dimensions, and they aren't selected, so unique cannot be "
                "applied"
            )
    values, inverse, counts = xp.unique(
        array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False
    )
    inverse = inverse.reshape(input.shape if dim is None else (input.shape[dim],))
    if dim is not None:  # slices lie one after the other
        values = xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(values, dim, 0)), 0, dim)
    return _chosen_of(values, inverse, counts, input, return_inverse, return_counts)


def _chosen_of(
    values: Any, inverse: Any, counts: Any, input: Tensor, with_inverse: bool, with_counts: bool
) -> Any:
    results = [_as_result(values, input)]
    if with_inverse:
        results.append(_as_result(inverse.astype(numpy.int64), input, int64))
    if with_counts:
        results.append(_as_result(counts.astype(numpy.int64), input, int64))
    return results[0] if len(results) == 1 else tuple(results)


@method("unique_consecutive")
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:  # fmt: skip
    """The elements (slices along ``dim``) that differ from the one before them."""
    array, xp = _elements("unique_consecutive", input)
    rows = array.reshape(-1) if dim is None else xp.moveaxis(array, dim, 0)
    n = len(rows)
    flat = rows.reshape(n, -1) if rows.size else xp.zeros((n, 1))
    fresh = xp.ones(n, bool)
    fresh[1:] = (flat[1:] != flat[:-1]).any(1)
    first = xp.flatnonzero(fresh)
    inverse = xp.cumsum(fresh) - 1
    counts = xp.diff(xp.append(first, n))
    values = rows[first] if dim is None else xp.moveaxis(xp.ascontiguousarray(rows[first]), 0, dim)
    if dim is None:
        inverse = inverse.reshape(array.shape)
    return _chosen_of(values, inverse, counts, input, return_inverse, return_counts)


# ---- search

_searchsorted = Op("searchsorted", kernels.searchsorted, inputs=("sorted_sequence", "input"),
    params=("right", "sorter"), shape=lambda s, v, right, sorter: (v.shape, "int64"))  # fmt: skip


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
    """Where in the innermost sorted rows each value would be inserted to keep them sorted."""
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
    order = None if sorter is None else sorter._array
    found = _searchsorted(sorted_sequence, values, right or side == "right", order)
    return deliver("searchsorted", found.to(int32) if out_int32 else found, out)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False,
              out: Tensor | None = None) -> Tensor:  # fmt: skip
    """The index of the bucket, between sorted ``boundaries``, into which each value falls."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


# ---- counts


@method("bincount")
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each non-negative integer occurs, or the sum of its weights."""
    array, xp = _elements("bincount", input)
    if input.ndim != 1 or (array.size and bool((array < 0).any())):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if input.dtype.rank != 1:
        raise not_implemented("bincount", input.dtype)
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if weights is None:
        return _as_result(xp.bincount(array, minlength=minlength), input, int64)
    counted = xp.bincount(array, weights._array, minlength)
    kind = (
        weights.kind
        if weights.dtype.name == "float32"
        else weights.kind.family[numpy.dtype("float64")]
    )
    return wrap(counted.astype(kind.array_type), kind)


@method("histc")
def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements fall into each of ``bins`` equal intervals from ``min`` to ``max``.

    Both zero means the range of the elements.
    """
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if input.dtype.rank != 2:
        raise not_implemented("histogram", input.dtype)
    if input.kind.place == META:
        return deliver("histc", input.new_empty((bins,)), out)  # type: ignore[attr-defined]
    array = input._array.reshape(-1)
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = (
            (float(array.min()), float(array.max()))
            if low == high == 0 or low == high
            else (low, high)
        )
    if low == high:
        low, high = low - 1, high + 1
    if not (numpy.isfinite(low) and numpy.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc(): max must be larger than min")
    counts = input.kind.xp.histogram(array, bins, (low, high))[0]
    return deliver("histc", _as_result(counts.astype(input.kind.array_type), input), out)


__all__ = exported(globals())
silence(globals())
