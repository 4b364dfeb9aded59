"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones, zeros_like
from flambeau.optim._common import (
    as_counters,
    check_betas,
    check_nonnegative,
    check_rate,
    complete,
    counter_dtype,
    decayed,
    descend_ratio,
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

__all__ = ["NAdam", "nadam"]


class NAdam(Optimizer):
    """NAdam: Adam whose momentum looks one step ahead.

    The momentum of step ``t`` is ``mu(t) = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))``.
    With ``m`` and ``s`` Adam's running means, ``d = sqrt(s / (1 - beta2**t)) + eps`` and ``M`` the
    product of all ``mu`` so far,

    ``p -= lr * ((1 - mu(t)) / (1 - M(t)) * g + mu(t + 1) / (1 - M(t + 1)) * m) / d``.

    Dozat, Incorporating Nesterov Momentum into Adam (2016).

    Example::

        optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_nonnegative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable,
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
        as_counters(self.state.values(), "step", "mu_product")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            nadam(
                *gathered(self, group, "NAdam", "exp_avg", "exp_avg_sq", "mu_product", "step"),
                beta1=beta1,
                beta2=beta2,
                **picked(
                    group, "decoupled_weight_decay maximize lr weight_decay momentum_decay eps"
                ),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            place = parameter.device if group["capturable"] else "cpu"
            state["mu_product"] = ones((), dtype=counter_dtype(), device=place)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        return state


def nadam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    mu_products: list[Tensor],
    state_steps: list[Tensor],
    decoupled_weight_decay: bool = False,
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    maximize: bool = False,
    *,
    beta1: float,
    beta2: float,
    lr: float | Tensor,
    weight_decay: float,
    momentum_decay: float,
    eps: float,
) -> None:
    """One step of NAdam on lists of parameters, gradients and state, in place."""
    lr = rate_of(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter, product = state_steps[index], mu_products[index]
        counter += 1
        step = number(counter)
        grad = decayed(parameter, grad, lr, weight_decay, decoupled_weight_decay)
        values, grad, mean, square = map(
            real, (parameter, grad, exp_avgs[index], exp_avg_sqs[index])
        )
        now, ahead = [
            beta1 * (1.0 - 0.5 * 0.96 ** (time * momentum_decay)) for time in (step, step + 1)
        ]
        product *= now
        so_far = number(product)
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        scale = square.div(1 - beta2**step).sqrt().add(eps)
        descend_ratio(values, grad, scale, lr * (1 - now) / (1 - so_far))
        descend_ratio(values, mean, scale, lr * ahead / (1 - so_far * ahead))
