"""Kernels that move elements do exactly what their NumPy forms do: layouts, sizes, dtypes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from flambeau.kernels.shared.resampling import Line
from tests.kernels.twins import close, random, twins

TYPES = [np.float32, np.float64, np.int64, np.int32, np.uint8, np.complex64, np.complex128]
types = pytest.mark.parametrize("dtype", [*TYPES, ml_dtypes.bfloat16], ids=str)


def numbers(*shape: int, dtype: Any = np.int64) -> Any:
    """Different small numbers of any dtype."""
    return (random(*shape) * 50).astype(np.int64).astype(dtype)


@types
@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0), (0, 1, 3, 2)], ids=str)
def test_permuted_copies(order, dtype):
    shared, compiled = twins("copying")
    x = numbers(3, 37, 33, 40, dtype=dtype).transpose(order)
    for array in (x, x[:, ::2, 1:], x[..., :5], np.broadcast_to(x[:1], (4, *x.shape[1:]))):
        shape = (array.size,)
        made = compiled.in_order(array, shape)
        assert made.flags.c_contiguous and not np.shares_memory(made, array)
        np.testing.assert_array_equal(made, shared.in_order(array, shape))


@types
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_running_sums(dim, dtype):
    shared, compiled = twins("scans")
    for x in (numbers(5, 300, 9, dtype=dtype), numbers(2, 3, 700, dtype=dtype).swapaxes(0, 1)):
        ours, theirs = compiled.cumsum(x, dim), shared.cumsum(x, dim)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_running_sums_round_once():
    shared, compiled = twins("scans")
    x = random(3, 5000, dtype=np.float32)
    exact = np.cumsum(x, axis=1, dtype=np.float64).astype(np.float32)
    for form in (shared, compiled):
        np.testing.assert_array_equal(form.cumsum(x, 1), exact)


def places(shape: tuple[int, ...], size: int) -> Any:
    return np.random.default_rng(3).integers(0, size, shape)


@types
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_gathered(dim, dtype):
    shared, compiled = twins("gather_scatter")
    x = numbers(6, 20, 7, dtype=dtype).swapaxes(0, 2)
    covering = [11 if d == dim else n for d, n in enumerate(x.shape)]
    for shape in (tuple(covering), (2, 3, 1)):
        index = places(shape, x.shape[dim])
        ours, theirs = [form.gathered(x, index, dim) for form in (compiled, shared)]
        np.testing.assert_array_equal(ours, theirs)


@types
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_scatter_added(dim, in_place, dtype):
    shared, compiled = twins("gather_scatter")
    x = numbers(6, 20, 7, dtype=dtype).swapaxes(0, 2)
    source = numbers(30, 30, 30, dtype=dtype)
    covering = [25 if d == dim else n for d, n in enumerate(x.shape)]
    for shape in (tuple(covering), (2, 3, 1)):
        index = places(shape, x.shape[dim])
        targets = [x.copy("K"), x.copy("K")]
        ours, theirs = [
            form.scatter_added(target, index, source, dim, in_place)
            for form, target in zip((compiled, shared), targets)
        ]
        np.testing.assert_array_equal(ours, theirs)
        assert (ours is targets[0]) == in_place


@pytest.mark.parametrize("dim", [0, 1])
def test_indices_out_of_range_are_refused_before_anything_is_written(dim):
    for form in twins("gather_scatter"):
        x, index = numbers(4, 5), np.full((4, 5), 7)
        before = x.copy()
        with pytest.raises(RuntimeError, match="out of bounds"):
            form.gathered(x, index, dim)
        with pytest.raises(RuntimeError, match="out of bounds"):
            form.scatter_added(x, index, x, dim, True)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("mode", "antialias"),
    [("nearest", False), ("linear", False), ("linear", True), ("cubic", False), ("cubic", True)],
)
def test_resizing(mode, antialias, transposed):
    shared, compiled = twins("resampling")
    lines = tuple([Line(n, m, mode, False, 0, antialias) for n, m in ((9, 14), (16, 11))])
    sizes = [line.size if transposed else line.extent for line in lines]
    for dtype in (np.float32, np.float64):
        x = random(3, *sizes, 5, dtype=dtype).transpose(0, 3, 1, 2)
        results = [form.resample(x, lines, transposed) for form in (compiled, shared)]
        close(*results, dtype)
