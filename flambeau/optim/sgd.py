"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor, wrap
from flambeau.optim._common import (
    added,
    check_forms,
    check_fused,
    check_nonnegative,
    check_rate,
    complete,
    descend,
    evaluate,
    number,
    with_gradients,
    without_graph,
)
from flambeau.optim._fused import SGD_STEP, arrays, common_kind, wrote
from flambeau.optim.optimizer import Optimizer, ParamsT

__all__ = ["SGD", "sgd"]


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with (Nesterov) momentum.

    With the gradient ``g`` (plus ``weight_decay * p``), ``v`` the momentum buffer, which starts
    as the first ``g``: ``v = momentum * v + (1 - dampening) * g`` and ``p -= lr * v``; with
    ``nesterov`` ``p -= lr * (g + momentum * v)``.

    ``maximize`` ascends instead. ``foreach`` and ``fused`` choose a form in PyTorch; here the
    fastest valid one is always taken. ``differentiable`` lets gradients flow through the step.

    Sutskever et al., On the importance of initialization and momentum in deep learning (2013).

    Example::

        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        optimizer.zero_grad()
        loss_fn(model(input), target).backward()
        optimizer.step()
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check_nonnegative(momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_forms(foreach, fused, differentiable)
        if fused:
            check_fused(p for group in self.param_groups for p in group["params"])

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete(
            self.param_groups,
            nesterov=False,
            maximize=False,
            differentiable=False,
            foreach=None,
            fused=False,
        )

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            params, grads = with_gradients(group)
            buffers: list[Any] = [None] * len(params)
            if group["momentum"] != 0:
                states = [self.state[parameter] for parameter in params]
                buffers = [state.get("momentum_buffer") for state in states]
            sgd(
                params,
                grads,
                buffers,
                fused=group["fused"],
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                lr=group["lr"],
                dampening=group["dampening"],
                nesterov=group["nesterov"],
                maximize=group["maximize"],
            )
            if group["momentum"] != 0:
                for state, buffer in zip(states, buffers, strict=True):
                    state["momentum_buffer"] = buffer
        return loss


def sgd(
    params: list[Tensor],
    d_p_list: list[Tensor],
    momentum_buffer_list: list[Tensor | None],
    has_sparse_grad: bool = False,
    foreach: bool | None = None,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    *,
    weight_decay: float,
    momentum: float,
    lr: float | Tensor,
    dampening: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """One step of SGD on lists of parameters, gradients and momentum buffers, in place.

    Missing momentum buffers are put into the list.
    """
    if fused and any(grad.is_sparse for grad in d_p_list):
        raise RuntimeError("`_fused_sgd` does not support sparse gradients")
    held = [buffer for buffer in momentum_buffer_list if buffer is not None]
    kind = common_kind(params, d_p_list, held)
    if kind is None:
        for index, parameter in enumerate(params):
            grad = -d_p_list[index] if maximize else d_p_list[index]
            if weight_decay != 0:
                grad = added(grad, parameter, weight_decay)
            if momentum != 0:
                buffer = momentum_buffer_list[index]
                if buffer is None:
                    buffer = momentum_buffer_list[index] = grad.clone().detach()
                else:
                    buffer.mul_(momentum).add_(grad, alpha=1 - dampening)
                grad = added(grad, buffer, momentum) if nesterov else buffer
            descend(parameter, grad, lr)
        return
    buffers = [None if buffer is None else buffer._array for buffer in momentum_buffer_list]
    made = SGD_STEP[kind.place](
        arrays(params), arrays(d_p_list), buffers,
        number(lr), momentum, dampening, number(weight_decay), nesterov, maximize,
    )  # fmt: skip
    if momentum != 0:
        for index, buffer in enumerate(momentum_buffer_list):
            if buffer is None:
                momentum_buffer_list[index] = wrap(made[index], kind)
        wrote(held)
    wrote(params)
