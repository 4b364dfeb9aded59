"""GradScaler: the arithmetic, the order of calls, the state. Messages are PyTorch's."""

from __future__ import annotations

import pickle

import pytest

import flambeau as torch


def setting(**options):
    weight = torch.ones(2, requires_grad=True)
    return weight, torch.optim.SGD([weight], lr=0.5), torch.amp.GradScaler("cpu", **options)


def backward(scaler, weight, factor=1.0):
    weight.grad = None
    scaler.scale((weight * factor).sum()).backward()


class TestSteps:
    def test_a_good_step(self):
        weight, optimizer, scaler = setting(init_scale=8.0)
        backward(scaler, weight)
        assert weight.grad.tolist() == [8.0, 8.0]
        scaler.unscale_(optimizer)
        assert weight.grad.tolist() == [1.0, 1.0]
        assert scaler.step(optimizer) is None
        scaler.update()
        assert weight.tolist() == [0.5, 0.5] and scaler.get_scale() == 8.0

    def test_an_overflow_skips_the_step_and_halves_the_scale(self):
        weight, optimizer, scaler = setting()
        backward(scaler, weight, float("inf"))
        scaler.step(optimizer)
        scaler.update()
        assert weight.tolist() == [1.0, 1.0] and scaler.get_scale() == 2.0**15

    def test_growth(self):
        weight, optimizer, scaler = setting(init_scale=4.0, growth_interval=2)
        scales = []
        for _ in range(4):
            backward(scaler, weight)
            scaler.step(optimizer)
            scaler.update()
            scales.append(scaler.get_scale())
        assert scales == [4.0, 8.0, 8.0, 16.0]

    def test_lists(self):
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
        out = scaler.scale((torch.ones(1), [torch.ones(2)]))
        assert out[0].tolist() == [2.0] and out[1][0].tolist() == [2.0, 2.0]

    def test_disabled(self):
        weight, optimizer, scaler = setting(enabled=False)
        backward(scaler, weight)
        scaler.step(optimizer)
        scaler.update()
        assert weight.tolist() == [0.5, 0.5] and scaler.state_dict() == {}


class TestMessages:
    def test_before_scale(self):
        _, optimizer, scaler = setting()
        with pytest.raises(AssertionError, match=r"Attempted unscale_ but _scale is None"):
            scaler.unscale_(optimizer)

    def test_order(self):
        weight, optimizer, scaler = setting()
        backward(scaler, weight)
        scaler.unscale_(optimizer)
        with pytest.raises(RuntimeError, match=r"unscale_.. has already been called on this"):
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        with pytest.raises(RuntimeError, match=r"step.. has already been called since the last"):
            scaler.step(optimizer)
        with pytest.raises(RuntimeError, match=r"unscale_.. is being called after step"):
            scaler.unscale_(optimizer)

    def test_half_gradients(self):
        weight = torch.ones(1, dtype=torch.float16, requires_grad=True)
        scaler = torch.amp.GradScaler("cpu")
        backward(scaler, weight)
        with pytest.raises(ValueError, match=r"Attempting to unscale FP16 gradients."):
            scaler.unscale_(torch.optim.SGD([weight], lr=0.1))

    def test_without_cuda(self):
        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device")
        with pytest.warns(UserWarning, match=r"GradScaler is enabled, but CUDA is not available"):
            assert not torch.amp.GradScaler().is_enabled()


def test_state_and_pickle():
    weight, optimizer, scaler = setting(init_scale=4.0)
    backward(scaler, weight)
    scaler.step(optimizer)
    scaler.update()
    expected = {
        "scale": 4.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000,
        "_growth_tracker": 1,
    }  # fmt: skip
    assert scaler.state_dict() == expected
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(expected)
    assert other.state_dict() == expected
    assert pickle.loads(pickle.dumps(scaler)).state_dict() == expected
