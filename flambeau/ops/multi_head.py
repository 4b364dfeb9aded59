"""Attention with several heads, each on its own projection of queries, keys and values."""

from __future__ import annotations

import math
import warnings
from typing import Any

from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.attention import scaled_dot_product_attention
from flambeau.ops.dropout import dropout
from flambeau.ops.joining import cat
from flambeau.ops.linear import linear
from flambeau.ops.products import bmm
from flambeau.ops.sums_of_products import baddbmm

Maybe = Tensor | None
Three = tuple[Tensor, Tensor, Tensor]


def _is_batched(query: Tensor, key: Tensor, value: Tensor, padding: Maybe, mask: Maybe) -> bool:
    """Whether there is a batch dimension; AssertionError unless all agree."""
    if query.ndim not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.ndim}-D query tensor"
        )
    what = "batched (3-D)" if query.ndim == 3 else "unbatched (2-D)"
    if key.ndim != query.ndim or value.ndim != query.ndim:
        raise AssertionError(
            f"For {what} `query`, expected `key` and `value` to be {query.ndim}-D but found "
            f"{key.ndim}-D "
            f"and {value.ndim}-D tensors respectively"
        )
    if padding is not None and padding.ndim != query.ndim - 1:
        raise AssertionError(
            f"For {what} `query`, expected `key_padding_mask` to be `None` or {query.ndim - 1}-D "
            "but "
            f"found {padding.ndim}-D tensor instead"
        )
    if mask is not None and mask.ndim not in (2, 3):
        raise AssertionError(
            f"For {what} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{mask.ndim}-D "
            "tensor instead"
        )
    return query.ndim == 3


def _additive(mask: Maybe, name: str, like: Tensor, other: Maybe, other_name: str) -> Maybe:
    """A mask as numbers to be added to scores: minus infinity where a bool one is true."""
    if mask is None:
        return None
    if not (mask.dtype.name == "bool" or mask.dtype.is_floating_point):
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype is not mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both "
            "instead.",
            stacklevel=4,
        )
    if mask.dtype.is_floating_point:
        return mask
    zeros = mask.new_zeros(mask.shape, dtype=like.dtype)  # type: ignore[attr-defined]
    return zeros.masked_fill(mask, -math.inf)


def _packed(query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Maybe) -> Three:
    """The projections by one weight ``[3 E, E]``, in one product where the inputs are the same."""
    size = query.shape[-1]
    if key is value and query is key:
        parts = linear(query, weight, bias).chunk(3, -1)  # type: ignore[attr-defined]
        return tuple(parts)  # type: ignore[return-value]
    w = weight.split(size)  # type: ignore[attr-defined]
    b = (None, None, None) if bias is None else bias.split(size)  # type: ignore[attr-defined]
    if key is value:
        both = linear(key, weight[size:], None if bias is None else bias[size:])  # type: ignore
        k, v = both.chunk(2, -1)  # type: ignore[attr-defined]
        return linear(query, w[0], b[0]), k, v
    return linear(query, w[0], b[0]), linear(key, w[1], b[1]), linear(value, w[2], b[2])


def _separate(
    query: Tensor, key: Tensor, value: Tensor, weights: tuple[Maybe, ...], bias: Maybe
) -> Three:
    for weight, name in zip(weights, "qkv"):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    b = (None, None, None) if bias is None else bias.chunk(3)  # type: ignore[attr-defined]
    projected = [linear(x, w, c) for x, w, c in zip((query, key, value), weights, b)]  # type: ignore
    return tuple(projected)  # type: ignore[return-value]


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int, separate: bool
) -> None:
    size = query.shape[-1]
    if size != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {size}")
    if size // heads * heads != size:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {heads}")
    if separate:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's "
                f"{value.shape[:2]}"
            )
    elif key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")


