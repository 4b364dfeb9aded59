"""The NumPy forms: gradients are the derivatives of the forward kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flambeau.kernels.shared import convolution as conv
from flambeau.kernels.shared import embedding, losses
from flambeau.kernels.shared import normalization as norm
from flambeau.kernels.shared import pooling as pool
from tests.kernels.twins import random

Array = Any


def derivative(forward: Callable[[Array], Array], x: Array, grad: Array) -> Array:
    """The gradient of ``(forward(x) * grad).sum()`` by central differences."""
    result, step = np.empty(x.shape), 1e-6
    for place in np.ndindex(*x.shape):
        kept = x[place]
        x[place] = kept + step
        up = forward(x)
        x[place] = kept - step
        result[place] = ((up - forward(x)) * grad).sum() / (2 * step)
        x[place] = kept
    return result


def check(forward: Callable[[Array], Array], backward: Callable[[Array], Array], x: Array) -> None:
    grad = random(*forward(x).shape, seed=7)
    np.testing.assert_allclose(backward(grad), derivative(forward, x, grad), atol=1e-7)


@pytest.mark.parametrize(
    ("shape", "weight_shape", "options"),
    [
        ((2, 3, 7), (4, 3, 3), ((2,), (1,), (1,), 1)),
        ((1, 4, 6, 5), (4, 2, 3, 2), ((2, 1), (1, 0), (1, 2), 2)),
        ((1, 2, 4, 3, 4), (2, 2, 2, 2, 3), ((1, 2, 1), (0, 1, 1), (1, 1, 1), 1)),
    ],
)
def test_convolution(shape, weight_shape, options):
    x, weight = random(*shape), random(*weight_shape)
    check(
        lambda x: conv.conv_forward(x, weight, None, *options),
        lambda grad: conv.conv_input_grad(grad, weight, shape, *options),
        x,
    )
    check(
        lambda weight: conv.conv_forward(x, weight, None, *options),
        lambda grad: conv.conv_weight_grad(grad, x, weight_shape, *options),
        weight,
    )


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("inside", "divisor"), [(True, None), (False, None), (True, 3)])
def test_average_pooling(ceil_mode, inside, divisor):
    options = (3, 2), (2, 1), (1, 1), ceil_mode, inside, divisor
    x = random(1, 2, 6, 5)
    check(
        lambda x: pool.avg_pool_forward(x, *options),
        lambda grad: pool.avg_pool_backward(grad, x.shape, *options),
        x,
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 9)])
def test_adaptive_pooling(size):
    x = random(1, 2, 5, 4)
    check(
        lambda x: pool.adaptive_avg_pool_forward(x, size),
        lambda grad: pool.adaptive_avg_pool_backward(grad, x.shape),
        x,
    )
    _, indices = pool.adaptive_max_pool_forward(x, size)
    check(
        lambda x: pool.adaptive_max_pool_forward(x, size)[0],
        lambda grad: pool.max_pool_backward(grad, indices, x.shape),
        x,
    )


def test_maximum_pooling():
    x, options = random(2, 2, 6, 7), ((3, 2), (2, 2), (1, 0), (1, 2), True)
    _, indices = pool.max_pool_forward(x, *options)
    check(
        lambda x: pool.max_pool_forward(x, *options)[0],
        lambda grad: pool.max_pool_backward(grad, indices, x.shape),
        x,
    )


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax(name, dim):
    forward, backward = getattr(norm, name), getattr(norm, f"{name}_backward")
    x = random(3, 4, 2)
    check(lambda x: forward(x, dim), lambda grad: backward(grad, forward(x, dim), dim), x)


def test_row_norms():
    x, weight, bias = random(3, 4, 5), random(4, 5), random(4, 5, seed=1)
    _, mean, rstd = norm.layer_norm_forward(x, weight, bias, 2, 1e-5)
    needs = (True, True, True)
    for which, argument in enumerate((x, weight, bias)):

        def forward(_: Array) -> Array:
            return norm.layer_norm_forward(x, weight, bias, 2, 1e-5)[0]

        def backward(grad: Array, which: int = which) -> Array:
            return norm.layer_norm_backward(grad, x, mean, rstd, weight, 2, needs)[which]

        check(forward, backward, argument)
    _, rstd = norm.rms_norm_forward(x, weight, 2, 1e-5)
    for which, argument in enumerate((x, weight)):
        check(
            lambda _: norm.rms_norm_forward(x, weight, 2, 1e-5)[0],
            lambda grad, which=which: norm.rms_norm_backward(
                grad, x, rstd, weight, 2, (True, True)
            )[which],
            argument,
        )


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(training):
    x, weight, bias = random(3, 4, 5), random(4), random(4, seed=1)
    mean, var = random(4, seed=2), np.abs(random(4, seed=3)) + 0.5
    options = mean, var, training, 1e-5
    _, save_mean, save_rstd, _ = norm.batch_norm_forward(x, weight, bias, *options)
    saved = save_mean, save_rstd, training, (True, True, True)
    for which, argument in enumerate((x, weight, bias)):
        check(
            lambda _: norm.batch_norm_forward(x, weight, bias, *options)[0],
            lambda grad, which=which: norm.batch_norm_backward(grad, x, weight, *saved)[which],
            argument,
        )


def test_group_norm():
    x, weight, bias = random(2, 6, 3), random(6), random(6, seed=1)
    _, mean, rstd = norm.group_norm_forward(x, weight, bias, 2, 1e-5)
    for which, argument in enumerate((x, weight, bias)):
        check(
            lambda _: norm.group_norm_forward(x, weight, bias, 2, 1e-5)[0],
            lambda grad, which=which: norm.group_norm_backward(
                grad, x, mean, rstd, weight, 2, (True, True, True)
            )[which],
            argument,
        )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("probable", [False, True])
def test_cross_entropy(smoothing, weighted, probable):
    x, weight = random(4, 3, 2), np.abs(random(3)) if weighted else None
    labels = np.array([[0, 1], [2, -100], [1, 1], [-100, 0]])
    target = np.abs(random(4, 3, 2, seed=1)) if probable else labels
    options = target, weight, -100, smoothing
    _, log_sum, _ = losses.cross_entropy_forward(x, *options)
    check(
        lambda x: losses.cross_entropy_forward(x, *options)[0],
        lambda grad: losses.cross_entropy_backward(grad, x, log_sum, *options),
        x,
    )


def test_negative_log_likelihood():
    x, target, weight = random(3, 4, 2), np.array([[0, 3], [1, 1], [2, 0]]), np.abs(random(4))
    check(
        lambda x: losses.nll_loss_forward(x, target, weight, 1)[0],
        lambda grad: losses.nll_loss_backward(grad, x.shape, target, weight, 1),
        x,
    )


def test_embedding():
    table, indices = random(5, 3), np.array([[1, 4], [1, 0]])
    check(
        lambda table: embedding.embedding_forward(table, indices),
        lambda grad: embedding.embedding_backward(grad, indices, 5, None, False),
        table,
    )
    grad = np.ones((2, 2, 3))
    padded = embedding.embedding_backward(grad, indices, 5, 4, True)
    assert padded[:, 0].tolist() == [1, 1, 0, 0, 0]
