"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.device import cpu
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    as_counters,
    check_betas,
    check_forms,
    check_fused,
    check_nonnegative,
    check_rate,
    complete,
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
from flambeau.optim._fused import ADAM_STEP, arrays, common_kind, counted, wrote
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["Adam", "adam"]


class Adam(Optimizer):
    """Adam: with the gradient ``g``, the running means ``m`` of ``g`` and ``s`` of ``g * g``, and
    ``t`` the number of the step,

    ``p -= lr / (1 - beta1**t) * m / (sqrt(s / (1 - beta2**t)) + eps)``.

    ``weight_decay`` is added to the gradient as ``weight_decay * p``, or with
    ``decoupled_weight_decay`` shrinks the parameter first (then it is ``AdamW``). ``amsgrad``
    divides by the largest ``s`` so far. ``maximize`` ascends instead. ``foreach`` and ``fused``
    choose a form in PyTorch; here the fastest valid one is always taken. ``differentiable`` lets
    gradients flow through the step.

    Kingma and Ba, Adam: A Method for Stochastic Optimization (2015); Reddi et al., On the
    Convergence of Adam and Beyond (2018).

    Example::

        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        _check_tensors(lr, betas, foreach, capturable)
        check_rate(lr)
        check_nonnegative(eps=eps)
        check_betas(betas)
        check_nonnegative(weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_forms(foreach, fused, differentiable)
        if fused:
            check_fused(p for group in self.param_groups for p in group["params"])

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups,
            amsgrad=False,
            maximize=False,
            capturable=False,
            differentiable=False,
            decoupled_weight_decay=False,
            foreach=None,
            fused=None,
        )
        as_counters(self.state.values(), "step")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            greatest = "max_exp_avg_sq" if group["amsgrad"] else None
            parts = ("exp_avg", "exp_avg_sq", greatest, "step")
            adam(
                *gathered(self, group, "Adam", *parts, hint=", please consider SparseAdam instead"),
                beta1=beta1,
                beta2=beta2,
                **picked(group, "differentiable decoupled_weight_decay amsgrad lr maximize"),
                **picked(group, "weight_decay eps"),
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = step_counter(group, parameter)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(parameter)
        return state


def _check_tensors(lr: Any, betas: Any, foreach: bool | None, capturable: bool) -> None:
    if isinstance(lr, Tensor) and foreach and not capturable:
        raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
    kinds = [isinstance(beta, Tensor) for beta in betas]
    if any(kinds) and not all(kinds):
        raise ValueError("betas must be either both floats or both Tensors")
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor):
            if foreach and not capturable:
                raise ValueError(
                    f"betas[{index}] as a Tensor is not supported for capturable=False and "
                    "foreach=True"
                )
            if beta.numel() != 1:
                raise ValueError(f"Tensor betas[{index}] must be 1-element")


def adam(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    decoupled_weight_decay: bool = False,
    *,
    amsgrad: bool,
    beta1: float | Tensor,
    beta2: float | Tensor,
    lr: float | Tensor,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of Adam on lists of parameters, gradients and running means, in place."""
    beta1, beta2 = number(beta1), number(beta2)
    kind = common_kind(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs)
    if kind is not None and all(step.device is cpu for step in state_steps):
        ADAM_STEP[kind.place](
            arrays(params), arrays(grads), arrays(exp_avgs), arrays(exp_avg_sqs),
            arrays(max_exp_avg_sqs) if amsgrad else None, counted(state_steps),
            number(lr), beta1, beta2, weight_decay, eps, maximize, decoupled_weight_decay,
        )  # fmt: skip
        for written in (params, exp_avgs, exp_avg_sqs, max_exp_avg_sqs):
            wrote(written)
        return
    lr = rate_of(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        mean, square, counter = exp_avgs[index], exp_avg_sqs[index], state_steps[index]
        counter += 1
        grad = decayed(parameter, grad, lr, weight_decay, decoupled_weight_decay)
        values, grad, mean, square = map(real, (parameter, grad, mean, square))
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if amsgrad:
            greatest = real(max_exp_avg_sqs[index])
            square = greatest.clone().maximum(square)
            greatest.copy_(square)
        step = number(counter)
        rate, root = lr / (1 - beta1**step), (1 - beta2**step) ** 0.5
        descend_ratio(values, mean, square.sqrt().div(root).add(eps), rate)
