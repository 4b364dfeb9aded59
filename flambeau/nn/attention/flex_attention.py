"""Attention with scores and masks given as functions of batch, head, query and key."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict

from flambeau.core.publish import adopt
from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.attention._block_mask import (
    BlockMask,
    MaskMod,
    noop_mask,
    pair,
    to_ordered,
)
from flambeau.ops.creation import zeros
from flambeau.ops.sequences import arange

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "FlexKernelOptions",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


class AuxRequest(NamedTuple):
    """What else `flex_attention` is to return: ``lse``, ``max_scores``."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What else `flex_attention` returned: None for what was not asked for."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


class FlexKernelOptions(TypedDict, total=False):
    """Options for PyTorch's generated GPU kernels; they have no effect here."""

    num_warps: int
    num_stages: int
    BLOCK_M: int
    BLOCK_N: int
    BLOCK_M1: int
    BLOCK_N1: int
    BLOCK_M2: int
    BLOCK_N2: int
    PRESCALE_QK: bool
    ROWS_GUARANTEED_SAFE: bool
    BLOCKS_ARE_CONTIGUOUS: bool
    WRITE_DQ: bool
    FORCE_USE_FLEX_ATTENTION: bool
    USE_TMA: bool
    kpack: int
    matrix_instr_nonkdim: int
    waves_per_eu: int
    BACKEND: str


def _places(sizes: tuple[int, ...], device: Any) -> list[Tensor]:
    """The index along each dimension, shaped so that together they broadcast to the whole."""
    rank = len(sizes)
    return [
        arange(size, device=device).reshape([-1 if place == dim else 1 for place in range(rank)])
        for dim, size in enumerate(sizes)
    ]


def create_mask(
    mod_fn: Any, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None
) -> Tensor:
    """The mask (B, H, Q_LEN, KV_LEN) that a function describes: True where a pair is allowed.

    Args:
        mod_fn: a mask function, or a score function, which forbids by minus infinity.
        B: the size of the batch; 1 without it.
        H: the number of heads; 1 without it.
        Q_LEN: the number of queries.
        KV_LEN: the number of keys.
        device: where the mask is made.

    >>> create_mask(lambda b, h, q, kv: q >= kv, None, None, 2, 2)
    tensor([[[[ True, False],
              [ True,  True]]]])
    """
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    places = _places(sizes, device)
    if _takes_score(mod_fn):
        scores = mod_fn(zeros(sizes, device=device), *places)
        return ~scores.isneginf().expand(sizes)
    return mod_fn(*places).expand(sizes)


