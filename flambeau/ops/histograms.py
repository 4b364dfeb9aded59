"""Counts and histograms of one and of many dimensions, and hashes."""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core.dtype import int64, scalar_name
from flambeau.core.errors import not_implemented
from flambeau.core.families import canonical
from flambeau.core.flips import elements
from flambeau.core.op import Op
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.kernels.shared import histograms as kernels
from flambeau.ops.examples import by_example
from flambeau.ops.sequences import linspace
from flambeau.ops.uniques import as_result, known_elements

_counted = Op("histogramdd", kernels.counted, inputs="*tensors", outputs=1, accepts="f",
    shape=lambda points, weight, *edges: tuple([e.shape[0] - 1 for e in edges]))  # fmt: skip

_C_NAMES = {"float32": "float", "float64": "double", "int64": "long int", "int32": "int"}


@method("histogram")
@by_example
def histogram(
    input: Tensor, bins: int | Tensor = 100, *, range: Any = None, weight: Tensor | None = None,
    density: bool = False, out: Any = None,
) -> Any:  # fmt: skip
    """How many elements fall into each bin, and the edges of the bins.

    ``bins`` is their number, of equal widths from the least element to the greatest or over
    ``range``, or a tensor of edges. Elements count by their ``weight``; with ``density`` the result
    integrates to 1. Of floating elements, of 32 bits or more unless edges or ``range`` are given.
    RuntimeError for no bins, or tensors of two dtypes.

    >>> torch.histogram(torch.tensor([1., 2., 1.]), bins=2, range=(0., 2.)).hist
    tensor([0., 3.])
    """
    if not isinstance(bins, (int, Tensor)):
        raise TypeError(
            "histogram() received an invalid combination of arguments - got (Tensor, "
            f"{type(bins).__name__}), but expected one of:"
        )
    points = input.reshape(-1, 1)  # type: ignore[attr-defined]
    _check(points, weight, input.shape, narrow=range is not None or isinstance(bins, Tensor))
    bins = bins.clone() if isinstance(bins, Tensor) else bins  # type: ignore[attr-defined]
    edges = _edges(points, [bins], range)
    hist = _hist(points, edges, weight, density)
    return deliver("histogram", return_type("histogram", "hist bin_edges")(hist, edges[0]), out)


@by_example
def histogramdd(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
    density: bool = False,
) -> Any:  # fmt: skip
    """How many points ``[*, N]`` fall into each ``N``-dimensional bin, and the edges in each
    dimension; see ``histogram``.

    ``bins`` holds a number or a tensor of edges for each dimension, or is one number for all;
    ``range`` holds the least and the greatest edge of each dimension, one after the other.
    RuntimeError for less than two dimensions, or another number of bins.

    >>> torch.histogramdd(torch.tensor([[0., 1.], [1., 1.]]), bins=[2, 1]).hist
    tensor([[1.],
            [1.]])
    """
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    size = input.shape[-1]
    every = [bins] * size if isinstance(bins, int) else list(bins)
    if len(every) != size:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input."
        )
    points = input.reshape(-1, size)  # type: ignore[attr-defined]
    _check(points, weight, input.shape[:-1], input.shape)
    edges = _edges(points, every, range)
    hist = _hist(points, edges, weight, density)
    return return_type("histogramdd", "hist bin_edges")(hist, tuple(edges))


def _check(
    points: Tensor, weight: Tensor | None, shape: Any, shown: Any = None, narrow: bool = False
) -> None:
    """``narrow`` lets in floats of 16 bits."""
    if points.dtype.name not in ("float32", "float64", *(("float16", "bfloat16") * narrow)):
        raise NotImplementedError(
            f"\"histogramdd\" not implemented for '{scalar_name(points.dtype)}'"
        )
    if weight is None:
        return
    if weight.shape != shape:
        given = list(shown) if shown else [*shape, 1]
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
            f"input tensor excluding its innermost dimension, but got input with shape {given} "
            f"and weight with shape {list(weight.shape)}"
        )
    if weight.dtype is not points.dtype:
        told = [_C_NAMES.get(t.dtype.name, t.dtype.name) for t in (points, weight)]
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor "
            f"should have the same dtype, but got input({told[0]}), and weight({told[1]})"
        )


def _edges(points: Tensor, bins: list[Any], limits: Any) -> list[Tensor]:
    size = len(bins)
    if limits is not None and len(limits) != 2 * size:
        raise RuntimeError(
            f"torch.histogramdd: for a {size}-dimensional histogram range should have {2 * size} "
            f"elements, but got {len(limits)}"
        )
    for dim, given in enumerate(bins):
        _check_bins(points, given, dim)
    edges = []
    for dim, given in enumerate(bins):
        if isinstance(given, Tensor):
            edges.append(given)
            continue
        pair = None if limits is None else limits[2 * dim : 2 * dim + 2]
        low, high = _range(points, dim, pair)
        edges.append(linspace(low, high, given + 1, dtype=points.dtype, device=points.device))
    return edges


