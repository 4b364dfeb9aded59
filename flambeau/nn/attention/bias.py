"""Causal masks as small objects: attention sees what they mean without their elements."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.ops.creation import empty, ones

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Where the diagonal of a causal mask that is not square begins.

    ``UPPER_LEFT``: at the first query and key; ``LOWER_RIGHT``: so that it ends at the last ones.
    """

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A causal mask for ``scaled_dot_product_attention``.

    Args:
        variant: where the diagonal begins.
        seq_len_q: the number of queries.
        seq_len_kv: the number of keys.
    """

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> Any:
        return Tensor._make_subclass(cls, empty(0))

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError("variant must be a CausalVariant")
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv

    def _materialize(self, device: Any = None) -> Tensor:
        """The mask as booleans: True where a query sees a key."""
        shift = 0
        if self.variant is CausalVariant.LOWER_RIGHT:
            shift = self.seq_len_kv - self.seq_len_q
        mask = ones((self.seq_len_q, self.seq_len_kv), device=device)
        return mask.tril(diagonal=shift).bool()

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return repr(self._materialize())

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Attention takes the mask's meaning; other operations do not know it."""
        if func is not F.scaled_dot_product_attention:
            return super().__torch_function__(func, types, args, kwargs or {})
        named = dict(zip(("query", "key", "value", "attn_mask"), args, strict=False))
        options = {**named, **(kwargs or {})}
        mask = options.pop("attn_mask")
        query = options["query"]
        if isinstance(mask, CausalBias):
            mask = mask._materialize(query.device)
        return func(attn_mask=mask, **options)


def causal_upper_left(*size: int) -> CausalBias:
    """The causal mask whose diagonal begins at the first query and key.

    >>> causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors")
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size: int) -> CausalBias:
    """The causal mask whose diagonal ends at the last query and key.

    >>> causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    if len(size) != 2:
        raise AssertionError("causal_lower_right only supports 2D tensors")
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
