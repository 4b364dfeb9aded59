"""Adafactor: running means of squares kept as one row and one column a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.limits import finfo
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    as_counters,
    check,
    evaluate,
    number,
    step_counter,
    with_gradients,
    without_graph,
)
from flambeau.optim.optimizer import Group, Optimizer, ParamsT

__all__ = ["Adafactor", "adafactor"]


class Adafactor(Optimizer):
    """Adafactor: like Adam without momentum, with little memory.

    The running mean ``s`` of a matrix's squared gradient is kept as the means ``r`` of its rows
    and ``c`` of its columns, ``s = r c / mean(r)``; its weight is ``1 - t ** beta2_decay``. The
    direction ``u = g / sqrt(s)`` is shortened to a root mean square of at most ``d``, and the
    rate is ``max(eps2, rms(p)) * min(lr, 1 / sqrt(t))``. ``eps = (eps1, eps2)``; None for
    ``eps1`` means the resolution of the dtype.

    Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost (2018).

    Example::

        optimizer = torch.optim.Adafactor(model.parameters(), lr=0.01)
    """

    __module__ = "flambeau.optim"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        eps1, eps2 = eps
        check(lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        check(beta2_decay <= 0.0, f"beta2_decay should be <= 0 but is: {beta2_decay}")
        check(eps1 is None or eps1 >= 0.0, f"epsilon1 should be >= 0 but is: {eps1}")
        check(eps2 >= 0.0, f"epsilon2 should be >= 0 but is: {eps2}")
        check(d >= 1.0, f"Clipping threshold d should be >= 1 but is: {d}")
        check(weight_decay >= 0.0, f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
            "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
        as_counters(self.state.values(), "step")

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            params, grads = with_gradients(group, "Adafactor")
            if any(parameter.is_complex() for parameter in params):
                raise RuntimeError("Adafactor does not support complex parameters")
            states = [self._state_of(parameter, group) for parameter in params]
            adafactor(
                params,
                grads,
                [state.get("row_var") for state in states],
                [state.get("col_var") for state in states],
                [state.get("variance") for state in states],
                [state["step"] for state in states],
                d=group["d"],
                lr=group["lr"],
                beta2_decay=group["beta2_decay"],
                weight_decay=group["weight_decay"],
                eps1=group["eps"][0],
                eps2=group["eps"][1],
                maximize=group["maximize"],
            )
        return loss

    def _state_of(self, parameter: Any, group: Group) -> dict[str, Any]:
        state = self.state[parameter]
        if state:
            return state
        state["step"] = step_counter(group, parameter)
        if parameter.dim() > 1:
            rows, columns = list(parameter.shape), list(parameter.shape)
            rows[-1] = columns[-2] = 1
            state["row_var"] = parameter.grad.new_zeros(rows)
            state["col_var"] = parameter.grad.new_zeros(columns)
        else:
            state["variance"] = zeros_like(parameter.grad)
        return state


def adafactor(
    params: list[Tensor],
    grads: list[Tensor],
    row_vars: list[Tensor | None],
    col_vars: list[Tensor | None],
    variances: list[Tensor | None],
    state_steps: list[Tensor],
    foreach: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    *,
    d: float,
    lr: float | Tensor,
    beta2_decay: float,
    weight_decay: float,
    eps1: float | None,
    eps2: float,
    maximize: bool,
) -> None:
    """One step of Adafactor on lists of parameters, gradients and state, in place."""
    lr = number(lr)
    for index, parameter in enumerate(params):
        grad = -grads[index] if maximize else grads[index]
        counter = state_steps[index]
        counter += 1
        step = number(counter)
        least = finfo(parameter.dtype).eps if eps1 is None else eps1
        size = max(eps2, parameter.norm(2).item() / parameter.numel() ** 0.5)
        rate = size * min(lr, 1 / step**0.5)
        if weight_decay != 0:
            parameter.mul_(1 - lr * weight_decay)
        weight = step**beta2_decay
        if grad.dim() > 1:
            square = _factored(grad, row_vars[index], col_vars[index], weight, least)
        else:
            square = variances[index].lerp_(grad * grad, weight)
        update = square.clamp(min=least * least).rsqrt() * grad
        length = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * d))
        parameter.add_(update, alpha=-rate / length)


def _factored(grad: Any, rows: Any, columns: Any, weight: float, least: float) -> Any:
    """The estimate of the squared gradient from the means of its rows and columns."""
    squares = grad * grad
    rows.lerp_(squares.mean(dim=-1, keepdim=True), weight)
    columns.lerp_(squares.mean(dim=-2, keepdim=True), weight)
    return (rows @ columns) / rows.mean(dim=-2, keepdim=True).clamp(min=least)
