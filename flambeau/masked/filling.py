"""Masks that fit an input, and inputs whose other elements do not count."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int64
from flambeau.core.limits import iinfo
from flambeau.core.tensor import Tensor


def fitting(input: Tensor, mask: Any) -> Any:
    """The mask as a bool tensor of the input's shape; None stays None."""
    if mask is None:
        return None
    if mask.ndim > input.ndim:
        raise IndexError(
            "_input_mask expected broadcastable mask (got mask dimensionality higher than of the "
            "input)"
        )
    return mask.bool().broadcast_to(input.shape)


def filled(input: Any, mask: Any, value: Any) -> Tensor:
    """The input with ``value`` where the mask is False."""
    whole = fitting(input, mask)
    return input if whole is None else input.masked_fill(~whole, value)


def least_filled(name: str, input: Any, mask: Any) -> Tensor:
    """The input with what no element is less than where the mask is False."""
    return input if mask is None else filled(input, mask, least(name, input.dtype))


def greatest_filled(name: str, input: Any, mask: Any) -> Tensor:
    """The input with what no element is greater than where the mask is False."""
    return input if mask is None else filled(input, mask, greatest(name, input.dtype))


def counted(of: DType) -> DType:
    """The dtype that sums and products of a dtype have."""
    return of if of.rank > 1 else int64


def least(name: str, of: DType) -> Any:
    """What no element is less than."""
    if of.rank == 0:
        raise NotImplementedError(f"identity of {name} on {of} input")
    return -math.inf if of.rank > 1 else iinfo(of).min


def greatest(name: str, of: DType) -> Any:
    """What no element is greater than."""
    if of.rank == 0:
        raise NotImplementedError(f"identity of {name} on {of} input")
    return math.inf if of.rank > 1 else iinfo(of).max
