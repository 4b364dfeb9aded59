"""Values and errors of PyTorch 2.13, measured once, in both forms of the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.kernels.twins import twins

NAN, INF = np.nan, np.inf


@pytest.fixture(params=["numpy", "numba"])
def form(request: pytest.FixtureRequest) -> Any:
    """The module of a family of kernels, in one form; falls back as the choice of a form does."""

    def find(family: str) -> Any:
        shared, compiled = twins(family)
        chosen = vars(shared) | (vars(compiled) if request.param == "numba" else {})
        return type(
            family,
            (),
            {name: staticmethod(value) for name, value in chosen.items() if callable(value)},
        )

    return find


def test_last_nan_and_first_maximum_win(form):
    x = np.array([[1, NAN, 3, NAN], [4, 5, NAN, 7], [-INF, -INF, 1, 1], [-INF, -INF, 1, 1]])
    two, one = (2, 2), (1, 1)
    for dtype in (np.float32, np.float64):
        values, indices = form("pooling").max_pool_forward(
            x.astype(dtype)[None, None], two, two, (0, 0), one, False
        )
        assert np.array_equal(values[0, 0], [[NAN, NAN], [-INF, 1]], equal_nan=True)
        assert indices.dtype == np.int64 and indices[0, 0].tolist() == [[1, 6], [8, 10]]


def test_index_of_windows_without_numbers(form):
    x = np.full((1, 1, 5), -INF)
    _, indices = form("pooling").max_pool_forward(x, (3,), (1,), (1,), (1,), False)
    assert indices.tolist() == [[[0, 0, 1, 2, 3]]]


def test_ceil_mode_divides_by_what_is_there(form):
    x = np.arange(1.0, 6).reshape(1, 1, 5)
    forward = form("pooling").avg_pool_forward
    assert forward(x, (2,), (2,), (0,), True, True, None).tolist() == [[[1.5, 3.5, 5.0]]]
    assert forward(x, (2,), (2,), (1,), True, True, None).tolist() == [[[0.5, 2.5, 4.5]]]
    assert forward(x, (2,), (2,), (1,), True, False, None).tolist() == [[[1.0, 2.5, 4.5]]]


def test_integers_are_pooled(form):
    x = np.arange(16).reshape(1, 1, 4, 4)
    values, _ = form("pooling").max_pool_forward(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
    assert values.tolist() == [[[[5, 7], [13, 15]]]]


def test_softmax_of_infinities(form):
    x = np.array([[-INF, -INF], [INF, 0], [NAN, 0], [-INF, 0]], np.float32)
    expected = [[NAN, NAN], [NAN, NAN], [NAN, NAN], [0, 1]]
    assert np.array_equal(form("normalization").softmax(x, 1), expected, equal_nan=True)
    masked = np.array([[0.0, -200.0]], np.float32)
    assert form("normalization").softmax(masked, 1).tolist() == [[1, 0]]


def test_batch_norm_gives_the_unbiased_variance(form):
    x = np.arange(12.0).reshape(2, 2, 3)
    _, mean, rstd, var = form("normalization").batch_norm_forward(
        x, None, None, None, None, True, 0.0
    )
    assert mean.tolist() == [4, 7]
    np.testing.assert_allclose(var, [11.6, 11.6])
    np.testing.assert_allclose(rstd, (11.6 * 5 / 6) ** -0.5)


@pytest.mark.parametrize("bad", [5, -1])
@pytest.mark.parametrize("rows", [3, 4000])
def test_targets_out_of_bounds(form, bad, rows):
    target = np.zeros(rows, np.int64)
    target[rows // 2] = bad
    message = f"^Target {bad} is out of bounds.$"
    with pytest.raises(IndexError, match=message):
        form("losses").cross_entropy_forward(np.zeros((rows, 5)), target, None, -100, 0.0)
    with pytest.raises(IndexError, match=message):
        form("losses").nll_loss_forward(np.zeros((rows, 5)), target, None, -100)


def test_cross_entropy_mean_divides_by_the_weights(form):
    logits = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -0.5], [1.5, 0.25, -1.0]])
    weight, target = np.array([0.2, 1.0, 2.0]), np.array([2, 0, -100])
    loss, _, share = form("losses").cross_entropy_forward(logits, target, weight, -100, 0.1)
    assert loss[2] == share[2] == 0
    np.testing.assert_allclose(loss.sum() / share.sum(), 0.4499481471532986, rtol=1e-12)


def test_indices_out_of_range(form):
    for bad in (-1, 10):
        with pytest.raises(IndexError, match=r"^index out of range in self$"):
            form("embedding").embedding_forward(np.zeros((10, 4)), np.array([[0, bad]]))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((0.9, 0.0, 0.0, False, False), 0.46),
        ((0.9, 0.5, 0.0, False, False), 0.54),
        ((0.9, 0.0, 0.0, True, False), 0.2224),
    ],
)
def test_two_steps_of_sgd_on_a_square(form, options, expected):
    w, buffers = np.array([1.0]), [None]
    for _ in range(2):
        buffers = form("optimizers").sgd_step([w], [2 * w], buffers, 0.1, *options)
    np.testing.assert_allclose(w, expected)


@pytest.mark.parametrize(("decay", "expected"), [(0.0, 0.80041), (0.01, 0.79852)])
def test_two_steps_of_adam_on_a_square(form, decay, expected):
    w, mean, square = np.array([1.0]), np.zeros(1), np.zeros(1)
    for step in (1.0, 2.0):
        form("optimizers").adam_step(
            [w], [2 * w], [mean], [square], None, [step], 0.1, 0.9, 0.999, decay, 1e-8, False, True
        )
    np.testing.assert_allclose(w, expected, atol=5e-5)
