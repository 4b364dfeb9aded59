"""What the algorithms share: checks of options, counters, closures, steps on lists."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from flambeau.core.dtype import float32, float64, get_default_dtype
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros
from flambeau.ops.from_data import tensor
from flambeau.ops.pointwise.complex import view_as_real
from flambeau.optim.optimizer import Group, Optimizer


def evaluate(closure: Callable[[], Any] | None) -> Any:
    """The closure's loss, computed with gradients on; None without a closure."""
    if closure is None:
        return None
    before, modes.grad = modes.grad, True
    try:
        return closure()
    finally:
        modes.grad = before


def without_graph(step: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of ``step``: nothing is recorded, unless the optimizer is differentiable."""

    @functools.wraps(step)
    def entry(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        before, modes.grad = modes.grad, bool(self.defaults.get("differentiable"))
        try:
            return step(self, *args, **kwargs)
        finally:
            modes.grad = before

    return entry


def number(value: Any) -> Any:
    """A tensor of one element as a Python number; numbers stay."""
    return value.item() if isinstance(value, Tensor) else value


def check(valid: Any, message: str) -> None:
    """ValueError if an option is not valid."""
    if not valid:
        raise ValueError(message)


def check_rate(lr: Any) -> None:
    """ValueError if a learning rate is negative or a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check(lr >= 0.0, f"Invalid learning rate: {lr}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """ValueError if one of the decay rates is not in [0, 1)."""
    for index, beta in enumerate(betas):
        check(0.0 <= beta < 1.0, f"Invalid beta parameter at index {index}: {beta}")


def check_nonnegative(**options: Any) -> None:
    """ValueError if an option, named as in PyTorch's messages, is negative."""
    for name, value in options.items():
        name = {"eps": "epsilon", "momentum": "momentum"}.get(name, name)
        check(value >= 0.0, f"Invalid {name} value: {value}")


def check_forms(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """RuntimeError if the forms asked for exclude each other."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_fused(params: Iterable[Any]) -> None:
    """RuntimeError if a parameter is not one that the fused form can update."""
    for parameter in params:
        if parameter.device.type not in ("cpu", "cuda") or not parameter.is_floating_point():
            raise RuntimeError(
                "`fused=True` requires all the params to be floating point Tensors of supported "
                "devices: ['cpu', 'cuda']."
            )


def step_counter(group: Group, parameter: Any) -> Any:
    """The counter of a parameter's steps before the first: a tensor of zero.

    It lives with the parameter where the group is capturable or fused, else on the CPU.
    """
    fused = group.get("fused")
    beside = fused or group.get("capturable")
    dtype = float32 if fused else counter_dtype()
    return zeros((), dtype=dtype, device=parameter.device if beside else "cpu")


def counter_dtype() -> Any:
    """The dtype of step counters: float64 where that is the default, else float32."""
    return float64 if get_default_dtype() is float64 else float32


def as_counters(states: Iterable[Any], *names: str) -> None:
    """Makes tensors of the counts that older files keep as numbers."""
    for state in states:
        for name in names:
            if name in state and not isinstance(state[name], Tensor):
                state[name] = tensor(float(state[name]), dtype=counter_dtype())


def real(value: Any) -> Any:
    """A complex tensor as a view of real numbers; others, and None, as they are."""
    return view_as_real(value) if value is not None and value.is_complex() else value


def with_gradients(group: Group, name: str = "", hint: str = "") -> tuple[list[Any], list[Any]]:
    """The parameters that have gradients, and these; RuntimeError where one is sparse.

    Without a ``name`` for the message, sparse gradients are fine.
    """
    params, grads = [], []
    for parameter in group["params"]:
        grad = parameter.grad
        if grad is not None:
            if name and grad.is_sparse:
                raise RuntimeError(f"{name} does not support sparse gradients{hint}")
            params.append(parameter)
            grads.append(grad)
    return params, grads


def gathered(optimizer: Any, group: Group, name: str, *parts: str | None, hint: str = "") -> Any:
    """The parameters that have gradients, these, and each part of their states, as lists.

    A part that the options do not ask for is None, and its list empty.
    """
    params, grads = with_gradients(group, name, hint)
    states = [optimizer._state_of(parameter, group) for parameter in params]
    return params, grads, *[[state[part] for state in states] if part else [] for part in parts]


def picked(group: Group, names: str) -> dict[str, Any]:
    """Options of a group as arguments of its algorithm."""
    return {name: group[name] for name in names.split()}


def complete(groups: Iterable[Group], **defaults: Any) -> None:
    """Gives groups from older files the options that they lack."""
    for group in groups:
        for name, value in defaults.items():
            group.setdefault(name, value)


def decayed(parameter: Any, grad: Any, lr: Any, weight_decay: Any, decoupled: bool) -> Any:
    """The gradient with weight decay, which shrinks the parameter itself where `decoupled`."""
    if weight_decay == 0:
        return grad
    if not decoupled:
        return added(grad, parameter, weight_decay)
    parameter.mul_(1 - lr * weight_decay)
    return grad


def added(value: Any, other: Any, factor: Any) -> Any:
    """``value + factor * other``, where the factor may be a tensor with a history."""
    return value + other * factor if isinstance(factor, Tensor) else value.add(other, alpha=factor)


def descend(parameter: Any, direction: Any, lr: Any) -> None:
    """``parameter -= lr * direction``; the rate may be a tensor with a history."""
    if isinstance(lr, Tensor) and lr.requires_grad:
        parameter.addcmul_(direction, lr, value=-1)
    else:
        parameter.add_(direction, alpha=-number(lr))


def descend_ratio(parameter: Any, direction: Any, scale: Any, rate: Any) -> None:
    """``parameter -= rate * direction / scale``; the rate may be a tensor with a history."""
    if isinstance(rate, Tensor):
        parameter.sub_(direction / scale * rate)
    else:
        parameter.addcdiv_(direction, scale, value=-rate)


def rate_of(lr: Any) -> Any:
    """A learning rate as a number, unless gradients flow to it."""
    return lr if isinstance(lr, Tensor) and lr.requires_grad else number(lr)
