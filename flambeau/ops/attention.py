"""Attention by scaled dot products.

Plain float32 and float64 tensors ``[B, H, L, D]`` without a mask, but perhaps causal, are one
operator each way; all else is made of products and a softmax, as second derivatives are.
"""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.modes import modes
from flambeau.core.op import FOLDED, Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import attention as kernels
from flambeau.ops.direct import run
from flambeau.ops.dropout import dropout
from flambeau.ops.sequences import arange

Maybe = Tensor | None


_fused = Op("scaled_dot_product_flash_attention_for_cpu", kernels.attention_forward,
    inputs=("query", "key", "value"), params=("causal", "factor"), outputs=2, differentiable=(0,),
    batch=FOLDED,
    accepts="f", shape=lambda q, k, v, causal, factor: (q.shape, q.shape[:3]))  # fmt: skip
_fused_backward = Op("scaled_dot_product_flash_attention_for_cpu_backward",
    kernels.attention_backward, outputs=3, params=("causal", "factor"), batch=FOLDED,
    inputs=("query", "key", "value", "grad_output", "out", "logs"),
    shape=lambda q, k, v, *rest: (q.shape, k.shape, v.shape))  # fmt: skip


@_fused.vjp
def _(grad: Tensor, query: Tensor, key: Tensor, value: Tensor, result0: Tensor, result1: Tensor,
      causal: bool, factor: float) -> Any:  # fmt: skip
    if not modes.grad and grad._kind is not None:
        saved = query, key, value, grad, result0, result1
        return run(_fused_backward, saved, (causal, factor))
    mask = _not_later(query, key) if causal else None
    p: Any = _weights((query * factor).matmul(key.mT), mask)  # type: ignore
    dp: Any = grad.matmul(value.mT)  # type: ignore[attr-defined]
    ds = p * (dp - (dp * p).sum(-1, True)) * factor
    return ds.matmul(key), ds.mT.matmul(query), p.mT.matmul(grad)


def _suits(query: Tensor, key: Tensor, value: Tensor, mask: Maybe, dropout_p: float) -> bool:
    """Whether the operator takes the call; it leaves what it does not know to the formula."""
    kind = query._kind
    if kind is None or key._kind is not kind or value._kind is not kind or mask is not None:
        return False
    if dropout_p or modes.interceptors or modes.autocast is not None:
        return False
    (*lead, _, depth), keys = query.shape, key.shape
    plain = len(lead) == 2 and keys == value.shape == (*lead, keys[-2], depth)
    return plain and kind.dtype.itemsize >= 4 and 0 not in (*query.shape, *keys)


def _not_later(query: Tensor, key: Tensor) -> Tensor:
    """Where a key is not later than the query."""
    steps = arange(max(query.shape[-2], key.shape[-2]), device=query.device)
    rows, columns = steps[: query.shape[-2]], steps[: key.shape[-2]]  # type: ignore[index]
    return columns <= rows.unsqueeze(1)  # type: ignore[attr-defined]


def _c_name(tensor: Tensor) -> str:
    """The C++ type in PyTorch's message."""
    name = tensor.dtype.name
    return {"float32": "float", "float64": "double", "int64": "long int", "int32": "int",
            "float16": "c10::Half", "bfloat16": "c10::BFloat16"}.get(name, name)  # fmt: skip


def _check_attention(query: Tensor, key: Tensor, value: Tensor, mask: Maybe, causal: bool) -> None:
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{_c_name(query)} key.dtype: {_c_name(key)} and value.dtype: {_c_name(value)} instead."
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if mask is not None:
        if mask.dtype.name not in ("bool", "float32") and mask.dtype is not query.dtype:
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                f"attn_mask.dtype: {_c_name(mask)} and  query.dtype: {_c_name(query)} instead."
            )
        if causal:
            raise RuntimeError(
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
                "is_causal=True"
            )
    if query.dtype.rank < 2:
        raise RuntimeError(f"expected scalar type Float but found {scalar_name(query.dtype)}")


def _repeated_heads(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values with a head for each of the query's: groups of queries share one."""
    heads = query.shape[-3]
    if heads % key.shape[-3] or heads % value.shape[-3]:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return (
        key.repeat_interleave(heads // key.shape[-3], -3),  # type: ignore[attr-defined]
        value.repeat_interleave(heads // value.shape[-3], -3),  # type: ignore[attr-defined]
    )


@autocasting("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Maybe = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """``softmax(query @ key.T * scale + mask) @ value``.

    ``[*, L, E]``, ``[*, S, E]`` and ``[*, S, V]`` give ``[*, L, V]``. A bool ``attn_mask`` says
    where attention is allowed, a float one is added; ``is_causal`` allows what is not later.
    ``scale`` is ``1 / sqrt(E)`` by default. With ``enable_gqa`` groups of heads (dimension -3) of
    the query share one of key and value. (Vaswani et al., Attention Is All You Need, 2017.)
    """
    _check_attention(query, key, value, attn_mask, is_causal)
    if dropout_p > 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p:g}")
    if enable_gqa:
        key, value = _repeated_heads(query, key, value)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else math.inf
    if query.dtype.itemsize < 4:  # computed in single precision and rounded once
        wide = [t.float() for t in (query, key, value)]  # type: ignore[attr-defined]
        if attn_mask is not None and attn_mask.dtype is query.dtype:
            attn_mask = attn_mask.float()  # type: ignore[attr-defined]
        result = scaled_dot_product_attention(*wide, attn_mask, dropout_p, is_causal, scale)
        return result.to(query.dtype)  # type: ignore[attr-defined]
    if _suits(query, key, value, attn_mask, dropout_p):
        return run(_fused, (query, key, value), (bool(is_causal), float(scale)))[0]
    if is_causal:
        attn_mask = _not_later(query, key)
    scores = (query * scale).matmul(key.mT)  # type: ignore
    weights = _weights(scores, attn_mask)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return weights.matmul(value)  # type: ignore[attr-defined]


def _weights(scores: Tensor, mask: Maybe) -> Tensor:
    """The softmax of masked scores; 0 in a row that may attend to nothing."""
    if mask is None:
        return scores.softmax(-1)  # type: ignore[attr-defined]
    if mask.dtype.name == "bool":
        scores = scores.masked_fill(mask.logical_not(), -math.inf)  # type: ignore[attr-defined]
    else:
        scores = scores + mask.to(scores.dtype)  # type: ignore
    nothing = (scores.detach() == -math.inf).all(-1, True)  # type: ignore[attr-defined]
    return scores.masked_fill(nothing, 0).softmax(-1).masked_fill(nothing, 0)  # type: ignore


__all__ = exported(globals())
