"""Schedules: PyTorch's rates over eight steps, states, and averages of models."""

from __future__ import annotations

import copy

import pytest

import flambeau as torch
from flambeau import nn, optim
from flambeau.optim import lr_scheduler as L
from flambeau.optim import swa_utils

# a schedule, and the rates before and after each of eight steps (PyTorch 2.13)
FACTS = [
    (lambda o: L.StepLR(o, 3, 0.5), [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]),
    (lambda o: L.MultiStepLR(o, [2, 5, 5], 0.5),
     [1.0, 1.0, 0.5, 0.5, 0.5, 0.125, 0.125, 0.125, 0.125]),
    (lambda o: L.ConstantLR(o, 0.5, 3), [0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    (lambda o: L.LinearLR(o, 0.25, 1.0, 4),
     [0.25, 0.4375, 0.625, 0.8125, 1.0, 1.0, 1.0, 1.0, 1.0]),
    (lambda o: L.ExponentialLR(o, 0.5),
     [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]),
    (lambda o: L.PolynomialLR(o, 5, 2.0), [1.0, 0.64, 0.36, 0.16, 0.04, 0.0, 0.0, 0.0, 0.0]),
    (lambda o: L.CosineAnnealingLR(o, 4, 0.1),
     [1.0, 0.8681980515, 0.55, 0.2318019485, 0.1, 0.2318019485, 0.55, 0.8681980515, 1.0]),
    (lambda o: L.CosineAnnealingWarmRestarts(o, 2, 2),
     [1.0, 0.5, 1.0, 0.8535533906, 0.5, 0.1464466094, 1.0, 0.9619397663, 0.8535533906]),
    (lambda o: L.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
     [1.0, 0.5, 0.3333333333, 0.25, 0.2, 0.1666666667, 0.1428571429, 0.125, 0.1111111111]),
    (lambda o: L.MultiplicativeLR(o, lambda epoch: 0.5),
     [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]),
    (lambda o: L.CyclicLR(o, 0.1, 1.0, 2, 3, mode="triangular2"),
     [0.1, 0.55, 1.0, 0.7, 0.4, 0.1, 0.325, 0.55, 0.4]),
    (lambda o: L.OneCycleLR(o, 1.0, total_steps=9),
     [0.04, 0.6513582352, 0.9944154355, 0.8985666593, 0.705644729, 0.4626371027, 0.2287299532,
      0.0608929698, 4e-06]),
    (lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.5, 1.0, 2), L.ExponentialLR(o, 0.5)], [3]),
     [0.5, 0.75, 1.0, 1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
    (lambda o: L.ChainedScheduler([L.ConstantLR(o, 0.5, 2), L.ExponentialLR(o, 0.9)]),
     [0.5, 0.45, 0.81, 0.729, 0.6561, 0.59049, 0.531441, 0.4782969, 0.43046721]),
]  # fmt: skip


def subject():
    return optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0, momentum=0.9)


def walked(optimizer, schedule, steps):
    rates = []
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    return rates


@pytest.mark.parametrize(("make", "expected"), FACTS)
def test_rates(make, expected):
    optimizer = subject()
    schedule = make(optimizer)
    rates = [schedule.get_last_lr()[0], *walked(optimizer, schedule, 8)]
    assert rates == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("make", "expected"), FACTS)
def test_a_state_goes_on(make, expected):
    first, second = subject(), subject()
    before, after = make(first), make(second)
    walked(first, before, 5)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    after.load_state_dict(before.state_dict())
    assert walked(second, after, 3) == pytest.approx(expected[-3:], abs=1e-9)


def test_plateau():
    optimizer = subject()
    schedule = L.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    rates = []
    for loss in (1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95):
        schedule.step(torch.tensor(loss))
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_a_rate_that_is_a_tensor_is_written_in_place():
    rate = torch.tensor(1.0)
    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=rate)
    walked(optimizer, L.ExponentialLR(optimizer, 0.5), 2)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25


def test_order_of_the_steps():
    schedule = L.StepLR(subject(), 2)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before"):
        schedule.step()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: L.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: L.StepLR(o, 3, last_epoch=4), KeyError, "param 'initial_lr' is not specified"),
        (lambda o: L.LambdaLR(o, [len, len]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: L.OneCycleLR(o, 0.1), ValueError, "You must define either total_steps OR"),
        (lambda o: L.CyclicLR(o, 0.1, 0.2, mode="none"), ValueError, "mode is invalid"),
        (lambda o: L.ReduceLROnPlateau(o, mode="none"), ValueError, "mode none is unknown!"),
        (
            lambda o: L.CosineAnnealingWarmRestarts(o, 0),
            ValueError,
            "Expected positive integer T_0",
        ),
        (lambda o: L.LRScheduler(o), NotImplementedError, "^$"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make(subject())


class TestAverages:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, 2.0),
            ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, 2.25),
            ({"avg_fn": lambda old, new, count: old + new}, 6.0),
        ],
    )
    def test_of_three_models(self, options, expected):
        model = nn.Linear(1, 1, bias=False)
        averaged = swa_utils.AveragedModel(model, **options)
        for value in (1.0, 2.0, 3.0):
            with torch.no_grad():
                model.weight.fill_(value)
            averaged.update_parameters(model)
        assert averaged.module.weight.item() == expected
        assert averaged.n_averaged.item() == 3

    def test_batch_norm_statistics(self):
        model = nn.Sequential(nn.BatchNorm1d(1)).eval()
        swa_utils.update_bn([torch.tensor([[1.0], [3.0]]), [torch.tensor([[3.0], [5.0]])]], model)
        assert model[0].running_mean.tolist() == [3.0]
        assert not model.training

    def test_schedule(self):
        optimizer = subject()
        schedule = swa_utils.SWALR(optimizer, 0.5, anneal_epochs=2, anneal_strategy="linear")
        assert walked(optimizer, schedule, 3) == pytest.approx([0.75, 0.5, 0.5])
