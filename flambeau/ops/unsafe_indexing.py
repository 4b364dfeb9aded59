"""Elements at indices that may be out of range where a mask says that they do not count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import int32, int64, scalar_name
from flambeau.core.publish import aten
from flambeau.core.tensor import Tensor
from flambeau.ops.assignment import index_put
from flambeau.ops.indexing import canonical_indices, index_op


def _within(input: Any, indices: Sequence[Tensor | None], function: str) -> list[Tensor | None]:
    """The indices, clamped to the dimensions that they index."""
    for index in indices:
        if index is not None and index.dtype not in (int32, int64):
            raise RuntimeError(f"{function} found unexpected index type {scalar_name(index.dtype)}")
    return [
        None if index is None else index.clamp(-size, size - 1)  # type: ignore[attr-defined]
        for index, size in zip(indices, input.shape)
    ]


@aten("_unsafe_masked_index")
def _unsafe_masked_index(
    input: Tensor, mask: Tensor, indices: Sequence[Tensor | None], fill: complex
) -> Tensor:
    """``input[indices]`` where ``mask`` is true, else ``fill``; None takes a whole dimension.

    >>> mask = torch.tensor([True, False])
    >>> torch._unsafe_masked_index(torch.tensor([1, 2]), mask, [torch.tensor([1, 9])], -1)
    tensor([ 2, -1])
    """
    clamped = _within(input, indices, "_unsafe_masked_index")
    found = [(dim, index) for dim, index in enumerate(clamped) if index is not None]
    given, places = canonical_indices(input, found)
    picked = index_op((input, *given), places)
    return picked.masked_fill(mask.logical_not(), fill)  # type: ignore[attr-defined]


@aten("_unsafe_masked_index_put_accumulate")
def _unsafe_masked_index_put_accumulate(
    input: Tensor, mask: Tensor, indices: Sequence[Tensor | None], values: Tensor
) -> Tensor:
    """A copy of ``input`` with ``values`` added at ``indices`` where ``mask`` is true."""
    clamped = _within(input, indices, "_unsafe_masked_index_put_accumulate")
    hidden = values.masked_fill(mask.logical_not(), 0)  # type: ignore[attr-defined]
    return index_put(input, clamped, hidden, accumulate=True)
