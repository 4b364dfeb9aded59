"""Derivatives of samples with respect to parameters, against quantiles that SciPy moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import flambeau as torch
from flambeau.kernels.shared.implicit_gradients import dirichlet_gradient, standard_gamma_gradient


def slope(function: Callable[[Any], Any], at: Any) -> Any:
    """The derivative by differences of fourth order."""
    h = 1e-4 * at
    near, far = function(at + h) - function(at - h), function(at + 2 * h) - function(at - 2 * h)
    return (8 * near - far) / (12 * h)


def spread(rng: Any, least: float, most: float) -> Any:
    return np.exp(rng.uniform(np.log(least), np.log(most), 500))


def test_gamma() -> None:
    rng = np.random.default_rng(0)
    a = spread(rng, 0.1, 2000)
    x = rng.gamma(a)
    below, above = special.gammainc(a, x), special.gammaincc(a, x)

    def quantile(shape: Any) -> Any:
        inverses = special.gammaincinv(shape, below), special.gammainccinv(shape, above)
        return np.where(below < 0.5, *inverses)

    np.testing.assert_allclose(standard_gamma_gradient(a, x), slope(quantile, a), rtol=1e-7)


def test_beta() -> None:
    rng = np.random.default_rng(1)
    a, b = spread(rng, 0.2, 300), spread(rng, 0.2, 300)
    x = np.clip(rng.beta(a, b), 1e-9, 0.999)
    below, above = special.betainc(a, b, x), special.betaincc(a, b, x)

    def quantile(alpha: Any) -> Any:
        inverses = special.betaincinv(alpha, b, below), special.betainccinv(alpha, b, above)
        return np.where(below < 0.5, *inverses)

    expected = slope(quantile, a) / (1 - x)
    np.testing.assert_allclose(dirichlet_gradient(x, a, a + b), expected, rtol=1e-6)


def test_values_of_pytorch() -> None:
    """Measured with PyTorch 2.13, whose own formulas have an error of up to 0.0005."""
    a = torch.tensor([0.1, 0.5, 1, 2, 5, 10, 50, 200, 1000], dtype=torch.float64)
    x = torch.tensor([0.05, 0.3, 1.5, 1.2, 8, 9, 55, 180, 1010], dtype=torch.float64)
    expected = [1.3672830678, 1.0098019827, 1.4310108979, 0.8307358779, 1.2958320848,
                0.9642181074, 1.0518356263, 0.9491228739, 1.0051508594]  # fmt: skip
    torch_values = np.array(expected)
    np.testing.assert_allclose(torch._standard_gamma_grad(a, x).numpy(), torch_values, rtol=2e-4)
    points = [torch.tensor(v, dtype=torch.float64) for v in
              ([0.1, 0.3, 0.6, 0.01], [0.5, 2, 7, 1], [3, 6, 9, 2.5])]  # fmt: skip
    found = torch._dirichlet_grad(*points).numpy()
    np.testing.assert_allclose(found, [0.367501514, 0.18116777, 0.103201542, 0.0438076775], 1e-5)


def test_the_gradient_of_samples() -> None:
    shapes = torch.tensor([0.5, 2.0, 30.0], dtype=torch.float64, requires_grad=True)
    samples = torch._standard_gamma(shapes)
    (grad,) = torch.autograd.grad(samples, shapes, torch.tensor([1.0, 2.0, 3.0]).double())
    weights = torch.tensor([1.0, 2.0, 3.0])
    expected = weights * torch._standard_gamma_grad(shapes.detach(), samples.detach())
    assert torch.allclose(grad, expected)


def test_powers_of_uniform_numbers() -> None:
    """``u ** (1 / a)`` has the distribution beta(a, 1): its derivative is known."""
    x = torch.tensor([0.2, 0.5, 0.9])
    for a in (0.5, 1.0, 7.0):
        alpha = torch.full((3,), a)
        found = torch._dirichlet_grad(x, alpha, alpha + 1)
        assert torch.allclose(found, -x * x.log() / a / (1 - x), rtol=1e-5)


def test_what_is_refused() -> None:
    one = torch.ones(1)
    with pytest.raises(RuntimeError, match="Found dtype Float but expected Double"):
        torch._standard_gamma_grad(one.double(), one)
    with pytest.raises(NotImplementedError, match="_standard_gamma_grad_cpu"):
        torch._standard_gamma_grad(one.long(), one.long())
    points = torch._sample_dirichlet(torch.ones(2, requires_grad=True))
    with pytest.raises(RuntimeError, match="derivative for aten::_sample_dirichlet is not impl"):
        points.sum().backward()
