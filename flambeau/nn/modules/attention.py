"""``MultiheadAttention``."""

from __future__ import annotations

from typing import Any

from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn import functional as F
from flambeau.nn import init
from flambeau.nn.modules.linear import NonDynamicallyQuantizableLinear
from flambeau.nn.modules.module import Module
from flambeau.ops.creation import empty


class MultiheadAttention(Module):
    """Attention with several heads: ``softmax(q @ k.T / sqrt(d)) @ v`` of projected inputs.

    Args:
        embed_dim: features of queries and results.
        num_heads: how many heads share them.
        dropout: probability of dropping an attention weight while training.
        bias: whether the projections have one.
        add_bias_kv: adds a learnt key and value to the sequences.
        add_zero_attn: adds a key and value of zeros.
        kdim: features of keys; ``embed_dim`` without it.
        vdim: features of values; ``embed_dim`` without it.
        batch_first: whether sequences are (N, L, E) rather than (L, N, E).

    The call takes query, key, value and

    * ``key_padding_mask`` (N, S): True (or minus infinity) where a key is to be ignored;
    * ``need_weights``: whether to return the attention weights, (N, L, S), too;
    * ``attn_mask`` (L, S) or (N * heads, L, S): True (or minus infinity) forbids a pair;
    * ``average_attn_weights``: the weights as a mean over the heads, or (N, heads, L, S);
    * ``is_causal``: says that ``attn_mask`` is the causal mask.

    Source: Vaswani 2017.

    >>> attention = nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.randn(4, 5, 8)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    (torch.Size([4, 5, 8]), torch.Size([4, 5, 5]))
    """

    __constants__ = ["batch_first"]
    bias_k: Tensor | None
    bias_v: Tensor | None
    in_proj_weight: Tensor | None
    q_proj_weight: Tensor | None
    k_proj_weight: Tensor | None
    v_proj_weight: Tensor | None
    in_proj_bias: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        where = {"device": device, "dtype": dtype}
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self._make_projections(bias, add_bias_kv, where)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _make_projections(self, bias: bool, add_bias_kv: bool, where: dict[str, Any]) -> None:
        width, same = self.embed_dim, self._qkv_same_embed_dim
        sizes = {
            "in_proj_weight": (3 * width, width) if same else None,
            "q_proj_weight": None if same else (width, width),
            "k_proj_weight": None if same else (width, self.kdim),
            "v_proj_weight": None if same else (width, self.vdim),
            "in_proj_bias": (3 * width,) if bias else None,
        }
        for name, size in sizes.items():
            made = None if size is None else Parameter(empty(size, **where))
            self.register_parameter(name, made)
        self.out_proj = NonDynamicallyQuantizableLinear(width, width, bias=bias, **where)
        self.bias_k = Parameter(empty((1, 1, width), **where)) if add_bias_kv else None
        self.bias_v = Parameter(empty((1, 1, width), **where)) if add_bias_kv else None

    def _reset_parameters(self) -> None:
        if self._qkv_same_embed_dim:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            init.xavier_uniform_(self.q_proj_weight)
            init.xavier_uniform_(self.k_proj_weight)
            init.xavier_uniform_(self.v_proj_weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
        if self.bias_v is not None:
            init.xavier_normal_(self.bias_v)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("_qkv_same_embed_dim", True)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        swapped = self.batch_first and query.dim() == 3
        if swapped:
            query, key, value = _swapped(query, key, value)
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(1, 0) if swapped else output), weights

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """Both masks as one, for a query (N, L, E), and its kind.

        The kind is None without a mask, 1 for (N, L), 2 for (N, heads, L, L).
        """
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length = query.shape[:2]
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            whole = attn_mask.view(1, 1, length, length)
            merged = whole.expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            padding = key_padding_mask.view(batch, 1, 1, length)
            merged = merged + padding.expand(-1, self.num_heads, -1, -1)
        return merged, 2


def _swapped(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, L, E) as (L, N, E); tensors that are the same object stay so."""
    turned = query.transpose(1, 0)
    if key is value:
        if query is key:
            return turned, turned, turned
        other = key.transpose(1, 0)
        return turned, other, other
    return turned, key.transpose(1, 0), value.transpose(1, 0)
