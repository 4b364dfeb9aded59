"""ASGD: gradient descent that also averages the parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import full, ones, zeros_like
from flambeau.optim._common import (
    added,
    as_counters,
    check_nonnegative,
    check_rate,
    complete,
    counter_dtype,
    descend,
    evaluate,
    gathered,
    number,
    picked,
    real,
    step_counter,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["ASGD", "asgd"]


class ASGD(Optimizer):
    """Averaged gradient descent: ``p = p * (1 - lambd * eta) - eta * g``, and from step ``t0`` on
    ``ax`` in the state is the mean of the parameters.

    The rate falls as ``eta = lr / (1 + lambd * lr * t) ** alpha``.

    Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992).

    Example::

        optimizer = torch.optim.ASGD(model.parameters(), lr=0.01)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check_nonnegative(weight_decay=weight_decay)
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups, maximize=False, differentiable=False, capturable=False, foreach=None
        )
        as_counters(self.state.values(), "step", "eta", "mu")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            asgd(
                *gathered(self, group, "ASGD", "ax", "mu", "eta", "step"),
                **picked(group, "maximize lambd lr t0 alpha weight_decay"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            place = parameter.device
            state["step"] = step_counter(group, parameter)
            state["eta"] = full((), number(group["lr"]), dtype=counter_dtype(), device=place)
            state["mu"] = ones((), dtype=counter_dtype(), device=place)
            state["ax"] = zeros_like(parameter)
        return state


def asgd(
    params: list[Tensor],
    grads: list[Tensor],
    axs: list[Tensor],
    mus: list[Tensor],
    etas: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: bool = False,
    has_complex: bool = False,
    *,
    lambd: float,
    lr: float | Tensor,
    t0: float,
    alpha: float,
    weight_decay: float,
) -> None:
    """One step of ASGD on lists of parameters, gradients and state, in place."""
    lr = number(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter, eta, mu = state_steps[index], etas[index], mus[index]
        counter += 1
        step, rate, share = number(counter), number(eta), number(mu)
        if weight_decay != 0:
            grad = added(grad, parameter, weight_decay)
        values, grad, average = map(real, (parameter, grad, axs[index]))
        values.mul_(1 - lambd * rate)
        descend(values, grad, rate)
        if share == 1:
            average.copy_(values)
        else:
            average.add_((values - average) * share)
        eta.fill_(lr / (1 + lambd * lr * step) ** alpha)
        mu.fill_(1 / max(1, step - t0))
