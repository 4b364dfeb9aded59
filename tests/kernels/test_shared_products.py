"""Products of matrices: how they are rounded."""

from __future__ import annotations

import numpy as np

from flambeau.kernels.shared.products import addmm


def test_the_scaled_addend_is_not_rounded():
    """As a fused multiply-add: on this decide half-precision results that lie halfway."""
    rng = np.random.default_rng(0)
    bias = rng.normal(size=(20, 30)).astype(np.float32)
    a, b = rng.normal(size=(20, 1)).astype(np.float32), np.ones((1, 30), np.float32)
    beta = np.float32(3.4)
    exact = bias.astype(np.float64) * np.float64(beta) + a
    assert np.array_equal(addmm(bias, a, b, 3.4, 1), exact.astype(np.float32))
    assert not np.array_equal(bias * beta + a, exact.astype(np.float32))