def _shaped_mask(mask: Maybe, batch: int, heads: int, targets: int, sources: int) -> Maybe:
    """The attention mask as ``[1 or N * heads, L, S]``."""
    if mask is None:
        return None
    wanted = (targets, sources) if mask.ndim == 2 else (batch * heads, targets, sources)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(
            f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {wanted}."
        )
    return mask.unsqueeze(0) if mask.ndim == 2 else mask  # type: ignore[attr-defined]


def _grown(mask: Maybe) -> Maybe:
    """A mask for one source more, which may be attended to."""
    return None if mask is None else mask.constant_pad_nd((0, 1))  # type: ignore[attr-defined]


def _heads(tensor: Tensor, batch: int, heads: int) -> Tensor:
    """``[L, N, E]`` as ``[N * heads, L, E / heads]``."""
    size = tensor.shape[-1] // heads
    return tensor.reshape(tensor.shape[0], batch * heads, size).transpose(0, 1)  # type: ignore


def _side(projected: Tensor, given: Maybe, name: str, batch: int, heads: int, embed: int) -> Tensor:
    """Keys or values with their heads apart, unless they are given so."""
    if given is None:
        return _heads(projected, batch, heads)
    size = embed // heads
    if given.shape[0] != batch * heads:
        raise AssertionError(
            f"expecting {name}.size(0) of {batch * heads}, but got {given.shape[0]}"
        )
    if given.shape[2] != size:
        raise AssertionError(f"expecting {name}.size(2) of {size}, but got {given.shape[2]}")
    return given


def _with_zero(tensor: Tensor) -> Tensor:
    """``[B, S, E]`` with a source of zeros at the end."""
    zeros = tensor.detach().new_zeros((tensor.shape[0], 1, tensor.shape[2]))  # type: ignore
    return cat([tensor, zeros], 1)


