"""Distinct elements by counting are those by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flambeau.kernels.shared.uniques import distinct


@given(
    st.lists(st.integers(-128, 127), max_size=40),
    st.sampled_from(["int8", "int16", "int64", "bool"]),
)
def test_counting_and_sorting_agree(numbers: list[int], dtype: str) -> None:
    flat = np.array(numbers, np.int64).astype(dtype)
    values, inverse, counts = distinct(flat)
    expected = np.unique(flat, return_inverse=True, return_counts=True)
    for ours, theirs in zip((values, inverse, counts), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert values.dtype == flat.dtype


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_far_apart_are_sorted(dtype: type) -> None:
    limits = np.iinfo(dtype)
    flat = np.array([limits.max, limits.min, 7, limits.max, 7], dtype)
    values, inverse, counts = distinct(flat)
    np.testing.assert_array_equal(values, np.array([limits.min, 7, limits.max], dtype))
    np.testing.assert_array_equal(values[inverse], flat)
    assert counts.tolist() == [1, 2, 2]


def test_each_nan_is_distinct() -> None:
    values, _, counts = distinct(np.array([np.nan, 1.0, np.nan, 1.0]))
    assert len(values) == 3 and counts.tolist() == [2, 1, 1]
