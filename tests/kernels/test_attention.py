"""Attention: both forms agree, for sizes that fill no block or panel, in any layout."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.twins import close, random, twins

SHAPES = [(2, 3, 5, 7, 8), (1, 2, 100, 130, 64), (2, 1, 50, 49, 80)]  # B, H, L, S, D


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_forms_agree(shape, causal):
    shared, compiled = twins("attention")
    batch, heads, queries, keys, depth = shape
    lengths = queries, keys, keys
    q, k, v = (random(batch, n, heads, 3 * depth, dtype=np.float32, seed=n)[..., :depth]
               .swapaxes(1, 2) for n in lengths)  # fmt: skip
    params = causal, 0.3
    expected = shared.attention_forward(q, k, v, *params)
    ours = compiled.attention_forward(q, k, v, *params)
    close(ours, expected, np.float32)
    assert ours[0].swapaxes(1, 2).flags.c_contiguous  # as the queries lie
    dense = [np.ascontiguousarray(a) for a in (q, k, v)]
    close(compiled.attention_forward(*dense, *params), expected, np.float32)
    grad = random(*q.shape, dtype=np.float32, seed=5)
    given = q, k, v, grad, *expected, *params
    close(compiled.attention_backward(*given), shared.attention_backward(*given), np.float32, 4)
