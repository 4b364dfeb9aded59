"""What operators of networks change, warn of and keep."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import flambeau as torch

F = torch.nn.functional


def test_batch_norm_moves_running_statistics() -> None:
    """With the biased variance it normalises, with the unbiased one it moves the statistics."""
    x = torch.tensor([[1.0], [2.0], [6.0]])
    mean, var = torch.zeros(1), torch.ones(1)
    result = F.batch_norm(x, mean, var, training=True, momentum=0.1)
    assert mean.item() == pytest.approx(0.3) and var.item() == pytest.approx(0.9 + 0.1 * 7)
    assert result.var(correction=0).item() == pytest.approx(1, abs=1e-4)
    assert (mean._version, var._version) == (1, 1)
    F.batch_norm(x, mean, var)
    assert mean._version == 1


def test_instance_norm_averages_statistics_over_images() -> None:
    x = torch.tensor([[[0.0, 2.0]], [[4.0, 8.0]]])
    mean, var = torch.zeros(1), torch.zeros(1)
    F.instance_norm(x, mean, var, momentum=0.5)
    assert mean.item() == 0.5 * (1 + 6) / 2 and var.item() == 0.5 * (2 + 8) / 2


def test_embedding_renormalises_used_rows_in_place() -> None:
    table = torch.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]], requires_grad=True)
    F.embedding(torch.tensor([0, 1, 0]), table, max_norm=1.0)
    np.testing.assert_allclose(table.detach(), [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a, b: F.mse_loss(a, b), "Using a target size"),
        (lambda a, b: F.l1_loss(a, b), "Using a target size"),
        (lambda a, b: F.mse_loss(a, a, size_average=False), "please use reduction='sum' instead"),
        (lambda a, b: F.kl_div(a, a), "'mean' will be changed to behave the same as 'batchmean'"),
        (lambda a, b: F.softmax(a), "Implicit dimension choice for softmax"),
        (lambda a, b: F.upsample(a[None], 4), "`nn.functional.upsample` is deprecated"),
        (lambda a, b: F.affine_grid(torch.ones(1, 2, 3), (1, 1, 2, 2)), "Default grid_sample and"),
    ],
)
def test_warnings(call: Callable[..., Any], message: str) -> None:
    with pytest.warns(UserWarning, match=message) as caught:
        call(torch.ones(2, 3), torch.ones(1, 3))
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.conv2d(x, torch.ones(4, 3, 2, 2, device=x.device)),
        lambda x: F.conv_transpose2d(x, torch.ones(3, 4, 2, 2, device=x.device)),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.adaptive_avg_pool2d(x, 2),
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.group_norm(x, 3),
        lambda x: F.interpolate(x, 5, mode="bilinear"),
        lambda x: F.pad(x, (1, 1)),
        lambda x: F.pixel_unshuffle(x, 2),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_channels_last_stays(call: Callable[..., Any], device: str) -> None:
    image = torch.ones(2, 3, 4, 6, device=device).to(memory_format=torch.channels_last)
    assert call(image).is_contiguous(memory_format=torch.channels_last)
    assert call(image.contiguous()).is_contiguous()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    x = torch.arange(-8.0, 8).reshape(4, 4) / 3
    for function in (
        lambda t: F.softmax(t, 1),
        lambda t: F.layer_norm(t, (4,)),
        lambda t: F.scaled_dot_product_attention(t, t, t),
        lambda t: F.conv1d(t[None], t[:, :, None]),
        lambda t: F.mse_loss(t, t.flip(0), reduction="none"),
    ):
        half = x.to(dtype)
        assert torch.equal(function(half), function(half.float()).to(dtype))


def test_no_rule_needs_what_was_not_asked_for() -> None:
    """A frozen weight neither gets a gradient nor keeps the input from being overwritten."""
    x, weight = torch.ones(2, 3), torch.ones(4, 3, requires_grad=True)
    result = F.linear(x.requires_grad_(), weight.detach())
    (grad,) = torch.autograd.grad(result.sum(), x)
    assert grad.tolist() == [[4.0] * 3] * 2


def test_largest_class_and_ignored_ones() -> None:
    scores = torch.zeros(3, 2)
    with pytest.raises(IndexError, match="Target 2 is out of bounds"):
        F.cross_entropy(scores, torch.tensor([0, 2, 1]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert F.cross_entropy(scores, torch.tensor([-100] * 3)).isnan()
