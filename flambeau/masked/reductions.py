"""Reductions of the elements that a mask names."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import default, int64
from flambeau.core.dtype import dtype as DType
from flambeau.core.families import canonical
from flambeau.core.tensor import Tensor
from flambeau.masked.filling import (
    counted,
    filled,
    fitting,
    greatest,
    greatest_filled,
    least_filled,
)
from flambeau.ops.vector_norms import vector_norm

Dims = int | tuple[int, ...] | None
Mask = Tensor | None


def sum(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The sum of the elements that count; 0 where none does.

    >>> sum(torch.tensor([1, 2, 3]), mask=torch.tensor([True, False, True])).item()
    4
    """
    input = input.to(dtype or counted(input.dtype))  # type: ignore[attr-defined]
    return filled(input, mask, 0).sum(canonical(dim, input.ndim), bool(keepdim))  # type: ignore


def prod(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The product of the elements that count; 1 where none does."""
    result: Any = filled(input.to(dtype or counted(input.dtype)), mask, 1)  # type: ignore
    if not input.ndim and dim is not None:
        return result if dim == () else result.clone()
    for one in sorted(canonical(dim, input.ndim), reverse=True):
        result = result.prod(one, bool(keepdim))
    return result


def amax(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The greatest of the elements that count; the least number there is where none does."""
    input = input.to(dtype or input.dtype)  # type: ignore[attr-defined]
    result = least_filled("amax", input, mask)
    return result.amax(canonical(dim, input.ndim), bool(keepdim))  # type: ignore[attr-defined]


def amin(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The least of the elements that count; the greatest number there is where none does."""
    input = input.to(dtype or input.dtype)  # type: ignore[attr-defined]
    result = greatest_filled("amin", input, mask)
    return result.amin(canonical(dim, input.ndim), bool(keepdim))  # type: ignore[attr-defined]


def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Mask = None,
) -> Tensor:  # fmt: skip
    """Where the greatest of the elements that count is, in the dtype of the input."""
    of = dtype or input.dtype
    result: Any = least_filled("argmax", input, mask)
    return result.argmax(dim, bool(keepdim)).to(of)


def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Mask = None,
) -> Tensor:  # fmt: skip
    """Where the least of the elements that count is, in the dtype of the input."""
    of = dtype or input.dtype
    result: Any = greatest_filled("argmin", input, mask)
    return result.argmin(dim, bool(keepdim)).to(of)


def _count(input: Tensor, dims: tuple[int, ...], mask: Mask) -> Any:
    """How many elements count in each place of a reduction, with its dimensions kept."""
    whole = fitting(input, mask)
    if whole is None:
        whole = input.new_ones(input.shape, dtype=int64)  # type: ignore[attr-defined]
    return whole.sum(dims, True)


def mean(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The mean of the elements that count; NaN where none does.

    >>> mean(torch.tensor([1., 2., 3.]), mask=torch.tensor([True, False, True])).item()
    2.0
    """
    of = dtype or input.dtype
    if of.rank < 2:
        raise ValueError(
            "mean(): Could not infer output dtype. Input dtype must be either a floating point or "
            f"complex dtype. Got: {of}"
        )
    dims = canonical(dim, input.ndim)
    result = sum(input, dims, keepdim=True, dtype=of, mask=mask) / _count(input, dims, mask)
    return _shaped(result, dims, keepdim)


def _shaped(result: Any, dims: tuple[int, ...], keepdim: bool | None) -> Tensor:
    return result if keepdim or not dims else result.squeeze(dims)


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The median of the elements that count, the lower of two; NaN where none does.

    Of complex numbers, the median of their real parts.

    Raises:
        ValueError: none counts somewhere, and the dtype has no NaN.
    """
    of = dtype or input.dtype
    given: Any = input.to(of)  # type: ignore[attr-defined]
    whole = fitting(input, mask)
    if whole is not None and of.rank != 2 and not whole.any(dim).all():
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    if of.is_complex:
        parts: Any = median(given.real, dim, keepdim=keepdim, mask=mask)
        return parts.to(of)
    if whole is None:
        return given.median(dim, keepdim).values
    if of.rank == 2:
        return given.masked_fill(~whole, math.nan).nanmedian(dim, keepdim).values
    last = (whole.sum(dim, True) - 1) // 2
    ordered = given.masked_fill(~whole, greatest("median", of)).sort(dim).values
    result = ordered.gather(dim, last)
    return result if keepdim else result.squeeze(dim)


def norm(
    input: Tensor, ord: float | None = 2.0, dim: Dims = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The ``ord``-norm of the elements that count; 0 where none does, infinity for ``-inf``."""
    order = 2.0 if ord is None else float(ord)
    input = input.to(dtype or input.dtype)  # type: ignore[attr-defined]
    result = filled(input, mask, math.inf if order == -math.inf else 0)
    return vector_norm(result, order, canonical(dim, input.ndim), bool(keepdim))


def var(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The variance of the elements that count; NaN where too few do.

    The sum of squares is divided by their number less ``correction``: 1 unless ``unbiased`` is
    False.
    """
    if unbiased is not None and correction is not None:
        raise ValueError("Only one of unbiased and correction may be given")
    less = (0 if unbiased is False else 1) if correction is None else correction
    of = dtype or input.dtype
    given: Any = input.to(of if of.rank > 1 else default.dtype)  # type: ignore[attr-defined]
    dims = canonical(dim, input.ndim)
    count = _count(input, dims, mask)
    middle = sum(given, dims, keepdim=True, mask=mask) / count
    apart: Any = filled(given - middle, fitting(input, mask), 0)
    total = (apart * apart.conj()).sum(dims, True)
    return _shaped((total / (count - less).clamp(min=0)).to(total.dtype), dims, keepdim)


def std(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *,
    correction: int | None = None, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The square root of ``var``."""
    found = var(
        input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask
    )
    return found.sqrt()  # type: ignore[attr-defined]


def logsumexp(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The logarithm of the sum of the exponentials of the elements that count."""
    of = dtype or input.dtype
    given: Any = least_filled("logsumexp", input.to(of), mask)  # type: ignore[attr-defined]
    return given.logsumexp(canonical(dim, input.ndim), keepdim).to(of)
