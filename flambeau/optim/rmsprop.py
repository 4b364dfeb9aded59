"""RMSprop: steps scaled by a running mean of squared gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    added,
    as_counters,
    check_nonnegative,
    check_rate,
    complete,
    descend,
    descend_ratio,
    evaluate,
    gathered,
    picked,
    rate_of,
    real,
    step_counter,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["RMSprop", "rmsprop"]


class RMSprop(Optimizer):
    """RMSprop: with ``s`` the running mean of ``g * g``, ``p -= lr * g / (sqrt(s) + eps)``.

    With ``momentum`` a buffer ``v = momentum * v + g / (sqrt(s) + eps)`` takes the place of the
    quotient; ``centered`` uses the variance, ``s`` less the squared mean of ``g``.

    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6e (2012); centered: Graves,
    Generating Sequences with Recurrent Neural Networks (2013).

    Example::

        optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check_nonnegative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups,
            momentum=0,
            centered=False,
            maximize=False,
            differentiable=False,
            capturable=False,
            foreach=None,
        )
        as_counters(self.state.values(), "step")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            mean = "grad_avg" if group["centered"] else None
            buffer = "momentum_buffer" if group["momentum"] > 0 else None
            rmsprop(
                *gathered(self, group, "RMSprop", "square_avg", mean, buffer, "step"),
                **picked(group, "maximize lr alpha eps weight_decay momentum centered"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            state["square_avg"] = zeros_like(parameter)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(parameter)
            if group["centered"]:
                state["grad_avg"] = zeros_like(parameter)
        return state


def rmsprop(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    grad_avgs: list[Tensor],
    momentum_buffer_list: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lr: float | Tensor,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
) -> None:
    """One step of RMSprop on lists of parameters, gradients and state, in place."""
    lr = rate_of(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter = state_steps[index]
        counter += 1
        if weight_decay != 0:
            grad = added(grad, parameter, weight_decay)
        values, grad, square = map(real, (parameter, grad, square_avgs[index]))
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if centered:
            mean = real(grad_avgs[index])
            mean.lerp_(grad, 1 - alpha)
            square = square.addcmul(mean, mean, value=-1)
        scale = square.sqrt().add(eps)
        if momentum > 0:
            buffer = real(momentum_buffer_list[index])
            buffer.mul_(momentum).addcdiv_(grad, scale)
            descend(values, buffer, lr)
        else:
            descend_ratio(values, grad, scale, lr)
