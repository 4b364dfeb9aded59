"""RAdam: Adam with a rectified variance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    as_counters,
    check_betas,
    check_nonnegative,
    check_rate,
    complete,
    decayed,
    descend,
    evaluate,
    gathered,
    number,
    picked,
    rate_of,
    real,
    step_counter,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["RAdam", "radam"]


class RAdam(Optimizer):
    """RAdam: Adam that trusts its running mean of squares only once enough steps went into it.

    With ``rho_inf = 2 / (1 - beta2) - 1`` and
    ``rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)``, the step is Adam's times
    ``sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))`` where ``rho > 5``,
    and plain momentum, ``p -= lr * m / (1 - beta1**t)``, before.

    Liu et al., On the Variance of the Adaptive Learning Rate and Beyond (2020).

    Example::

        optimizer = torch.optim.RAdam(model.parameters(), lr=1e-3)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_nonnegative(eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups,
            maximize=False,
            capturable=False,
            differentiable=False,
            decoupled_weight_decay=False,
            foreach=None,
        )
        as_counters(self.state.values(), "step")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            radam(
                *gathered(self, group, "RAdam", "exp_avg", "exp_avg_sq", "step"),
                beta1=beta1,
                beta2=beta2,
                **picked(group, "decoupled_weight_decay maximize lr weight_decay eps"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        return state


def radam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    state_steps: list[Tensor],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: float | Tensor,
    weight_decay: float,
    eps: float,
) -> None:
    """One step of RAdam on lists of parameters, gradients and state, in place."""
    lr = rate_of(lr)
    limit = 2 / (1 - beta2) - 1
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter = state_steps[index]
        counter += 1
        step = number(counter)
        grad = decayed(parameter, grad, lr, weight_decay, decoupled_weight_decay)
        values, grad, mean, square = map(
            real, (parameter, grad, exp_avgs[index], exp_avg_sqs[index])
        )
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        left = 1 - beta2**step
        length = limit - 2 * step * beta2**step / left
        direction = mean / (1 - beta1**step)
        if length > 5.0:
            direction = direction * (_rectification(length, limit) * left**0.5)
            direction = direction / square.sqrt().add(eps)
        descend(values, direction, lr)


def _rectification(length: float, limit: float) -> float:
    shrunk = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
    return shrunk**0.5
