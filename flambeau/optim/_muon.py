"""Muon: momentum made orthogonal, for the matrices inside a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros_like
from flambeau.optim._common import (
    check,
    evaluate,
    number,
    with_gradients,
    without_graph,
)
from flambeau.optim.optimizer import Optimizer, ParamsT

__all__ = ["Muon"]

Coefficients = tuple[float, float, float]


class Muon(Optimizer):
    """Muon: the momentum of a matrix is replaced by the nearest matrix with orthonormal rows or
    columns, found by a few steps of a Newton-Schulz iteration in bfloat16.

    Only for matrices; use AdamW for embeddings, biases and the last layer. ``adjust_lr_fn`` fits
    the rate to the shape: ``"original"`` (None) by ``sqrt(max(1, rows / columns))``,
    ``"match_rms_adamw"`` by ``0.2 * sqrt(max(rows, columns))``, so that AdamW's rates carry over.

    Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024); Liu et al., Muon
    is Scalable for LLM Training (2025).

    Example::

        matrices = [p for p in model.parameters() if p.ndim == 2]
        optimizer = torch.optim.Muon(matrices, lr=0.02)
    """

    __module__ = "flambeau.optim"

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: Coefficients = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check(lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        check(momentum >= 0.0, f"momentum should be >= 0 but is: {momentum}")
        check(weight_decay >= 0.0, f"weight decay should be >= 0 but is: {weight_decay}")
        check(
            adjust_lr_fn in (None, "original", "match_rms_adamw"),
            f"Adjust learning rate function {adjust_lr_fn} is not supported",
        )
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for parameter in group["params"]:
                check(
                    parameter.ndim == 2,
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{parameter.size()}",
                )

    @without_graph
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters once; returns the closure's loss."""
        loss = evaluate(closure)
        for group in self.param_groups:
            params, grads = with_gradients(group, "Muon")
            for parameter, grad in zip(params, grads, strict=True):
                if parameter.is_complex():
                    raise RuntimeError("Muon does not support complex parameters")
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = zeros_like(grad)
                _update(parameter, grad, state["momentum_buffer"], group)
        return loss


def _update(parameter: Any, grad: Any, buffer: Any, group: dict[str, Any]) -> None:
    lr, momentum = number(group["lr"]), group["momentum"]
    buffer.lerp_(grad, 1 - momentum)
    direction = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
    direction = _orthogonal(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
    parameter.mul_(1 - lr * group["weight_decay"])
    parameter.add_(direction, alpha=-lr * _scale(parameter.shape, group["adjust_lr_fn"]))


def _scale(shape: tuple[int, ...], way: str | None) -> float:
    rows, columns = shape
    if way == "match_rms_adamw":
        return 0.2 * max(rows, columns) ** 0.5
    return max(1, rows / columns) ** 0.5


def _orthogonal(matrix: Any, coefficients: Coefficients, steps: int, eps: float) -> Any:
    """The matrix with its singular values drawn to about 1, in bfloat16.

    Each step maps a singular value ``s`` to ``a s + b s**3 + c s**5``.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    wide = matrix.bfloat16()
    tall = wide.size(0) > wide.size(1)
    wide = wide.T if tall else wide
    wide = wide / wide.norm().clamp(min=eps)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = wide.addmm(gram.addmm(gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide.T if tall else wide
