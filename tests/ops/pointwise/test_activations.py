"""Activations and their gradients, against values stored from PyTorch 2.13."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import flambeau as torch
import flambeau.nn.functional as F

POINTS = [-4.0, -3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0, 25.0]
STORED = {
    "F.gelu(x)": (
        [
            -0.000126684967,
            -0.00404969409,
            -0.158655254,
            -0.154268769,
            0.0,
            0.149676581,
            0.841344746,
            2.99595031,
            25.0,
        ],
        [
            -0.000503649661,
            -0.0119456472,
            -0.0833154706,
            0.132504875,
            0.5,
            0.695373355,
            1.08331547,
            1.01194565,
            1.0,
        ],
    ),
    "F.gelu(x, approximate='tanh')": (
        [
            -7.02459482e-05,
            -0.00363739208,
            -0.158808009,
            -0.15428599,
            0.0,
            0.149675351,
            0.841191991,
            2.99636261,
            25.0,
        ],
        [
            -0.000335123197,
            -0.0115841666,
            -0.0829640838,
            0.132630096,
            0.5,
            0.695354095,
            1.08296408,
            1.01158417,
            1.0,
        ],
    ),
    "F.silu(x)": (
        [
            -0.0719448398,
            -0.14227762,
            -0.268941421,
            -0.188770334,
            0.0,
            0.140544125,
            0.731058579,
            2.85772238,
            25.0,
        ],
        [
            -0.0526646149,
            -0.088104106,
            0.0723294881,
            0.260038813,
            0.5,
            0.623710022,
            0.927670512,
            1.08810411,
            1.0,
        ],
    ),
    "F.mish(x)": (
        [
            -0.0725917408,
            -0.145647461,
            -0.303401461,
            -0.220743775,
            0.0,
            0.16957241,
            0.865098388,
            2.986535,
            25.0,
        ],
        [
            -0.0537732098,
            -0.0933931145,
            0.0592167559,
            0.289510678,
            0.6,
            0.754172668,
            1.04903622,
            1.02110691,
            1.0,
        ],
    ),
    "F.softplus(x, 2.0, 5.0)": (
        [
            0.000167703186,
            0.00123784257,
            0.0634640055,
            0.156630844,
            0.34657359,
            0.487038492,
            1.06346401,
            3.0,
            25.0,
        ],
        [
            0.00033535013,
            0.00247262316,
            0.119202922,
            0.268941421,
            0.5,
            0.622459331,
            0.880797078,
            1.0,
            1.0,
        ],
    ),
    "F.elu(x, 0.7)": (
        [-0.687179053, -0.665149052, -0.442484391, -0.275428538, 0.0, 0.25, 1.0, 3.0, 25.0],
        [0.0128209472, 0.0348509479, 0.257515609, 0.424571462, 0.7, 1.0, 1.0, 1.0, 1.0],
    ),
    "F.selu(x)": (
        [
            -1.72589863,
            -1.67056873,
            -1.11133074,
            -0.691758188,
            0.0,
            0.262675247,
            1.05070099,
            3.15210296,
            26.2675247,
        ],
        [
            0.0322007127,
            0.0875306121,
            0.646768603,
            1.06634115,
            1.75809934,
            1.05070099,
            1.05070099,
            1.05070099,
            1.05070099,
        ],
    ),
    "F.celu(x, 2.0)": (
        [-1.72932943, -1.55373968, -0.786938681, -0.442398434, 0.0, 0.25, 1.0, 3.0, 25.0],
        [0.135335283, 0.22313016, 0.60653066, 0.778800783, 1.0, 1.0, 1.0, 1.0, 1.0],
    ),
    "F.hardswish(x)": (
        [-0.0, -0.0, -0.333333333, -0.208333333, 0.0, 0.135416667, 0.666666667, 3.0, 25.0],
        [0.0, 0.0, 0.166666667, 0.333333333, 0.5, 0.583333333, 0.833333333, 1.0, 1.0],
    ),
    "F.logsigmoid(x)": (
        [
            -4.01814993,
            -3.04858735,
            -1.31326169,
            -0.974076984,
            -0.693147181,
            -0.57593942,
            -0.313261688,
            -0.0485873516,
            -1.38879439e-11,
        ],
        [
            0.98201379,
            0.952574127,
            0.731058579,
            0.622459331,
            0.5,
            0.437823499,
            0.268941421,
            0.0474258732,
            1.38879439e-11,
        ],
    ),
    "F.softshrink(x)": (
        [-3.5, -2.5, -0.5, 0.0, 0.0, 0.0, 0.5, 2.5, 24.5],
        [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
    ),
    "F.tanhshrink(x)": (
        [
            -3.0006707,
            -2.00494525,
            -0.238405844,
            -0.0378828427,
            0.0,
            0.0050813376,
            0.238405844,
            2.00494525,
            24.0,
        ],
        [
            0.998659049,
            0.990133963,
            0.580025658,
            0.213552267,
            0.0,
            0.0599851512,
            0.580025658,
            0.990133963,
            1.0,
        ],
    ),
    "F.leaky_relu(x, 0.2)": (
        [-0.8, -0.6, -0.2, -0.1, 0.0, 0.25, 1.0, 3.0, 25.0],
        [0.2, 0.2, 0.2, 0.2, 0.2, 1.0, 1.0, 1.0, 1.0],
    ),
    "F.prelu(x, torch.tensor(-0.5, dtype=torch.float64))": (
        [2.0, 1.5, 0.5, 0.25, -0.0, 0.25, 1.0, 3.0, 25.0],
        [-0.5, -0.5, -0.5, -0.5, -0.5, 1.0, 1.0, 1.0, 1.0],
    ),
    "F.glu(x[:8])": (
        [-2.0, -1.6865295, -0.731058579, -0.476287063],
        [
            0.5,
            0.562176501,
            0.731058579,
            0.952574127,
            -1.0,
            -0.738402248,
            -0.196611933,
            -0.0225883299,
            0.0,
        ],
    ),
    "F.hardsigmoid(x)": (
        [0.0, 0.0, 0.333333333, 0.416666667, 0.5, 0.541666667, 0.666666667, 1.0, 1.0],
        [0.0, 0.0, 0.166666672, 0.166666672, 0.166666672, 0.166666672, 0.166666672, 0.0, 0.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", STORED)
def test_values_and_gradients(call: str) -> None:
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    y = eval(call, {"torch": torch, "F": F, "x": x})
    (grad,) = torch.autograd.grad(y.sum(), x)
    for found, stored in zip((y.detach(), grad), STORED[call]):
        np.testing.assert_allclose(found.numpy(), stored, rtol=1e-7, atol=1e-9)


CORNERS: list[tuple[Any, list[list[float]], list[list[float]]]] = [
    (F.relu, [[-1, 0, 1]], [[0, 0, 1]]),
    (torch.abs, [[-1, 0, 1]], [[-1, 0, 1]]),
    (F.hardtanh, [[-1, 0, 1]], [[0, 1, 0]]),
    (F.relu6, [[0, 3, 6]], [[0, 1, 0]]),
    (lambda x: x.clamp(0, 1), [[0, 0.5, 1, 2]], [[1, 1, 1, 0]]),
    (F.leaky_relu, [[-1, 0, 1]], [[0.01, 0.01, 1]]),
    (torch.sqrt, [[0, 4]], [[math.inf, 0.25]]),
    (torch.maximum, [[1, 2, 3], [1, 3, 2]], [[0.5, 0, 1], [0.5, 1, 0]]),
    (torch.fmax, [[1, math.nan, 3], [1, 3, math.nan]], [[1, 0, 1], [0, 1, 0]]),
    (F.hardswish, [[-3, 0, 3]], [[0, 0.5, 1]]),
    (F.elu, [[-1, 0, 1]], [[math.exp(-1), 1, 1]]),
    (F.softshrink, [[-0.5, 0, 1]], [[0, 0, 1]]),
    (lambda x: x**0, [[0, 1]], [[0, 0]]),
    (torch.pow, [[0, 2], [0, 3]], [[0, 12], [0, 8 * math.log(2)]]),
    (torch.xlogy, [[0, 0], [0, 2]], [[0, math.log(2)], [math.nan, 0]]),
    (torch.sign, [[-1, 0]], [[0, 0]]),
    (torch.copysign, [[0, 2], [-1, -1]], [[0, -1], [0, 0]]),
    (torch.logit, [[0.5, 2]], [[4, math.nan]]),
    (torch.atan2, [[0, 1], [0, 1]], [[0, 0.5], [0, -0.5]]),
    (lambda x: torch.where(x > 0, x.log(), x * 0), [[0, 1]], [[math.nan, 1]]),
    (torch.remainder, [[5, -5], [3, 3]], [[1, 1], [-1, 2]]),
    (torch.sinc, [[0, 0.5]], [[0, -4 / math.pi]]),
    (F.softplus, [[0, 30]], [[0.5, 1]]),
    (torch.nextafter, [[1, 1], [1, 2]], [[0, 1], [0, 0]]),
]


@pytest.mark.parametrize(("function", "points", "expected"), CORNERS)
def test_gradients_at_corners(function: Any, points: Any, expected: Any) -> None:
    leaves = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in points]
    grads = torch.autograd.grad(function(*leaves).sum(), leaves, allow_unused=True)
    for grad, stored in zip(grads, expected):
        found = np.zeros(len(stored)) if grad is None else grad.numpy()
        np.testing.assert_allclose(found, stored, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", ["sigmoid", "silu", "gelu", "gelu_tanh", "tanh", "relu"])
def test_large_arrays_agree_with_small_ones(name: str, dtype: Any) -> None:
    """Compiled loops, which large arrays get, and their gradients."""
    function = {
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
    }.get(name) or getattr(F, name)
    values = np.linspace(-12, 12, 70000)
    values[:3] = math.nan, math.inf, -math.inf
    large = torch.tensor(values).to(dtype).requires_grad_()
    small = torch.tensor(values[::100].copy()).to(dtype).requires_grad_()
    for _ in range(2):
        y, z = function(large), function(small)
        tolerance = (
            {"rtol": 1e-5, "atol": 1e-6}
            if dtype is not torch.bfloat16
            else {"rtol": 1e-2, "atol": 1e-6}
        )
        np.testing.assert_allclose(y.detach()[::100].float(), z.detach().float(), **tolerance)
        (g,), (h,) = [torch.autograd.grad(r.sum(), x) for r, x in ((y, large), (z, small))]
        np.testing.assert_allclose(g[::100].float(), h.float(), rtol=1e-2, atol=1e-5)


def test_layout_is_kept() -> None:
    x = torch.rand(2, 5, 30, 300).to(memory_format=torch.channels_last).requires_grad_()
    y = F.silu(x)
    assert y.stride() == x.stride()
    y.sum().backward()
    assert x.grad.stride() == x.stride()
    part = torch.rand(300, 600)[:, ::2]
    np.testing.assert_allclose(F.gelu(part), F.gelu(part.contiguous()), rtol=1e-6, atol=1e-7)


def test_in_place_forms() -> None:
    for name in ("relu", "elu", "selu", "celu", "leaky_relu", "hardtanh"):
        x = torch.tensor([-1.0, 2.0])
        expected = getattr(F, name)(x)
        assert getattr(F, name + "_")(x) is x and torch.equal(x, expected)
        y = torch.tensor([-1.0, 2.0])
        assert getattr(F, name)(y, inplace=True) is y and torch.equal(y, expected)
    leaf = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        F.relu(leaf, inplace=True)
    product = leaf * -2
    F.leaky_relu(product, 0.5, inplace=True)
    product.sum().backward()
    assert leaf.grad.tolist() == [-1, -1]
