"""Scans and normalisations of the elements that a mask names; the result has all elements."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.tensor import Tensor
from flambeau.masked.filling import filled, fitting
from flambeau.masked.reductions import norm

Mask = Tensor | None


def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """Sums of the elements that count up to each place along ``dim``.

    >>> cumsum(torch.tensor([1, 2, 3]), 0, mask=torch.tensor([True, False, True])).tolist()
    [1, 1, 4]
    """
    of = dtype or input.dtype
    return filled(input.to(of), mask, 0).cumsum(dim, dtype=of)  # type: ignore[attr-defined]


def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """Products of the elements that count up to each place along ``dim``."""
    of = dtype or input.dtype
    return filled(input.to(of), mask, 1).cumprod(dim, dtype=of)  # type: ignore[attr-defined]


def softmax(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """``softmax`` of the elements that count; 0 for the others, NaN where none counts."""
    given: Any = input.to(dtype or input.dtype)  # type: ignore[attr-defined]
    return filled(given, mask, -math.inf).softmax(dim)  # type: ignore[attr-defined]


def log_softmax(
    input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None
) -> Tensor:
    """The logarithm of ``softmax``."""
    given: Any = input.to(dtype or input.dtype)  # type: ignore[attr-defined]
    return filled(given, mask, -math.inf).log_softmax(dim)  # type: ignore[attr-defined]


def softmin(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Mask = None) -> Tensor:
    """``softmax`` of the negated elements."""
    return softmax(-input, dim, dtype=dtype, mask=mask)  # type: ignore[operator]


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: DType | None = None,
    mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The elements that count, divided by their ``ord``-norm along ``dim`` (at least ``eps``)."""
    given = input.to(dtype or input.dtype)  # type: ignore[attr-defined]
    size: Any = norm(given, ord, dim, keepdim=True, mask=mask)
    return filled(given, mask, 0) / size.clamp(min=eps)  # type: ignore[operator]


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: DType | None = None, input_mask: Mask = None,
    other_mask: Mask = None,
) -> Tensor:  # fmt: skip
    """The logarithm of the sum of two exponentials, of those that count."""
    of = dtype or input.dtype
    pair = [
        filled(x.to(of), fitting(x, mask), -math.inf)  # type: ignore[attr-defined]
        for x, mask in ((input, input_mask), (other, other_mask))
    ]
    return pair[0].logaddexp(pair[1])  # type: ignore[attr-defined]