def _merged(mask: Maybe, padding: Maybe, batch: int, heads: int, sources: int) -> Maybe:
    """The two masks as one to be added to the scores ``[N * heads, L, S]``."""
    if padding is None:
        return mask
    if tuple(padding.shape) != (batch, sources):
        index = 0 if padding.shape[0] != batch else 1
        raise AssertionError(
            f"Expected key_padded_mask.shape[{index}] to be {(batch, sources)[index]}, but got "
            f"{padding.shape[index]}"
        )
    spread = padding.view(batch, 1, 1, sources).expand(-1, heads, -1, -1)  # type: ignore
    spread = spread.reshape(batch * heads, 1, sources)
    return spread if mask is None else mask + spread


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Maybe, in_proj_bias: Maybe, bias_k: Maybe, bias_v: Maybe, add_zero_attn: bool,
    dropout_p: float, out_proj_weight: Tensor, out_proj_bias: Maybe, training: bool = True,
    key_padding_mask: Maybe = None, need_weights: bool = True, attn_mask: Maybe = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Maybe = None,
    k_proj_weight: Maybe = None, v_proj_weight: Maybe = None, static_k: Maybe = None,
    static_v: Maybe = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Maybe]:  # fmt: skip
    """The work of ``nn.MultiheadAttention``: the result ``[L, N, E]``, the weights ``[N, L, S]``.

    ``query`` is ``[L, N, E]``, ``key`` and ``value`` ``[S, N, E]``, or all without ``N``. Masks are
    bool (true: not attended to) or added to the scores: ``attn_mask`` ``[L, S]`` or
    ``[N * heads, L, S]``, ``key_padding_mask`` ``[N, S]``. ``is_causal`` says that ``attn_mask`` is
    the causal one. (Vaswani et al., Attention Is All You Need, 2017.)

    >>> x, none, in_weight, out_weight = torch.ones(2, 1, 4), None, torch.ones(12, 4), torch.eye(4)
    >>> F.multi_head_attention_forward(
    ...     x, x, x, 4, 2, in_weight, none, none, none, False, 0., out_weight, none
    ... )[0].shape
    torch.Size([2, 1, 4])
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask)
    if not batched:
        query, key, value = _with_batch(query, key, value)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)  # type: ignore[attr-defined]
    targets, batch, size = query.shape
    padding = _additive(key_padding_mask, "key_padding_mask", query, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    hinted = is_causal and padding is None and not need_weights
    mask = None if hinted else _additive(attn_mask, "attn_mask", query, None, "")
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _separate(query, key, value, weights, in_proj_bias)
    else:
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _packed(query, key, value, in_proj_weight, in_proj_bias)
    mask = _shaped_mask(mask, batch, num_heads, targets, k.shape[0])
    if (bias_k is None) != (bias_v is None):
        raise AssertionError(
            "bias_k is set but bias_v is None" if bias_v is None else "bias_k is None"
        )
    if bias_k is not None and bias_v is not None:
        k = cat([k, bias_k.repeat(1, batch, 1)])  # type: ignore[attr-defined]
        v = cat([v, bias_v.repeat(1, batch, 1)])  # type: ignore[attr-defined]
        mask, padding = _grown(mask), _grown(padding)
    q = _heads(q, batch, num_heads)
    k = _side(k, static_k, "static_k", batch, num_heads, size)
    v = _side(v, static_v, "static_v", batch, num_heads, size)
    if add_zero_attn:
        k, v, mask, padding = _with_zero(k), _with_zero(v), _grown(mask), _grown(padding)
    mask = _merged(mask, padding, batch, num_heads, k.shape[1])
    chance = dropout_p if training else 0.0
    if need_weights:
        result, found = _attend(q, k, v, mask, chance)
    else:
        result, found = _attend_fused(q, k, v, mask, chance, hinted, batch), None
    result = result.transpose(0, 1).reshape(targets * batch, size)  # type: ignore[attr-defined]
    result = linear(result, out_proj_weight, out_proj_bias)
    result = result.reshape(targets, batch, result.shape[1])  # type: ignore[attr-defined]
    if found is not None:
        found = found.reshape(batch, num_heads, targets, k.shape[1])  # type: ignore[attr-defined]
        found = found.mean(1) if average_attn_weights else found
    if batched:
        return result, found
    return result.squeeze(1), None if found is None else found.squeeze(0)  # type: ignore


def _with_batch(query: Tensor, key: Tensor, value: Tensor) -> Three:
    """The same tensors with a batch of one; those that are the same object stay so."""
    q: Any = query.unsqueeze(1)  # type: ignore[attr-defined]
    k = q if key is query else key.unsqueeze(1)  # type: ignore[attr-defined]
    v = k if value is key else value.unsqueeze(1)  # type: ignore[attr-defined]
    return q, k, v


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Maybe, chance: float) -> tuple[Tensor, Tensor]:
    """Attention that also tells its weights."""
    scaled = q * math.sqrt(1.0 / q.shape[-1])  # type: ignore[operator]
    scores = bmm(scaled, k.mT) if mask is None else baddbmm(mask, scaled, k.mT)  # type: ignore
    weights = scores.softmax(-1)  # type: ignore[attr-defined]
    if chance > 0.0:
        weights = dropout(weights, chance, True)
    return bmm(weights, v), weights


def _attend_fused(
    q: Tensor, k: Tensor, v: Tensor, mask: Maybe, chance: float, causal: bool, batch: int
) -> Tensor:
    """Attention without its weights: with the dimensions of batch and heads apart."""
    heads = q.shape[0] // batch
    parts = [t.reshape(batch, heads, *t.shape[1:]) for t in (q, k, v)]  # type: ignore[attr-defined]
    if mask is not None:
        shape = (1, 1) if mask.shape[0] == 1 else (batch, heads)
        mask = mask.reshape(*shape, *mask.shape[1:])  # type: ignore[attr-defined]
    result = scaled_dot_product_attention(*parts, mask, chance, causal)
    return result.flatten(0, 1)  # type: ignore[attr-defined]


__all__ = exported(globals())
