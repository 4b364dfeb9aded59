"""Compiles the kernels that training uses, so that no first call waits: ``flambeau warmup``."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from flambeau.kernels.cpu import (
    attention,
    convolution,
    copying,
    embedding,
    gather_scatter,
    losses,
    normalization,
    optimizers,
    pointwise_activation,
    pointwise_special,
    pooling,
    recurrent,
    reductions,
    resampling,
    scans,
    sorting,
)
from flambeau.kernels.cpu.compiler import cache_folder
from flambeau.kernels.shared.resampling import Line


def _ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def _convolution() -> None:
    for channels, stride in ((16, (1, 1)), (3, (2, 2))):
        x, weight = _ones(8, channels, 16, 16), _ones(16, channels, 3, 3)
        rest = stride, (1, 1), (1, 1), 1
        y = convolution.conv_forward(x, weight, None, *rest)
        convolution.conv_input_grad(y, weight, x.shape, *rest)
        convolution.conv_weight_grad(y, x, weight.shape, *rest)


def _pooling() -> None:
    x, window = _ones(2, 3, 8, 8), ((2, 2), (2, 2), (0, 0))
    y, indices = pooling.max_pool_forward(x, *window, (1, 1), False)
    pooling.max_pool_backward(y, indices, x.shape)
    y = pooling.avg_pool_forward(x, *window, False, True, None)
    pooling.avg_pool_backward(y, x.shape, *window, False, True, None)
    pooling.adaptive_avg_pool_forward(x, (1, 1))


def _normalization() -> None:
    x, needs = _ones(8, 4, 16), (True, True, True)
    for name in ("softmax", "log_softmax"):
        y = getattr(normalization, name)(x, -1)
        getattr(normalization, f"{name}_backward")(x, y, -1)
    _, mean, rstd = normalization.layer_norm_forward(x, None, None, 1, 1e-5)
    normalization.layer_norm_backward(x, x, mean, rstd, None, 1, needs)
    _, mean, rstd, _ = normalization.batch_norm_forward(x, None, None, None, None, True, 1e-5)
    normalization.batch_norm_backward(x, x, None, mean, rstd, True, needs)


def _losses() -> None:
    for shape in ((8, 10), (2, 10, 4, 4)):
        x, target = _ones(*shape), np.zeros((shape[0], *shape[2:]), np.int64)
        loss, log_sum, _ = losses.cross_entropy_forward(x, target, None, -100, 0.0)
        losses.cross_entropy_backward(loss, x, log_sum, target, None, -100, 0.0)
    embedding.embedding_backward(_ones(4, 8), np.zeros(4, np.int64), 5, None, False)


def _optimizers() -> None:
    arrays = [_ones(4)]
    optimizers.sgd_step(arrays, arrays, arrays, 0.1, 0.9, 0, 0, False, False)
    optimizers.adam_step(
        arrays, arrays, arrays, arrays, None, [1.0], 0.1, 0.9, 0.99, 0, 1e-8, False, True
    )


def _pointwise() -> None:
    x = _ones(4)
    pointwise_activation.relu(x)
    pointwise_activation.gelu(x, "none")
    pointwise_activation.gelu_backward(x, x, "none")
    pointwise_special.erf(x)


def _reductions() -> None:
    x = _ones(4, 60)
    reductions.extreme(x, 1, False, True)
    reductions.variance(x, (1,), False, 1)
    sorting.sort(x, 1, False, True)


def _recurrent() -> None:
    x, h, biases = _ones(3, 2, 4), _ones(2, 4), (None, None)
    for name, gates, states in (("lstm", 4, (h, h)), ("gru", 3, (h,)), ("rnn", 1, (h,))):
        inputs, params = (x, *states, *[_ones(4 * gates, 4)] * 2), (False,) * (1 + (gates == 1))
        made = getattr(recurrent, f"{name}_forward")(*inputs, *biases, *params)
        out, *kept = made if isinstance(made, tuple) else (made,)
        grads = (out, kept.pop(0)) if gates == 4 else (out,)
        getattr(recurrent, f"{name}_backward")(*grads, *inputs, out, *kept, *params, False)


def _attention() -> None:
    x = _ones(1, 2, 3, 4)
    made = attention.attention_forward(x, x, x, True, 0.5)
    attention.attention_backward(x, x, x, x, *made, True, 0.5)


def _movement() -> None:
    x, index = _ones(20, 20), np.zeros((20, 20), np.int64)
    copying.in_order(x.T, (400,))
    scans.cumsum(x, 1)
    gather_scatter.gathered(x, index, 1)
    gather_scatter.scatter_added(x, index, x, 1)
    resampling.resample(x, (Line(20, 40, "linear", False, 0, False),), False)


FAMILIES: dict[str, Callable[[], None]] = {
    "convolution": _convolution,
    "pooling": _pooling,
    "normalisation and softmax": _normalization,
    "losses and embedding": _losses,
    "recurrent layers": _recurrent,
    "attention": _attention,
    "optimizers": _optimizers,
    "activations": _pointwise,
    "reductions and sorting": _reductions,
    "copies, scans, gathering and resizing": _movement,
}


def warmup(report: Callable[[str], None] = print) -> None:
    """Compiles the float32 kernels of every family into the cache, with a line for each.

    What the cache holds already is only loaded. Kernels for other dtypes are compiled at first use.
    """
    for name, run in FAMILIES.items():
        start = perf_counter()
        run()
        report(f"{name}: {perf_counter() - start:.1f} s")
    report(f"kept in {cache_folder()}" if cache_folder() else "no cache folder can be written")
