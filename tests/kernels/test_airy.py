"""The Airy function of our own, where the array library has none."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import scipy.special

import flambeau as torch
from flambeau.kernels.shared.airy import airy


def test_airy_is_scipys() -> None:
    """To 1e-13 of what the function swings by; its phase grows as ``|x| ** 1.5``."""
    x = np.concatenate([np.linspace(-30, 15, 3001), [-2.5, 2.5, 0.0]])
    expected = scipy.special.airy(x)[0]
    swing = np.where(x < 0, np.maximum(np.abs(x), 0.1) ** -0.25 / np.sqrt(np.pi), expected)
    assert (np.abs(airy(x) - expected) < 1e-13 * swing).all()


def test_airy_keeps_shapes_and_dtypes() -> None:
    ends = airy(np.array([np.inf, -np.inf, np.nan, 1e5], np.float32))
    assert ends.dtype == np.float32 and np.isnan(ends[:3]).all() and ends[3] == 0
    assert airy(np.zeros((2, 0))).shape == (2, 0)
    assert abs(float(airy(np.array(0.0))) - 0.3550280538878172) < 1e-15


def test_airy_on_cuda(cuda: ModuleType) -> None:
    x = torch.linspace(-9, 9, 61)
    there = torch.special.airy_ai(x.cuda()).cpu()
    torch.testing.assert_close(there, torch.special.airy_ai(x), rtol=1e-5, atol=1e-7)
