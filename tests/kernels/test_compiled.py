"""Each compiled kernel does what its NumPy form does: dtypes, layouts, sizes and NaN."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.kernels.twins import DTYPES, channels_last, close, random, twins

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)


def both(family: str, name: str, *arguments: Any, dtype: Any, scale: float = 1) -> Any:
    """Compares the two forms of one kernel; returns the result."""
    shared, compiled = twins(family)
    expected = getattr(shared, name)(*arguments)
    close(getattr(compiled, name)(*arguments), expected, dtype, scale)
    return expected


def strange(*shape: int, dtype: Any) -> Any:
    """Numbers, some of them NaN and infinite, in a transposed array with gaps."""
    x = random(*shape[:-2], shape[-1] * 2, shape[-2], dtype=dtype)
    x.reshape(-1)[5::31], x.reshape(-1)[7::37] = -np.inf, np.nan
    return x[..., ::-2, :].swapaxes(-1, -2)


# ---- convolution

CONVOLUTIONS = [
    ((4, 16, 12, 13), (24, 16, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # Winograd
    ((8, 32, 9, 9), (16, 32, 3, 3), (1, 1), (0, 2), (1, 1), 1),
    ((2, 6, 13, 11), (40, 6, 3, 3), (2, 2), (1, 1), (1, 1), 1),  # dealt by two
    ((3, 4, 20, 40), (6, 2, 5, 3), (2, 3), (2, 1), (1, 2), 2),
    ((70, 3, 4, 4), (5, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # images share panels
    ((2, 48, 6, 6), (80, 48, 1, 1), (2, 2), (0, 0), (1, 1), 1),
    ((2, 40, 7, 7), (56, 40, 3, 3), (1, 1), (2, 2), (2, 2), 1),
    ((3, 32, 8, 8), (32, 1, 3, 3), (1, 1), (1, 1), (1, 1), 32),
    ((2, 6, 15, 14), (12, 1, 3, 5), (2, 1), (1, 2), (1, 2), 6),  # depthwise
    ((2, 6, 15), (6, 1, 3), (3,), (1,), (1,), 6),
    ((3, 8, 50), (12, 8, 5), (2,), (2,), (1,), 1),
    ((1, 2, 4, 5, 6), (3, 2, 2, 2, 2), (1, 1, 1), (1, 0, 1), (1, 1, 1), 1),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(case):
    shape, weight_shape, *options = case
    x, bias = random(*shape, dtype=np.float32), random(weight_shape[0], dtype=np.float32)
    weight = (random(*weight_shape) / np.prod(weight_shape[1:]) ** 0.5).astype(np.float32)
    kernel = "convolution"
    y = both(kernel, "conv_forward", x, weight, bias, *options, dtype=np.float32)
    grad = random(*y.shape, dtype=np.float32)
    both(kernel, "conv_input_grad", grad, weight, shape, *options, dtype=np.float32)
    both(kernel, "conv_weight_grad", grad, x, weight_shape, *options, dtype=np.float32)


@dtypes
def test_convolution_of_other_layouts(dtype):
    x, weight = channels_last(random(2, 16, 9, 8, dtype=dtype)), random(8, 16, 3, 3, dtype=dtype)
    options = (2, 1), (1, 1), (1, 1), 1
    y = both("convolution", "conv_forward", x, weight, None, *options, dtype=dtype)
    grad, turned = channels_last(random(*y.shape, dtype=dtype)), weight.swapaxes(2, 3)
    both("convolution", "conv_input_grad", grad, turned, x.shape, *options, dtype=dtype)
    both("convolution", "conv_weight_grad", grad, x, weight.shape, *options, dtype=dtype)


@pytest.mark.parametrize("shape", [(0, 3, 5, 5), (2, 0, 5, 5), (2, 3, 2, 2)])
def test_empty_convolution(shape):
    x, weight = np.ones(shape, np.float32), np.ones((4, shape[1], 3, 3), np.float32)
    options = (1, 1), (0, 0), (1, 1), 1
    y = both("convolution", "conv_forward", x, weight, None, *options, dtype=np.float32)
    both("convolution", "conv_input_grad", y, weight, shape, *options, dtype=np.float32)
    both("convolution", "conv_weight_grad", y, x, weight.shape, *options, dtype=np.float32)


# ---- pooling

POOLS = [
    ((3, 4, 17, 33), (2, 2), (2, 2), (0, 0), (1, 1)),
    ((3, 4, 17, 33), (3, 3), (1, 3), (1, 1), (1, 2)),
    ((2, 3, 40), (3,), (2,), (1,), (1,)),
    ((1, 2, 5, 6, 7), (2, 3, 2), (2, 2, 1), (1, 1, 0), (1, 1, 1)),
    ((2, 3, 7, 7), (2, 2), (3, 3), (0, 0), (1, 1)),
]


@dtypes
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_pooling(dtype, case):
    shape, kernel, stride, padding, dilation = case
    plain, odd = random(*shape, dtype=dtype), strange(*shape, dtype=dtype)
    for x, ceil_mode in product((plain, odd), (False, True)):
        options = kernel, stride, padding, dilation, ceil_mode
        y, indices = both("pooling", "max_pool_forward", x, *options, dtype=dtype)
        grad = random(*y.shape, dtype=dtype)
        both("pooling", "max_pool_backward", grad, indices, shape, dtype=dtype)
    for ceil_mode, inside, divisor in ((False, True, None), (True, False, None), (True, True, 5)):
        options = kernel, stride, padding, ceil_mode, inside, divisor
        y = both("pooling", "avg_pool_forward", plain, *options, dtype=dtype)
        grad = random(*y.shape, dtype=dtype)
        both("pooling", "avg_pool_backward", grad, shape, *options, dtype=dtype)


@dtypes
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (20, 9)], ids=str)
def test_adaptive_pooling(dtype, size):
    x = random(3, 4, 10, 9, dtype=dtype)
    y = both("pooling", "adaptive_avg_pool_forward", x, size, dtype=dtype)
    both("pooling", "adaptive_avg_pool_backward", y, x.shape, dtype=dtype)
    both(
        "pooling", "adaptive_max_pool_forward", strange(3, 4, 10, 9, dtype=dtype), size, dtype=dtype
    )


# ---- normalisation


@dtypes
@pytest.mark.parametrize(
    ("shape", "dim"), [((40, 70), 1), ((40, 70), 0), ((3, 4, 5), -1), ((9,), 0)]
)
def test_softmax(dtype, shape, dim):
    grad = random(*shape, dtype=dtype)
    inputs = [random(*shape, dtype=dtype)]
    inputs += [strange(*shape, dtype=dtype)] if len(shape) > 1 else []
    for name, x in product(("softmax", "log_softmax"), inputs):
        y = both("normalization", name, x, dim, dtype=dtype)
        both("normalization", f"{name}_backward", grad, y, dim, dtype=dtype)


@pytest.mark.parametrize(("shape", "dim"), [((0, 4), 1), ((4, 0), 1), ((4, 0), 0), ((), 0)])
def test_empty_softmax(shape, dim):
    for name in ("softmax", "log_softmax"):
        y = both("normalization", name, np.zeros(shape), dim, dtype=np.float64)
        assert isinstance(y, np.ndarray) and y.shape == shape


@dtypes
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_row_norms(dtype, affine, count):
    x, grad = random(50, 6, 33, dtype=dtype) * dtype(3), random(50, 6, 33, dtype=dtype)
    shape = x.shape[3 - count :]
    weight, bias = [random(*shape, dtype=dtype, seed=s) if affine else None for s in (1, 2)]
    family, options = "normalization", {"dtype": dtype, "scale": 4}
    saved = both(family, "layer_norm_forward", x, weight, bias, count, 1e-5, **options)[1:]
    needs = (True, affine, affine)
    both(family, "layer_norm_backward", grad, x, *saved, weight, count, needs, **options)
    _, rstd = both(family, "rms_norm_forward", x, weight, count, 1e-5, **options)
    both(family, "rms_norm_backward", grad, x, rstd, weight, count, needs[:2], **options)


@dtypes
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", [(6, 8, 9, 7), (30, 8), (5, 8, 40)], ids=str)
def test_batch_and_group_norm(dtype, affine, shape):
    x, grad = random(*shape, dtype=dtype) * dtype(2) + dtype(3), random(*shape, dtype=dtype)
    weight, bias = [random(8, dtype=dtype, seed=s) if affine else None for s in (1, 2)]
    mean, var = random(8, dtype=dtype), np.abs(random(8, dtype=dtype, seed=3)) + dtype(0.5)
    family, options, needs = "normalization", {"dtype": dtype, "scale": 8}, (True, affine, affine)
    for training in (True, False):
        given = (mean, var, training, 1e-5)
        saved = both(family, "batch_norm_forward", x, weight, bias, *given, **options)[1:3]
        arguments = grad, x, weight, *saved, training, needs
        both(family, "batch_norm_backward", *arguments, **options)
    saved = both(family, "group_norm_forward", x, weight, bias, 2, 1e-5, **options)[1:]
    both(family, "group_norm_backward", grad, x, *saved, weight, 2, needs, **options)


# ---- losses, embedding, optimizers


@dtypes
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(60, 11), (3, 5, 20, 30)], ids=str)
def test_cross_entropy(dtype, smoothing, weighted, shape):
    x, classes = strange(*shape, dtype=dtype), shape[1]
    if len(shape) == 2:
        x = random(*shape, dtype=dtype)
    target = np.random.default_rng(1).integers(0, classes, (shape[0], *shape[2:]))
    target.reshape(-1)[::5] = -100
    weight = np.abs(random(classes, dtype=dtype)) if weighted else None
    options = target, weight, -100, smoothing
    _, log_sum, _ = both("losses", "cross_entropy_forward", x, *options, dtype=dtype, scale=4)
    grad = random(*target.shape, dtype=dtype)
    both("losses", "cross_entropy_backward", grad, x, log_sum, *options, dtype=dtype, scale=4)


@dtypes
@pytest.mark.parametrize("index_dtype", [np.int64, np.int32])
@pytest.mark.parametrize(("padding", "by_frequency"), [(None, False), (3, True)])
def test_embedding_gradient(dtype, index_dtype, padding, by_frequency):
    indices = np.random.default_rng(0).integers(0, 30, (40, 20)).astype(index_dtype)
    grad = random(40, 20, 16, dtype=dtype)
    options = indices, 30, padding, by_frequency
    both("embedding", "embedding_backward", grad, *options, dtype=dtype, scale=4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [0, 7, 400])
def test_rows_of_sparse_matrices(dtype, count):
    draw = np.random.default_rng(count)
    lengths = np.bincount(draw.integers(0, 20, count), minlength=20)
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    parts = random(count, dtype=dtype), draw.integers(0, 30, count), pointers
    dense = random(30, 17, dtype=dtype)
    both("sparse.rows", "rows_times", *parts, dense, dtype=dtype)
    others = random(60, dtype=dtype), np.arange(60) % 13, np.arange(0, 61, 2)
    both("sparse.rows", "rows_by_rows", *parts, others, 13, dtype=dtype)


SHAPES = [(8, 8), (3,), (), (40, 50), (0,), (20000,)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("option", [False, True])
def test_optimizers(dtype, maximize, option):
    """A mirror of both forms through three steps; one gradient is a transposed array."""
    results = []
    for optimizer in [module for module in twins("optimizers")]:
        params = [random(*shape, dtype=dtype) if shape else np.ones((), dtype) for shape in SHAPES]
        means, squares, tops, moved = ([np.zeros_like(p) for p in params] for _ in range(4))
        buffers, others = [None] * len(params), [p.copy() for p in params]
        for step in (1.0, 2.0, 3.0):
            grads = [np.asarray(p * p - dtype(step)) for p in others]
            grads[3] = np.asfortranarray(grads[3])
            buffers = optimizer.sgd_step(
                params, grads, buffers, 0.1, 0.9, 0.5 * option, 0.01, not option, maximize
            )
            options = 0.01, 0.9, 0.999, 0.1, 1e-8, maximize, option
            optimizer.adam_step(
                others, grads, means, squares, tops if option else None, [step] * 6, *options
            )
            optimizer.sgd_step(moved, grads, [None] * 6, 0.1, 0, 0, 0, False, maximize)
        results.append((*params, *others, *means, *squares, *tops, *buffers, *moved))
    close(results[1], results[0], dtype, 0.05 if dtype is np.float32 else 1)


# ---- pointwise


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations(dtype):
    x = random(60, 50, dtype=dtype) * dtype(4)
    x[0, :6] = np.nan, np.inf, -np.inf, 0, -0.0, 100
    grad, family = random(60, 50, dtype=dtype), "pointwise_activation"
    for name, options in (("sigmoid", ()), ("silu", ()), ("gelu", ("none",)), ("gelu", ("tanh",))):
        both(family, name, x, *options, dtype=dtype)
        both(family, name, x.T, *options, dtype=dtype)
        if options or name == "silu":
            both(family, f"{name}_backward", grad, x, *options, dtype=dtype)
    for name in ("sigmoid_backward", "tanh_backward"):
        both(family, name, grad, np.tanh(x), dtype=dtype)
    both(family, "threshold_backward", grad, x, 0.0, dtype=dtype)
    both("pointwise_special", "erf", x, dtype=dtype)


# ---- order and reductions


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("shape", "dim"), [((7, 5), 1), ((6, 400), 1), ((300, 3), 0), ((60,), 0)])
def test_sorting(dtype, descending, shape, dim):
    """With ties, NaN, infinities and both zeros."""
    x = (random(*shape) * 3).round(1)
    if np.dtype(dtype).kind == "f":
        x.reshape(-1)[::9], x.reshape(-1)[1::7], x.reshape(-1)[2::17] = np.nan, -0.0, np.inf
    x = x.astype(dtype)
    shared, compiled = twins("sorting")
    for name, options in (("sort", ()), ("topk", (max(1, shape[dim] // 3),))):
        arguments = x, *options, dim, descending, True
        expected, found = getattr(shared, name)(*arguments), getattr(compiled, name)(*arguments)
        for ours, theirs in zip(found, expected):
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize(
    ("shape", "dim"), [((7, 500), 1), ((70, 300), 0), ((3, 40, 6), 1), ((9,), -1)]
)
def test_reductions(dtype, shape, dim):
    x = (random(*shape) * 3).round(1).astype(dtype)
    odd = x.copy()
    if np.dtype(dtype).kind == "f":
        odd.reshape(-1)[::19], odd.reshape(-1)[2::17] = np.nan, np.inf
    for keepdim, largest, values in product((False, True), (False, True), (x, odd)):
        both("reductions", "extreme", values, dim, keepdim, largest, dtype=np.float64)
        both("reductions", "arg_extreme", values, dim, keepdim, largest, dtype=np.float64)
    if np.dtype(dtype).kind == "f":
        for dims, correction in (((dim,), 1), (tuple(range(len(shape))), 0), ((0,), shape[0])):
            both("reductions", "variance", x, dims, True, correction, dtype=dtype)
