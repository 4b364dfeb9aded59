"""Attention within sequences of different lengths that are stored one after the other."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from flambeau.core.tensor import Tensor
from flambeau.ops.joining import cat
from flambeau.ops.sequences import arange

__all__ = ["AuxRequest", "varlen_attn", "varlen_attn_out"]


class AuxRequest(NamedTuple):
    """What else `varlen_attn` is to return: ``lse``."""

    lse: bool = False


def varlen_attn(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor | None,
    max_q: int,
    max_k: int,
    *,
    return_aux: AuxRequest | None = None,
    scale: float | None = None,
    window_size: tuple[int, int] = (-1, -1),
    enable_gqa: bool = False,
    seqused_k: Tensor | None = None,
    block_table: Tensor | None = None,
    num_splits: int | None = None,
) -> Any:
    """Attention of each sequence to itself (or to its own keys).

    Args:
        query: (total queries, heads, D).
        key: (total keys, heads, D).
        value: (total keys, heads, D).
        cu_seq_q: (N + 1), where the queries of each sequence begin, and the total.
        cu_seq_k: the same for the keys.
        max_q: the longest sequence of queries.
        max_k: the longest sequence of keys.
        return_aux: asks for the logarithm of the softmax's denominator too.
        scale: factor of the products; ``1 / sqrt(D)`` without it.
        window_size: how many keys before and after its own position a query sees; -1: all.
            ``(-1, 0)`` is causal attention.
        enable_gqa: whether several query heads may share a head of keys and values.
        seqused_k: (N), how many keys of each sequence count.
        block_table: pages of keys are not supported.
        num_splits: accepted for compatibility.

    Raises:
        NotImplementedError: a ``block_table`` was given.

    >>> x = torch.rand(5, 2, 4)
    >>> starts = torch.tensor([0, 2, 5])
    >>> varlen_attn(x, x, x, starts, starts, 3, 3).shape
    torch.Size([5, 2, 4])
    """
    if block_table is not None:
        raise NotImplementedError("varlen_attn: keys in pages (block_table) are not supported")
    if query.size(1) != key.size(1) and not enable_gqa:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got "
            f"Hq={query.size(1)} and Hkv={key.size(1)}. Try setting enable_gqa=True for GQA."
        )
    starts_q = cu_seq_q.tolist()
    starts_k = starts_q if cu_seq_k is None else cu_seq_k.tolist()
    used = None if seqused_k is None else seqused_k.tolist()
    results = []
    for place in range(len(starts_q) - 1):
        first, last = starts_k[place], starts_k[place + 1]
        stop = last if used is None else first + used[place]
        own = query[starts_q[place] : starts_q[place + 1]]
        results.append(_one(own, key[first:stop], value[first:stop], scale, window_size))
    output = cat([one for one, _ in results])
    if return_aux is not None and return_aux.lse:
        return output, cat([lse for _, lse in results], dim=1)
    return output


def _one(
    query: Tensor, key: Tensor, value: Tensor, scale: float | None, window: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """One sequence: the output (L, heads, D), and the logarithms (heads, L)."""
    groups = query.size(1) // key.size(1)
    q, k, v = (one.transpose(0, 1) for one in (query, key, value))
    if groups > 1:
        k, v = k.repeat_interleave(groups, dim=0), v.repeat_interleave(groups, dim=0)
    factor = 1.0 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = (q @ k.transpose(-2, -1)) * factor
    # the last query stands at the last key
    shift = k.size(1) - q.size(1)
    distance = (
        arange(k.size(1), device=q.device) - arange(q.size(1), device=q.device)[:, None] - shift
    )
    left, right = window
    if left >= 0:
        scores = scores.masked_fill(distance < -left, float("-inf"))
    if right >= 0:
        scores = scores.masked_fill(distance > right, float("-inf"))
    lse = scores.logsumexp(-1)
    weights = (scores - lse.masked_fill(lse == float("-inf"), 0.0).unsqueeze(-1)).exp()
    return (weights @ v).transpose(0, 1).to(query.dtype), lse


def varlen_attn_out(
    out: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor | None,
    max_q: int,
    max_k: int,
    *,
    return_aux: AuxRequest | None = None,
    scale: float | None = None,
    window_size: tuple[int, int] = (-1, -1),
    enable_gqa: bool = False,
    seqused_k: Tensor | None = None,
    block_table: Tensor | None = None,
    num_splits: int | None = None,
) -> Any:
    """`varlen_attn`, with the output written into ``out``."""
    result = varlen_attn(
        query,
        key,
        value,
        cu_seq_q,
        cu_seq_k,
        max_q,
        max_k,
        return_aux=return_aux,
        scale=scale,
        window_size=window_size,
        enable_gqa=enable_gqa,
        seqused_k=seqused_k,
        block_table=block_table,
    )
    if isinstance(result, tuple):
        return out.copy_(result[0]), result[1]
    return out.copy_(result)