def _check_bins(points: Tensor, bins: Any, dim: int) -> None:
    count = bins
    if isinstance(bins, Tensor):
        start = "torch.histogramdd: bins tensor should have"
        where = f"in the bins tensor for dimension {dim}"
        if bins.ndim != 1:
            raise RuntimeError(f"{start} one dimension, but got {bins.ndim} dimensions {where}")
        if bins.shape[0] == 0:
            raise RuntimeError(f"{start} at least 1 element, but got 0 elements {where}")
        if bins.dtype is not points.dtype:
            told = [_C_NAMES.get(t.dtype.name, t.dtype.name) for t in (points, bins)]
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but "
                f"got input with dtype {told[0]} and bins for dimension {dim} with dtype {told[1]}"
            )
        count = bins.shape[0] - 1
    if count <= 0:
        raise RuntimeError(
            f"torch.histogram(): bins must be > 0, but got {count} for dimension {dim}"
        )


def _range(points: Tensor, dim: int, limits: Any) -> tuple[float, float]:
    """The least and the greatest edge: what was asked for, or those of the elements."""
    low, high = (0.0, 1.0) if limits is None else map(float, limits)
    if limits is None and points.shape[0]:
        column = points.select(1, dim)  # type: ignore[attr-defined]
        low, high = column.amin().item(), column.amax().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(
            f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite"
        )
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
            f"dimension {dim}"
        )
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _hist(points: Tensor, edges: list[Tensor], weight: Tensor | None, density: bool) -> Tensor:
    hist: Any = _counted([t if t is None else t.detach() for t in (points, weight, *edges)])  # type: ignore
    if not density:
        return hist
    hist = hist / hist.sum()
    for dim, bounds in enumerate(edges):
        hist = hist / bounds.diff().reshape(-1, *[1] * (len(edges) - 1 - dim))  # type: ignore
    return hist


_hash = Op("hash_tensor", kernels.xor, params=("dims", "keepdim"), accepts="bif", widen=True,
    refusal="xor_sum_cpu", shape=lambda array, dims, keepdim: (tuple([
        1 if d in dims else n for d, n in enumerate(array.shape) if keepdim or d not in dims]),
        numpy.dtype(numpy.uint64)))  # fmt: skip


@method("hash_tensor")
def hash_tensor(
    input: Tensor, dim: Any = (), *, keepdim: bool = False, mode: int = 0, out: Tensor | None = None
) -> Tensor:
    """A hash of the elements over ``dim``, or of all: their bits, as 64-bit numbers, joined by
    exclusive or (``mode`` 0, the only one).

    >>> torch.hash_tensor(torch.tensor([5, 1, 4])).item()
    0
    """
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    dims = canonical(dim, input.ndim)
    if not input.numel():
        given = dim if isinstance(dim, int) else None if dim is None or not len(dim) else dim
        if given is None:
            raise RuntimeError(
                "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        for one in dims:
            if not input.shape[one]:
                raise IndexError(
                    f"hash_tensor: Expected reduction dim {one} to have non-zero size."
                )
    return deliver("hash_tensor", _hash(input, dims, keepdim), out)


@method("bincount")
@by_example
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each non-negative integer occurs, or the sum of its weights.

    ``input`` is a vector of integers; the result is int64, or has the weights' floating dtype
    (int64 weights give float64, complex ones count with their real parts). RuntimeError for
    negative numbers.

    >>> torch.bincount(torch.tensor([0, 1, 1, 3]))
    tensor([1, 2, 0, 1])
    """
    array, xp = known_elements("bincount", input)
    if input.dtype.rank != 1:
        raise not_implemented("bincount", input.dtype)
    if input.ndim != 1 or (array.size and bool((array < 0).any())):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if weights is None:
        return as_result(xp.bincount(array, minlength=minlength), input, int64)
    reals = weights.real if weights.is_complex() else weights  # type: ignore[attr-defined]
    counted = xp.bincount(array, elements(reals), minlength)
    kind = (
        weights.kind
        if weights.dtype.name == "float32"
        else weights.kind.family[numpy.dtype("float64")]
    )
    return wrap(counted.astype(kind.array_type), kind)


@method("histc")
@by_example
def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements fall into each of ``bins`` equal intervals from ``min`` to ``max``.

    Both zero means the range of the elements.

    ``input`` is floating, of any shape. RuntimeError for ``min`` above ``max`` and for no bins.

    >>> torch.histc(torch.tensor([1., 2., 1.]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if input.dtype.rank != 2:
        raise not_implemented("histogram", input.dtype)
    if input.kind.place == META:
        return deliver("histc", input.new_empty((bins,)), out)  # type: ignore[attr-defined]
    array = elements(input).reshape(-1)
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
    return deliver("histc", as_result(counts.astype(input.kind.array_type), input), out)


__all__ = exported(globals())
silence(globals())
