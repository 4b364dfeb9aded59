"""The older form of checkpointing: a Function whose backward runs the function again, and a
backward pass through it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from flambeau.autograd.backward import backward
from flambeau.autograd.function import Function
from flambeau.autograd.grad_mode import enable_grad
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.utils.checkpoint.states import Surroundings


class CheckpointFunction(Function):
    """``run_function(*args)``; only the arguments are kept."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        """Runs without recording."""
        ctx.run_function, ctx.surroundings = run_function, Surroundings(preserve_rng_state)
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Runs again, recording, and sends the gradients through what was recorded."""
        if modes.backward_pass is None or modes.backward_pass.partial:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        inputs = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            inputs[place] = tensor
        detached = detach_variable(tuple(inputs))
        with ctx.surroundings.restored(), enable_grad():
            outputs = ctx.run_function(*detached)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [
            (o, g) for o, g in zip(outputs, grads) if isinstance(o, Tensor) and o.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        backward([o for o, _ in pairs], [g for _, g in pairs])
        return None, None, *[d._grad if isinstance(d, Tensor) else None for d in detached]


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors without their history, asking for gradients as before."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            "Only tuple of tensors is supported. Got Unsupported input type: "
            + type(inputs).__name__
        )
    return tuple([
        i.detach().requires_grad_(i.requires_grad) if isinstance(i, Tensor) else i  # type: ignore
        for i in inputs
    ])  # fmt: skip


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns if no gradient will flow through the checkpoint."""
    if not any([i.requires_grad for i in inputs if isinstance(i, Tensor)]):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=3
        )
