"""Averages of a model's weights over the course of training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core import dtype as dtypes
from flambeau.nn.modules.batchnorm import _BatchNorm
from flambeau.nn.modules.module import Module
from flambeau.ops.from_data import tensor
from flambeau.optim.lr_scheduler.base import (
    LRScheduler,
    check_optimizer,
    warn_outside_step,
)
from flambeau.optim.optimizer import Optimizer

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip

Average = Callable[[Any, Any, Any], Any]


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """A function of lists for exponential averages: ``decay * old + (1 - decay) * new``."""
    _check_decay(decay)

    @no_grad()
    def ema_update(averaged: Sequence[Any], current: Sequence[Any], _: Any) -> None:
        for old, new in zip(averaged, current, strict=True):
            if old.is_floating_point() or old.is_complex():
                old.lerp_(new.to(old.dtype), 1 - decay)
            else:
                old.copy_(old * decay + new * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Average:
    """A function of lists for the mean of all models so far."""

    @no_grad()
    def swa_update(averaged: Sequence[Any], current: Sequence[Any], count: Any) -> None:
        for old, new in zip(averaged, current, strict=True):
            old.copy_(old + (new - old) / (count + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function of one tensor for exponential averages."""
    _check_decay(decay)

    @no_grad()
    def ema_update(averaged: Any, current: Any, _: Any) -> Any:
        return decay * averaged + (1 - decay) * current

    return ema_update


def get_swa_avg_fn() -> Average:
    """A function of one tensor for the mean of all models so far."""

    @no_grad()
    def swa_update(averaged: Any, current: Any, count: Any) -> Any:
        return averaged + (current - averaged) / (count + 1)

    return swa_update


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


class AveragedModel(Module):
    """A copy of a model whose parameters are averages over the models that it was shown.

    Args:
        model: copied at once; ``update_parameters(model)`` adds its present state.
        device: where the copy lives; where the model is by default.
        avg_fn: ``avg_fn(averaged, current, count)`` gives the new average of one parameter.
        multi_avg_fn: ``multi_avg_fn(averaged, current, count)`` updates lists in place.
        use_buffers: average the buffers too; otherwise they are copied.

    Izmailov et al., Averaging Weights Leads to Wider Optima (2018).

    Example::

        averaged = AveragedModel(model)
        for epoch in range(100):
            train(model)
            averaged.update_parameters(model)
        update_bn(loader, averaged)
    """

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Average | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> list[Any]:
        if self.use_buffers:
            return list(itertools.chain(model.parameters(), model.buffers()))
        return list(model.parameters())

    def update_parameters(self, model: Module) -> None:
        """Takes the present parameters of ``model`` into the averages."""
        old = [one.detach() for one in self._averaged(self.module)]
        new = [
            value.detach().to(one.device)
            for one, value in zip(old, self._averaged(model), strict=True)
        ]
        if self.n_averaged == 0:
            for one, value in zip(old, new, strict=True):
                one.copy_(value)
        elif self.avg_fn is not None:
            for one, value in zip(old, new, strict=True):
                one.copy_(self.avg_fn(one, value, self.n_averaged))
        else:
            average = self.multi_avg_fn or get_swa_multi_avg_fn()
            average(old, new, self.n_averaged)
        if not self.use_buffers:
            for one, value in zip(self.module.buffers(), model.buffers(), strict=True):
                one.detach().copy_(value.detach().to(one.device))
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Recomputes the running statistics of a model's batch norm layers, as means over a loader.

    The loader gives inputs, or tuples and lists that begin with them. Afterwards the model is in
    the mode it was in before.
    """
    momenta = {}
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None
    for batch in loader:
        given = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(given if device is None else given.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Brings the rates to ``swa_lr`` in ``anneal_epochs`` steps, on half a cosine or a line, and
    holds them there.

    Example::

        scheduler = SWALR(optimizer, swa_lr=0.05)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        count = len(optimizer.param_groups)
        if isinstance(swa_lr, (list, tuple)) and len(swa_lr) != count:
            raise ValueError(
                "swa_lr must have the same length as optimizer.param_groups. swa_lr has "
                f"{len(swa_lr)} values, param_groups has {count}."
            )
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * count
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, epoch: int) -> float:
        """How far the rates have come after a number of steps."""
        t = max(0, min(1, epoch / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        """The rates of this step."""
        warn_outside_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            end, rate = group["swa_lr"], group["lr"]
            # where the rate started, from where it is now
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
