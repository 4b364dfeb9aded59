"""Rprop: steps from the signs of gradients alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import full_like, zeros_like
from flambeau.optim._common import (
    as_counters,
    check,
    check_rate,
    complete,
    evaluate,
    gathered,
    number,
    picked,
    real,
    step_counter,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["Rprop", "rprop"]


class Rprop(Optimizer):
    """Rprop: each element has a step size of its own, which grows by ``etas[1]`` while the
    gradient keeps its sign and shrinks by ``etas[0]`` when it turns, within ``step_sizes``.

    After a turn the element stays where it is for one step. Meant for full batches.

    Riedmiller and Braun, A Direct Adaptive Method for Faster Backpropagation Learning (1993).

    Example::

        optimizer = torch.optim.Rprop(model.parameters(), lr=0.01)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
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
            rprop(
                *gathered(self, group, "Rprop", "prev", "step_size", "step"),
                step_size_min=group["step_sizes"][0],
                step_size_max=group["step_sizes"][1],
                etaminus=group["etas"][0],
                etaplus=group["etas"][1],
                **picked(group, "maximize"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            state["prev"] = zeros_like(parameter)
            lr = number(group["lr"])
            start = complex(lr, lr) if parameter.is_complex() else lr
            state["step_size"] = full_like(parameter.detach(), start)
        return state


def rprop(
    params: list[Tensor],
    grads: list[Tensor],
    prevs: list[Tensor],
    step_sizes: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    maximize: bool = False,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    step_size_min: float,
    step_size_max: float,
    etaminus: float,
    etaplus: float,
) -> None:
    """One step of Rprop on lists of parameters, gradients and state, in place."""
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter = state_steps[index]
        counter += 1
        values, grad, before, sizes = map(real, (parameter, grad, prevs[index], step_sizes[index]))
        turn = (grad * before).sign()
        factor = full_like(turn, 1.0).masked_fill(turn > 0, etaplus)
        sizes.mul_(factor.masked_fill(turn < 0, etaminus)).clamp_(step_size_min, step_size_max)
        grad = grad.masked_fill(turn < 0, 0)
        values.addcmul_(grad.sign(), sizes, value=-1)
        before.copy_(grad)
