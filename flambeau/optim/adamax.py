"""Adamax: Adam with the running maximum of the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    added,
    as_counters,
    check_betas,
    check_nonnegative,
    check_rate,
    complete,
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

__all__ = ["Adamax", "adamax"]


class Adamax(Optimizer):
    """Adamax: with ``m`` the running mean of the gradient ``g`` and
    ``u = max(beta2 * u, abs(g) + eps)``, ``p -= lr / (1 - beta1**t) * m / u``.

    Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), section 7.

    Example::

        optimizer = torch.optim.Adamax(model.parameters(), lr=2e-3)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_nonnegative(eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups, maximize=False, differentiable=False, capturable=False, foreach=None
        )
        as_counters(self.state.values(), "step")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            adamax(
                *gathered(self, group, "Adamax", "exp_avg", "exp_inf", "step"),
                beta1=beta1,
                beta2=beta2,
                **picked(group, "maximize eps lr weight_decay"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_inf"] = zeros_like(parameter)
        return state


def adamax(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_infs: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    eps: float,
    beta1: float,
    beta2: float,
    lr: float | Tensor,
    weight_decay: float,
) -> None:
    """One step of Adamax on lists of parameters, gradients and state, in place."""
    lr = rate_of(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter = state_steps[index]
        counter += 1
        if weight_decay != 0:
            grad = added(grad, parameter, weight_decay)
        values, grad, mean, greatest = map(
            real, (parameter, grad, exp_avgs[index], exp_infs[index])
        )
        mean.lerp_(grad, 1 - beta1)
        greatest.copy_((greatest * beta2).maximum(grad.abs().add(eps)))
        descend_ratio(values, mean, greatest, lr / (1 - beta1 ** number(counter)))
