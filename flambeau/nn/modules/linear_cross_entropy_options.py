"""How `linear_cross_entropy` splits its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["LinearCrossEntropyOptions"]

POLICIES = ("accurate", "balanced", "compact", "auto")
METHODS = ("auto", "aspect_ratio", "memory_limit")


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """Computes the loss in pieces of the batch, so that the logits never exist as a whole.

    Args:
        allow_retain_graph: whether a second backward pass is possible.
        batch_chunk_size: rows of a piece; chosen without it.
        chunking_method: how they are chosen: ``"auto"``, or None for one piece.
        acc_policy: in which precision pieces are added: accurate, balanced, compact or auto.
        acc_dtype: the dtype of the sums.

    >>> nn.LinearCrossEntropyOptions(batch_chunk_size=128).batch_chunk_size
    128
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: Literal["accurate", "balanced", "compact", "auto"] = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        method = self.chunking_method
        if method is not None and method.partition(":")[0] not in METHODS:
            raise ValueError(f"invalid chunking_method: {method!r}")
        size = self.batch_chunk_size
        if size is not None and (not isinstance(size, int) or size <= 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
