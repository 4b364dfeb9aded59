"""The kernels by family, as (NumPy form, compiled form), and random arrays to feed them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import pytest

Array = Any
DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12, np.float16: 2e-3, ml_dtypes.bfloat16: 1.6e-2}


def twins(family: str) -> tuple[ModuleType, ModuleType]:
    """The shared module and its compiled twin; skips where Numba is missing."""
    pytest.importorskip("numba")
    names = [f"flambeau.kernels.{place}.{family}" for place in ("shared", "cpu")]
    shared, compiled = map(import_module, names)
    return shared, compiled


def random(*shape: int, dtype: Any = np.float64, seed: int = 0) -> Array:
    """Normal numbers."""
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(dtype)


def channels_last(array: Array) -> Array:
    """The same numbers with the channels innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


def close(ours: Any, theirs: Any, dtype: Any = np.float64, scale: float = 1) -> None:
    """Two results agree: shapes, dtypes, NaN and values, relative to the greatest."""
    if isinstance(theirs, tuple):
        for pair in zip(ours, theirs, strict=True):
            close(*pair, dtype, scale)
        return
    if theirs is None:
        assert ours is None
        return
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    finite = np.isfinite(b)
    assert np.array_equal(a[~finite], b[~finite], equal_nan=True)
    limit = TOLERANCE[dtype] * scale * np.abs(b[finite]).max(initial=1)
    assert np.abs(a[finite] - b[finite]).max(initial=0) <= limit
