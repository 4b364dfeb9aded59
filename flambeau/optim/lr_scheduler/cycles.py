"""Schedules that go up and down: cycles of the rate, with the momentum against it."""

from __future__ import annotations

import math
import types
import weakref
from collections.abc import Callable
from typing import Any

from flambeau.optim.lr_scheduler.base import (
    LRScheduler,
    assign,
    check_optimizer,
    copied,
    per_group,
    warn_outside_step,
)
from flambeau.optim.optimizer import Optimizer


def _takes_beta1(optimizer: Optimizer) -> bool:
    """Whether the momentum is the first beta; ValueError where there is none."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
        )
    return "betas" in optimizer.defaults


def _set_momentum(group: dict[str, Any], momentum: float, beta1: bool) -> None:
    if beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class CyclicLR(LRScheduler):
    """Moves the rates from ``base_lr`` to ``max_lr`` in ``step_size_up`` steps and back in
    ``step_size_down``, and the momentum the other way; step it after every batch.

    ``mode`` scales the height of a cycle: ``"triangular"`` not at all, ``"triangular2"`` by half
    each cycle, ``"exp_range"`` by ``gamma`` each step. ``scale_fn`` takes its place, a function of
    the number of the cycle or of the step (``scale_mode="iterations"``).

    Smith, Cyclical Learning Rates for Training Neural Networks (2017).

    Example::

        scheduler = CyclicLR(optimizer, base_lr=0.01, max_lr=0.1)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs, strict=True):
                assign(group, "lr", rate)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        self._init_scale_fn()
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._take_momentum(base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _take_momentum(self, base: Any, most: Any) -> None:
        self.use_beta1 = _takes_beta1(self.optimizer)
        self.base_momentums = per_group("base_momentum", self.optimizer, base)
        self.max_momentums = per_group("max_momentum", self.optimizer, most)
        pairs = zip(self.max_momentums, self.base_momentums, strict=True)
        for group, (high, low) in zip(self.optimizer.param_groups, pairs, strict=True):
            _set_momentum(group, high, self.use_beta1)
            group["max_momentum"], group["base_momentum"] = high, low

    def _init_scale_fn(self) -> None:
        if self._scale_fn_custom is not None:
            return
        if self.mode == "exp_range":
            self._scale_fn_ref: Any = weakref.WeakMethod(self._exp_range_scale_fn)
            self.scale_mode = "iterations"
        else:
            halved = self.mode == "triangular2"
            self._scale_fn_ref = self._triangular2_scale_fn if halved else self._triangular_scale_fn
            self.scale_mode = "cycle"

    def scale_fn(self, x: float) -> float:
        """The factor of the height of cycle ``x``, or at step ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self._exp_range_scale_fn(x)
        return self._scale_fn_ref(x)

    @staticmethod
    def _triangular_scale_fn(x: float) -> float:
        return 1.0

    @staticmethod
    def _triangular2_scale_fn(x: float) -> float:
        return 1 / (2.0 ** (x - 1))

    def _exp_range_scale_fn(self, x: float) -> float:
        return self.gamma**x

    def get_lr(self) -> list[Any]:
        """The rates of this step; also sets the momentum."""
        warn_outside_step(self)
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        if x <= self.step_ratio:
            height = x / self.step_ratio
        else:
            height = (x - 1) / (self.step_ratio - 1)
        factor = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        rates = [low + (high - low) * height * factor for low, high in pairs]
        if self.cycle_momentum:
            limits = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, limits, strict=True):
                _set_momentum(group, high - (high - low) * height * factor, self.use_beta1)
        return rates

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of a function only the state of a callable object."""
        state = super().state_dict()
        state.pop("_scale_fn_ref", None)
        function = state.pop("_scale_fn_custom")
        plain = function is None or isinstance(function, types.FunctionType)
        state["_scale_fn_custom"] = None if plain else function.__dict__.copy()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over the state of a schedule of the same class; a function stays."""
        state = dict(state_dict)
        values = state.pop("_scale_fn_custom")
        super().load_state_dict(state)
        if values is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(values)
        self._init_scale_fn()


class OneCycleLR(LRScheduler):
    """One cycle in all: up from ``max_lr / div_factor`` to ``max_lr`` for the share ``pct_start``
    of the steps, then down to ``max_lr / (div_factor * final_div_factor)``; the momentum goes the
    other way. Step it after every batch.

    The length is ``total_steps``, or ``epochs * steps_per_epoch``. ``three_phase`` comes down to
    the initial rate as slowly as it went up, and takes the rest of the steps for the last fall.

    Smith and Topin, Super-Convergence: Very Fast Training of Neural Networks (2019).

    Example::

        scheduler = OneCycleLR(optimizer, max_lr=0.01, epochs=10, steps_per_epoch=len(loader))
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy
        self._take_rates(max_lr, div_factor, final_div_factor, last_epoch)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._take_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _take_rates(self, max_lr: Any, div: float, final: float, last_epoch: int) -> None:
        rates = per_group("max_lr", self.optimizer, max_lr)
        if last_epoch != -1:
            return
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["initial_lr"] = rate / div
            group["max_lr"] = rate
            group["min_lr"] = rate / div / final

    def _take_momentum(self, base: Any, most: Any, last_epoch: int) -> None:
        self.use_beta1 = _takes_beta1(self.optimizer)
        lows = per_group("base_momentum", self.optimizer, base)
        highs = per_group("max_momentum", self.optimizer, most)
        if last_epoch != -1:
            return
        pairs = zip(highs, lows, strict=True)
        for group, (high, low) in zip(self.optimizer.param_groups, pairs, strict=True):
            _set_momentum(group, high, self.use_beta1)
            group["max_momentum"], group["base_momentum"] = high, low

    def _anneal(self, start: Any, end: Any, share: float) -> Any:
        """Between two values, on half a cosine or a line."""
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[Any]:
        """The rates of this step; also sets the momentum."""
        warn_outside_step(self)
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        phase, share = self._phase(step)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(
                copied(self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], share))
            )
            if self.cycle_momentum:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                _set_momentum(group, self._anneal(*ends, share), self.use_beta1)
        return rates

    def _phase(self, step: int) -> tuple[dict[str, Any], float]:
        """The phase that a step lies in, and how far."""
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                return phase, (step - start) / (end - start)
            start = end
        raise AssertionError("a schedule has at least one phase")


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        given = [("total_steps", total_steps)]
    elif epochs is not None and steps_per_epoch is not None:
        given = [("epochs", epochs), ("steps_per_epoch", steps_per_epoch)]
    else:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in given:
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(value for _, value in given)


def _phases(total: int, share: float, three: bool) -> list[dict[str, Any]]:
    def phase(end: float, start_lr: str, end_lr: str, start: str, stop: str) -> dict[str, Any]:
        return {
            "end_step": end, "start_lr": start_lr, "end_lr": end_lr,
            "start_momentum": start, "end_momentum": stop,
        }  # fmt: skip

    low, high = "base_momentum", "max_momentum"
    up = phase(float(share * total) - 1, "initial_lr", "max_lr", high, low)
    if not three:
        return [up, phase(total - 1, "max_lr", "min_lr", low, high)]
    return [
        up,
        phase(float(2 * share * total) - 2, "max_lr", "initial_lr", low, high),
        phase(total - 1, "initial_lr", "min_lr", high, high),
    ]
