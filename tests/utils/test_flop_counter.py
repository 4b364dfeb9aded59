"""Floating-point operations by operator and module, forward and backward."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau.utils.flop_counter import FlopCounterMode, mm_flop


def test_counts_are_those_of_pytorch(capsys: pytest.CaptureFixture[str]) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Conv1d(1, 2, 3))
    with FlopCounterMode(depth=3) as counter:
        net[1](net[0](torch.ones(2, 1, 4, requires_grad=True))).sum().backward()
        net(torch.ones(2, 1, 4))
    assert counter.get_total_flops() == 1088
    totals = {name: sum(c.values()) for name, c in counter.get_flop_counts().items()}
    assert totals == {
        "Global": 1088, "Linear": 384, "Conv1d": 432, "Sequential": 272, "Sequential.0": 128,
        "Sequential.1": 144,
    }  # fmt: skip
    assert "Sequential.0" in capsys.readouterr().out


def test_formulas_of_ones_own() -> None:
    mapping = {torch.exp: lambda shape, *args, out_shape=None: 4 * shape.numel()}
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        torch.ones(3).exp()
    assert counter.get_total_flops() == 12
    assert mm_flop((2, 3), (3, 4)) == 48
    with pytest.raises(AssertionError, match="inner dimensions"):
        mm_flop((2, 3), (4, 4))
