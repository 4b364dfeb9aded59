"""SparseAdam: Adam for sparse gradients, which touches only the rows that have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    check,
    check_betas,
    evaluate,
    number,
    without_graph,
)
from flambeau.optim.optimizer import Optimizer, ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam on the rows for which a sparse gradient has values; other rows, and their running
    means, stay as they are.

    Example::

        embedding = torch.nn.Embedding(10_000, 32, sparse=True)
        optimizer = torch.optim.SparseAdam(embedding.parameters())
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check(lr > 0.0, f"Invalid learning rate: {lr}")
        check(eps > 0.0, f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        sparse = self._places(lambda parameter: parameter.is_sparse)
        if sparse:
            raise ValueError(
                f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors"
            )
        complex_ = self._places(lambda parameter: parameter.is_complex())
        if complex_:
            raise ValueError(
                f"Complex params at indices {complex_}: SparseAdam does not support complex "
                "parameters"
            )

    def _places(self, chosen: Callable[[Any], bool]) -> list[list[int]]:
        """Group and place of the parameters that are chosen."""
        return [
            [number, place]
            for number, group in enumerate(self.param_groups)
            for place, parameter in enumerate(group["params"])
            if chosen(parameter)
        ]

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, parameter: Any, group: dict[str, Any]) -> None:
        if not parameter.grad.is_sparse:
            raise RuntimeError(
                "SparseAdam does not support dense gradients, please consider Adam instead"
            )
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        state["step"] += 1
        grad = parameter.grad.coalesce()
        if grad._nnz():
            values = -grad.values() if group["maximize"] else grad.values()
            _adam_rows(parameter, tuple(grad.indices().unbind(0)), values, state, group)


def _adam_rows(
    parameter: Any, rows: tuple[Any, ...], grad: Any, state: Any, group: dict[str, Any]
) -> None:
    """Adam's step on the rows at these places."""
    beta1, beta2 = group["betas"]
    mean, square = state["exp_avg"][rows], state["exp_avg_sq"][rows]
    mean = mean + (grad - mean) * (1 - beta1)
    square = square + (grad * grad - square) * (1 - beta2)
    state["exp_avg"][rows], state["exp_avg_sq"][rows] = mean, square
    step = state["step"]
    rate = number(group["lr"]) * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
    parameter[rows] = parameter[rows] - rate * mean / square.sqrt().add(group["eps"])
