"""``torch.masked``: what does not count makes no difference; facts where nothing counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import flambeau as torch

masked = torch.masked
MASK = torch.tensor([[True, False, True, True], [False, True, False, False]])
VALUES = torch.tensor([[3.0, 9.0, -1.0, 2.0], [8.0, 5.0, 7.0, -6.0]], dtype=torch.float64)
ROWS = [np.array([3.0, -1.0, 2.0]), np.array([5.0])]  # what counts


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("sum", np.sum),
        ("mean", np.mean),
        ("prod", np.prod),
        ("amax", np.max),
        ("amin", np.min),
        ("std", lambda row: np.std(row, ddof=1) if len(row) > 1 else math.nan),
        ("median", lambda row: np.sort(row)[(len(row) - 1) // 2]),
        ("logsumexp", lambda row: np.log(np.exp(row).sum())),
    ],
)
def test_reductions_of_what_counts(name: str, reference: Callable[..., Any]) -> None:
    result = getattr(masked, name)(VALUES, 1, mask=MASK)
    np.testing.assert_allclose(result.numpy(), [reference(row) for row in ROWS])


def test_other_elements_make_no_difference() -> None:
    other = VALUES.masked_fill(~MASK, 1e6)
    for name in ("sum", "mean", "prod", "amax", "argmin", "softmax"):
        function = getattr(masked, name)
        assert torch.equal(function(VALUES, 1, mask=MASK), function(other, 1, mask=MASK))
    assert masked.cumsum(other, 1, mask=MASK).tolist() == [[3, 3, 2, 4], [0, 5, 5, 5]]


def test_where_nothing_counts() -> None:
    """Facts of PyTorch 2.13."""
    none = torch.zeros(3, dtype=torch.bool)
    x = torch.tensor([1.0, 2.0, 3.0])
    facts = {"sum": 0.0, "prod": 1.0, "amax": -math.inf, "amin": math.inf, "logsumexp": -math.inf}
    for name, expected in facts.items():
        assert getattr(masked, name)(x, mask=none).item() == expected
    for name in ("mean", "var", "std"):
        assert math.isnan(getattr(masked, name)(x, mask=none).item())
    assert masked.amax(x.long(), mask=none).item() == -(2**63)
    assert masked.softmax(x, 0, mask=none).isnan().all()
    assert masked.norm(x, -math.inf, mask=none).item() == math.inf


def test_dtypes_and_refusals() -> None:
    ones = torch.ones(2, 3, dtype=torch.int8)
    assert masked.sum(ones, 1).dtype is masked.prod(ones > 0, 1).dtype is torch.int64
    assert masked.cumsum(ones, 1).dtype is torch.int8
    assert masked.argmax(ones.float(), 1).dtype is torch.float32
    with pytest.raises(ValueError, match="Could not infer output dtype"):
        masked.mean(ones)
    with pytest.raises(NotImplementedError, match=r"identity of amax on torch\.bool input"):
        masked.amax(ones > 0, mask=ones > 0)
    with pytest.raises(IndexError, match="mask dimensionality higher"):
        masked.sum(ones, mask=torch.ones(1, 2, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="no fully masked out rows"):
        masked.median(ones, 1, mask=ones > 1)