def _takes_score(function: Any) -> bool:
    parameters = inspect.signature(function).parameters.values()
    required = [
        one
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    return len(required) == 5


def create_block_mask(
    mask_mod: MaskMod,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = 128,
    _compile: bool = False,
    separate_full_blocks: bool = True,
    compute_dq_write_order: bool = False,
    dq_kv_order: bool = True,
) -> BlockMask:
    """The blocks of a mask.

    Args:
        mask_mod: ``mask_mod(b, h, q, kv)``, True where a pair is allowed; written for whole
            tensors of indices, which broadcast.
        B: the size of the batch; 1 without it.
        H: the number of heads; 1 without it.
        Q_LEN: the number of queries.
        KV_LEN: the number of keys.
        device: where the mask is made.
        BLOCK_SIZE: the size of a block.
        separate_full_blocks: whether full blocks are listed on their own.

    >>> create_block_mask(lambda b, h, q, kv: q >= kv, None, None, 256, 256).shape
    (1, 1, 256, 256)
    """
    rows, columns = pair(BLOCK_SIZE)
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    whole = F.pad(mask, (0, -KV_LEN % columns, 0, -Q_LEN % rows), value=False)
    batch, heads = whole.shape[:2]
    tiles = whole.reshape(batch, heads, whole.shape[2] // rows, rows, -1, columns)
    counts = tiles.sum((-1, -3))
    full = counts == rows * columns
    some = counts > 0
    partial = some & ~full if separate_full_blocks else some
    full_tables = to_ordered(full) if separate_full_blocks else (None, None)
    return BlockMask.from_kv_blocks(
        *to_ordered(partial),
        *full_tables,
        BLOCK_SIZE=(rows, columns),
        mask_mod=mask_mod,
        seq_lengths=(Q_LEN, KV_LEN),
    )


def and_masks(*mask_mods: MaskMod) -> MaskMod:
    """The mask that allows what all of these allow."""
    _check_functions(mask_mods)

    def both(b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        result = b.new_ones(()).bool()
        for one in mask_mods:
            result = result & one(b, h, q, kv)
        return result

    return both


def or_masks(*mask_mods: MaskMod) -> MaskMod:
    """The mask that allows what one of these allows."""
    _check_functions(mask_mods)

    def either(b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        result = b.new_zeros(()).bool()
        for one in mask_mods:
            result = result | one(b, h, q, kv)
        return result

    return either


def _check_functions(mask_mods: tuple[Any, ...]) -> None:
    if not all(callable(one) for one in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: ScoreMod | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: FlexKernelOptions | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """Attention whose scores go through a function before the softmax.

    Args:
        query: (B, Hq, L, E).
        key: (B, Hkv, S, E).
        value: (B, Hkv, S, Ev).
        score_mod: ``score_mod(score, b, h, q, kv)``; written for whole tensors, which broadcast.
        block_mask: which pairs are allowed; queries without any get zeros.
        scale: factor of the products; ``1 / sqrt(E)`` without it.
        enable_gqa: whether several query heads may share a head of keys and values.
        return_lse: whether to return the logarithm of the softmax's denominator too.
        kernel_options: accepted for compatibility.
        return_aux: asks for further results, in an `AuxOutput`.

    Returns:
        (B, Hq, L, Ev), alone or first of a pair.

    >>> def later_is_less(score, b, h, q, kv):
    ...     return score - (q - kv).abs()
    >>> x = torch.rand(1, 2, 5, 8)
    >>> flex_attention(x, x, x, score_mod=later_is_less).shape
    torch.Size([1, 2, 5, 8])
    """
    _check_inputs(query, key, value, enable_gqa, block_mask)
    groups = query.size(1) // key.size(1)
    if groups > 1:
        key = key.repeat_interleave(groups, dim=1)
        value = value.repeat_interleave(groups, dim=1)
    factor = 1.0 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = (query @ key.transpose(-2, -1)) * factor
    places = _places(tuple(scores.shape), query.device)
    if score_mod is not None:
        scores = score_mod(scores, *places)
    if block_mask is not None:
        scores = scores.where(block_mask.mask_mod(*places), float("-inf"))
    lse = scores.logsumexp(-1)
    empty = lse == float("-inf")
    weights = (scores - lse.masked_fill(empty, 0.0).unsqueeze(-1)).exp()
    output = (weights @ value).to(query.dtype)
    if return_aux is not None:
        highest = scores.amax(-1) if return_aux.max_scores else None
        return output, AuxOutput(lse if return_aux.lse else None, highest)
    return (output, lse) if return_lse else output


def _check_inputs(
    query: Tensor, key: Tensor, value: Tensor, enable_gqa: bool, block_mask: BlockMask | None
) -> None:
    if not query.dim() == key.dim() == value.dim() == 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if query.size(-1) != key.size(-1):
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension but got "
            f"E={query.size(-1)} and E={key.size(-1)}."
        )
    heads, shared = query.size(1), key.size(1)
    if heads != shared and not enable_gqa:
        raise ValueError(
            "Expect query and key/value to have the same number of heads but got "
            f"Hq={heads} and Hkv={shared}. Try setting enable_gqa=True for GQA."
        )
    if heads % shared != 0:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA but got "
            f"Hq={heads} and Hkv={shared}."
        )
    lengths = (query.size(-2), key.size(-2))
    if block_mask is not None and block_mask.seq_lengths != lengths:
        raise ValueError(
            f"block_mask was created for block_mask.shape={block_mask.shape} but got "
            f"q_len={lengths[0]} and kv_len={lengths[1]}. Create a mask of the correct length."
        )


adopt(globals())
