"""L-BFGS: a quasi-Newton method with a short memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.ops.joining import cat
from flambeau.optim._common import check, evaluate, number, real
from flambeau.optim._line_search import strong_wolfe
from flambeau.optim.optimizer import Optimizer, ParamsT

__all__ = ["LBFGS"]

# What is kept from one iteration, and one step, to the next.
_MEMORY = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    """L-BFGS: the step is the gradient times an estimate of the inverse Hessian, which is built
    from the last ``history_size`` changes of parameters and gradients.

    One ``step`` makes up to ``max_iter`` iterations and evaluates the closure up to ``max_eval``
    times (by default ``max_iter * 5 / 4``). It ends early when no gradient exceeds
    ``tolerance_grad``, or the step or the change of the loss falls to ``tolerance_change``.
    ``line_search_fn`` is None or ``"strong_wolfe"``. All parameters are one group on one device.

    Liu and Nocedal, On the Limited Memory BFGS Method (1989).

    Example::

        optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")

        def closure():
            optimizer.zero_grad()
            loss = loss_fn(model(input), target)
            loss.backward()
            return loss

        optimizer.step(closure)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check(lr >= 0.0, f"Invalid learning rate: {lr}")
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Up to ``max_iter`` iterations; returns the first loss."""
        before, modes.grad = modes.grad, False
        try:
            return self._minimize(closure)
        finally:
            modes.grad = before

    def _minimize(self, closure: Callable[[], Any]) -> Any:
        group, state = self.param_groups[0], self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = evaluate(closure)
        loss, grad, evaluations = float(first), self._flat_gradient(), 1
        state["func_evals"] += 1
        if grad.abs().max() <= group["tolerance_grad"]:
            return first
        memory = {name: state.get(name) for name in _MEMORY}
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(state, memory, grad, group["history_size"])
            memory["prev_flat_grad"], memory["prev_loss"] = grad.clone(), loss
            rate = group["lr"]
            if state["n_iter"] == 1:
                rate = min(1.0, 1.0 / grad.abs().sum()) * rate
            memory["t"] = rate
            slope = grad.dot(direction)
            if slope > -group["tolerance_change"]:
                break
            last = iteration == group["max_iter"]
            before, left = loss, group["max_eval"] - evaluations
            loss, grad, used = self._go(closure, memory, loss, grad, slope, left, last)
            evaluations += used
            state["func_evals"] += used
            if last or evaluations >= group["max_eval"]:
                break
            if self._converged(group, memory, grad, loss - before):
                break
        state.update(memory)
        return first

    def _converged(self, group: dict[str, Any], memory: Any, grad: Any, change: float) -> bool:
        if grad.abs().max() <= group["tolerance_grad"]:
            return True
        if (memory["d"] * memory["t"]).abs().max() <= group["tolerance_change"]:
            return True
        return abs(change) < group["tolerance_change"]

    def _direction(self, state: Any, memory: Any, grad: Any, history: int) -> Any:
        """Minus the gradient times the estimate of the inverse Hessian."""
        if state["n_iter"] == 1:
            memory["d"] = grad.neg()
            memory["old_dirs"], memory["old_stps"], memory["ro"] = [], [], []
            memory["H_diag"] = 1
            return memory["d"]
        self._update_history(memory, grad, history)
        changes, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        weights = state.setdefault("al", [None] * history)
        d = grad.neg()
        for index in reversed(range(len(changes))):
            weights[index] = steps[index].dot(d) * ro[index]
            d.add_(changes[index], alpha=-number(weights[index]))
        d = d * memory["H_diag"]
        for index in range(len(changes)):
            weight = weights[index] - changes[index].dot(d) * ro[index]
            d.add_(steps[index], alpha=number(weight))
        memory["d"] = d
        return d

    def _update_history(self, memory: Any, grad: Any, history: int) -> None:
        change, step = grad - memory["prev_flat_grad"], memory["d"] * memory["t"]
        product = change.dot(step)
        if product <= 1e-10:
            return
        if len(memory["old_dirs"]) == history:
            for name in ("old_dirs", "old_stps", "ro"):
                memory[name].pop(0)
        memory["old_dirs"].append(change)
        memory["old_stps"].append(step)
        memory["ro"].append(1.0 / product)
        memory["H_diag"] = product / change.dot(change)

    def _go(
        self,
        closure: Callable[[], Any],
        memory: Any,
        loss: float,
        grad: Any,
        slope: Any,
        left: int,
        last: bool,
    ) -> tuple[float, Any, int]:
        """Moves along the direction; the loss and gradient there and the evaluations used.

        A line search may try again `left` times.
        """
        direction = memory["d"]
        way = self.param_groups[0]["line_search_fn"]
        if way is None:
            self._move(memory["t"], direction)
            if last:  # nobody would look at the loss
                return loss, grad, 0
            return float(evaluate(closure)), self._flat_gradient(), 1
        if way != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        start = [parameter.clone() for parameter in self._params]

        def objective(_: Any, t: Any, d: Any) -> tuple[float, Any]:
            self._move(t, d)
            value, slope = float(evaluate(closure)), self._flat_gradient()
            for parameter, value_before in zip(self._params, start, strict=True):
                parameter.copy_(value_before)
            return value, slope

        found = strong_wolfe(objective, start, memory["t"], direction, loss, grad, slope, most=left)
        loss, grad, memory["t"], used = found
        self._move(memory["t"], direction)
        return loss, grad, used

    def _move(self, t: Any, direction: Any) -> None:
        offset = 0
        for parameter in self._params:
            values = real(parameter)
            size = values.numel()
            values.add_(direction[offset : offset + size].view_as(values), alpha=number(t))
            offset += size

    def _flat_gradient(self) -> Any:
        """The gradients of all parameters as one vector; zeros where there is none."""
        parts = []
        for parameter in self._params:
            grad = parameter.grad
            if grad is None:
                grad = zeros_like(parameter)
            elif grad.is_sparse:
                grad = grad.to_dense()
            parts.append(real(grad).reshape(-1))
        return cat(parts, 0)
