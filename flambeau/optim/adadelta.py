"""Adadelta: steps in the units of the parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    added,
    as_counters,
    check,
    check_nonnegative,
    check_rate,
    complete,
    descend,
    evaluate,
    gathered,
    picked,
    rate_of,
    real,
    step_counter,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["Adadelta", "adadelta"]


class Adadelta(Optimizer):
    """Adadelta: with ``s`` the running mean of ``g * g`` and ``a`` that of the squared steps,
    ``d = sqrt(a + eps) / sqrt(s + eps) * g`` and ``p -= lr * d``.

    Zeiler, ADADELTA: An Adaptive Learning Rate Method (2012).

    Example::

        optimizer = torch.optim.Adadelta(model.parameters())
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(0.0 <= rho <= 1.0, f"Invalid rho value: {rho}")
        check_nonnegative(eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups, maximize=False, capturable=False, differentiable=False, foreach=None
        )
        as_counters(self.state.values(), "step")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            adadelta(
                *gathered(self, group, "Adadelta", "square_avg", "acc_delta", "step"),
                **picked(group, "lr rho eps weight_decay maximize"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            state["square_avg"] = zeros_like(parameter)
            state["acc_delta"] = zeros_like(parameter)
        return state


def adadelta(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    acc_deltas: list[Tensor],
    state_steps: list[Tensor],
    capturable: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: float | Tensor,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Adadelta on lists of parameters, gradients and state, in place."""
    lr = rate_of(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter = state_steps[index]
        counter += 1
        if weight_decay != 0:
            grad = added(grad, parameter, weight_decay)
        values, grad, square, travelled = map(
            real, (parameter, grad, square_avgs[index], acc_deltas[index])
        )
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        change = travelled.add(eps).sqrt() / square.add(eps).sqrt() * grad
        travelled.mul_(rho).addcmul_(change, change, value=1 - rho)
        descend(values, change, lr)
