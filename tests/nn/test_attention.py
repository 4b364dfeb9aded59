"""nn.attention: masks as functions and objects, and which implementation may run."""

from __future__ import annotations

import math

import pytest

import flambeau as torch
from flambeau import nn
from flambeau.nn.attention import SDPBackend, _cur_sdpa_kernel_backends, sdpa_kernel
from flambeau.nn.attention import flex_attention as flex
from flambeau.nn.attention.bias import causal_lower_right, causal_upper_left
from flambeau.nn.attention.varlen import varlen_attn


def causal(b, h, q, kv):
    return q >= kv


class TestBlockMask:
    def test_blocks_of_a_causal_mask(self):
        mask = flex.create_block_mask(causal, 1, 2, 300, 260, BLOCK_SIZE=128)
        assert mask.shape == (1, 2, 300, 260) and mask.seq_lengths == (300, 260)
        assert mask.sparsity() == pytest.approx(-26.0308, abs=1e-3)
        assert mask.kv_num_blocks[0, 0].tolist() == [1, 1, 3]
        assert mask.kv_indices[0, 0].tolist() == [[0, 1, 2], [1, 0, 2], [0, 1, 2]]
        assert mask.full_kv_num_blocks[0, 0].tolist() == [0, 1, 0]
        assert mask.q_num_blocks[0, 0].tolist() == [2, 2, 1]
        assert mask.to_dense()[0, 1].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
        assert mask[0, 1].shape == (1, 1, 300, 260)
        assert str(mask[:, :1]).splitlines()[1:5] == ["(0, 0)", "██    ", "████  ", "██████"]

    def test_masks_combine(self):
        def near(b, h, q, kv):
            return (q - kv).abs() < 2

        both = flex.create_mask(flex.and_masks(causal, near), None, None, 3, 3)[0, 0]
        assert both.int().tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
        either = flex.create_mask(flex.or_masks(causal, near), None, None, 3, 3)[0, 0]
        assert either.int().tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 1]]


class TestFlexAttention:
    def test_against_the_formula(self):
        torch.manual_seed(0)
        query, key = torch.randn(1, 2, 4, 8), torch.randn(1, 2, 5, 8)
        value = torch.randn(1, 2, 5, 3)
        scores = query @ key.mT / math.sqrt(8)
        plain, lse = flex.flex_attention(query, key, value, return_lse=True)
        assert torch.allclose(plain, scores.softmax(-1) @ value, atol=1e-6)
        assert torch.allclose(lse, scores.logsumexp(-1), atol=1e-6)
        shift = torch.arange(2.0).reshape(2, 1, 1) * torch.arange(5.0)
        moved = flex.flex_attention(query, key, value, lambda s, b, h, q, kv: s + h * kv)
        assert torch.allclose(moved, (scores + shift).softmax(-1) @ value, atol=1e-6)

    def test_queries_without_keys_get_zeros(self):
        x = torch.randn(1, 1, 3, 4, requires_grad=True)
        mask = flex.create_block_mask(lambda b, h, q, kv: q < 2, None, None, 3, 3)
        output = flex.flex_attention(x, x, x, block_mask=mask)
        assert output[0, 0, 2].tolist() == [0, 0, 0, 0]
        output.sum().backward()
        assert bool(x.grad.isfinite().all())

    def test_shared_heads(self):
        query, key = torch.randn(1, 4, 3, 2), torch.randn(1, 2, 3, 2)
        with pytest.raises(ValueError, match="same number of heads but got Hq=4 and Hkv=2"):
            flex.flex_attention(query, key, key)
        repeated = key.repeat_interleave(2, dim=1)
        assert torch.allclose(
            flex.flex_attention(query, key, key, enable_gqa=True),
            flex.flex_attention(query, repeated, repeated),
        )


def test_causal_masks_that_are_not_square():
    assert repr(causal_upper_left(2, 3)) == repr(torch.ones(2, 3).tril().bool())
    assert repr(causal_lower_right(2, 3)) == repr(torch.ones(2, 3).tril(1).bool())


def test_choice_of_implementations():
    before = _cur_sdpa_kernel_backends()
    with sdpa_kernel([SDPBackend.MATH]):
        assert _cur_sdpa_kernel_backends() == [SDPBackend.MATH]
    assert _cur_sdpa_kernel_backends() == before
    with pytest.raises(AssertionError, match="got str"), sdpa_kernel("math"):
        pass


def test_sequences_one_after_the_other():
    torch.manual_seed(0)
    x = torch.randn(5, 2, 4)
    starts = torch.tensor([0, 2, 5])
    joined = varlen_attn(x, x, x, starts, starts, 3, 3, window_size=(-1, 0))
    for first, last in ((0, 2), (2, 5)):
        part = x[first:last].transpose(0, 1)
        alone = nn.functional.scaled_dot_product_attention(part, part, part, is_causal=True)
        assert torch.allclose(joined[first:last], alone.transpose(0, 1), atol=1e-6)
