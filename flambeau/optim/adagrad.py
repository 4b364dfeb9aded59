"""Adagrad: steps scaled by the sum of all squared gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import full_like
from flambeau.optim._common import (
    added,
    as_counters,
    check_forms,
    check_fused,
    check_nonnegative,
    check_rate,
    complete,
    descend_ratio,
    evaluate,
    number,
    rate_of,
    real,
    step_counter,
    with_gradients,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["Adagrad", "adagrad"]


class Adagrad(Optimizer):
    """Adagrad: with ``s`` the sum of all ``g * g`` so far,
    ``p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)``.

    Sparse gradients are taken as they are: rows without a gradient stay untouched.

    Duchi et al., Adaptive Subgradient Methods for Online Learning (2011).

    Example::

        optimizer = torch.optim.Adagrad(model.parameters(), lr=0.01)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check_nonnegative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_forms(foreach, fused, differentiable)
        if fused:
            check_fused(p for group in self.param_groups for p in group["params"])
        for group in self.param_groups:
            for parameter in group["params"]:
                self._state_of(parameter, group)

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if state:
            return state
        value = group["initial_accumulator_value"]
        start = complex(value, value) if parameter.is_complex() else value
        state["step"] = step_counter(group, parameter)
        state["sum"] = full_like(parameter.detach(), start)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(self.param_groups, maximize=False, differentiable=False, foreach=None, fused=None)
        as_counters(self.state.values(), "step")

    def share_memory(self) -> None:
        """Moves the sums to shared memory, for training from several processes."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["sum"].share_memory_()

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            params, grads = with_gradients(group)
            states = [self._state_of(parameter, group) for parameter in params]
            adagrad(
                params,
                grads,
                [state["sum"] for state in states],
                [state["step"] for state in states],
                fused=group["fused"],
                has_sparse_grad=any(grad.is_sparse for grad in grads),
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                lr_decay=group["lr_decay"],
                eps=group["eps"],
                maximize=group["maximize"],
            )
        return loss


def adagrad(
    params: list[Tensor],
    grads: list[Tensor],
    state_sums: list[Tensor],
    state_steps: list[Tensor],
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    has_complex: bool = False,
    *,
    lr: float | Tensor,
    weight_decay: float,
    lr_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of Adagrad on lists of parameters, gradients and sums of squares, in place."""
    if fused and has_sparse_grad:
        raise RuntimeError("`fused` does not support sparse grad or complex param")
    lr = rate_of(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        total, counter = state_sums[index], state_steps[index]
        counter += 1
        rate = lr / (1 + (number(counter) - 1) * lr_decay)
        if grad.is_sparse:
            if weight_decay != 0:
                raise RuntimeError("weight_decay option is not compatible with sparse gradients")
            _descend_rows(parameter, grad.coalesce(), total, rate, eps)
            continue
        if weight_decay != 0:
            grad = added(grad, parameter, weight_decay)
        values, grad, total = map(real, (parameter, grad, total))
        total.addcmul_(grad, grad, value=1)
        descend_ratio(values, grad, total.sqrt() + eps, rate)


def _descend_rows(parameter: Any, grad: Any, total: Any, rate: float, eps: float) -> None:
    """The step where the gradient has values."""
    if grad._nnz() == 0:
        return
    places, values = tuple(grad.indices().unbind(0)), grad.values()
    sums = total[places] + values * values
    total[places] = sums
    parameter[places] = parameter[places] - rate * values / (sums.sqrt() + eps)
