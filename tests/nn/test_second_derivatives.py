"""Second derivatives that are zero, and those that PyTorch finds unused; batches of nothing."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch

F: Any = torch.nn.functional

ZEROS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "threshold": lambda x: F.threshold(x, 0.1, 2.0),
    "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid,
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "rrelu in training": lambda x: F.rrelu(x, training=True),
    "rrelu": F.rrelu,
    "fractional maximum": lambda x: F.fractional_max_pool2d(x, 2, 3),
    "max_pool": lambda x: F.max_pool2d(x, 2),
    "avg_pool": lambda x: F.avg_pool2d(x, 2),
    "adaptive": lambda x: F.adaptive_avg_pool1d(x[0], 2),
}
WITHOUT_HISTORY = {
    "clamp": lambda x: x.clamp(-1, 1),
    "adaptive average of everything": lambda x: F.adaptive_avg_pool1d(x[0], 1),
    "batch_norm of nothing": lambda x: F.batch_norm(x[:0], None, None, training=True),
}


def first(x: Any, function: Any) -> Any:
    y = function(x)
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


@pytest.mark.parametrize("name", ZEROS)
def test_zero(name: str) -> None:
    """A gradient that does not change with the input has a second derivative of zeros."""
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    grad = first(x, ZEROS[name])
    (second,) = torch.autograd.grad(grad, x, torch.ones_like(grad))
    assert second.shape == x.shape and not second.any()


@pytest.mark.parametrize("name", WITHOUT_HISTORY)
def test_no_history(name: str) -> None:
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    assert not first(x, WITHOUT_HISTORY[name]).requires_grad


@pytest.mark.parametrize("layer", ["batch_norm", "instance_norm"])
def test_unused(layer: str) -> None:
    """With fixed statistics and no weight the gradient has a history that leads nowhere."""
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    mean, var = torch.zeros(3), torch.ones(3)
    grad = first(x, lambda x: getattr(F, layer)(x, mean, var, None, None, False))
    assert grad.requires_grad
    assert torch.autograd.grad(grad.sum(), x, allow_unused=True, retain_graph=True) == (None,)
    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        torch.autograd.grad(grad.sum(), x)


def test_batch_of_nothing() -> None:
    """The parameters get gradients of zero; the statistics stay."""
    layer = torch.nn.BatchNorm2d(3)
    result = layer(torch.empty(0, 3, 2, 2))
    result.sum().backward()
    assert result.shape == (0, 3, 2, 2)
    assert layer.weight.grad.tolist() == layer.bias.grad.tolist() == [0, 0, 0]
    assert layer.running_mean.tolist() == [0, 0, 0]


# ---- fractional maximum pooling


def test_fractional_places() -> None:
    """The last NaN of a window is taken, as by PyTorch."""
    x = torch.arange(36.0, dtype=torch.float64).reshape(1, 1, 6, 6)
    x[0, 0, 2, 2] = x[0, 0, 3, 3] = float("nan")
    samples = torch.tensor([[[0.3, 0.8]]], dtype=torch.float64)
    values, indices = F.fractional_max_pool2d(x, 3, 3, return_indices=True, _random_samples=samples)
    assert indices.tolist() == [[[[14, 14, 17], [14, 21, 21], [32, 21, 21]]]]
    assert values[0, 0, 0, 2] == 17 and values[0, 0, 2, 0] == 32


def test_fractional_is_one_operator() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    samples = torch.rand(2, 2, 2, dtype=torch.float64)
    pool = lambda x: F.fractional_max_pool2d(x, 2, 3, _random_samples=samples)  # noqa: E731
    assert type(pool(x).grad_fn).__name__ == "FractionalMaxPool2DBackward0"
    assert torch.autograd.gradcheck(pool, (x,), check_forward_ad=True, check_batched_grad=False)
    each = torch.stack([pool(a) for a in torch.stack([x, -x])])
    assert torch.equal(torch.func.vmap(pool)(torch.stack([x, -x])), each)
    assert F.fractional_max_pool2d(x.detach().to("meta"), 2, 3).shape == (2, 2, 3, 3)


def test_fractional_refusals() -> None:
    with pytest.raises(RuntimeError, match=r"fractional_max_pool3d_out.* relative to input time 5"):
        F.fractional_max_pool3d(torch.ones(1, 1, 5, 5, 5), 2, 4)
    with pytest.raises(RuntimeError, match="non-zero size for non-batch dimensions"):
        F.fractional_max_pool2d(torch.ones(1, 1, 0, 5), 1, 1)
    counts = torch.zeros(1, 1, 2, dtype=torch.int64)
    with pytest.raises(NotImplementedError, match="out_frame"):
        F.fractional_max_pool2d(counts.new_ones(1, 1, 4, 4), 2, 2, _random_samples=counts)
