"""Hooks on a module's gradients: its inputs and outputs pass through gates in the graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from flambeau.autograd.function import Function
from flambeau.core.tensor import Tensor

Gradients = tuple[Tensor | None, ...]
NO_INPUT_GRADIENT = (
    "Full backward hook is firing when gradients are computed with respect to module outputs since "
    "no inputs require gradients. See "
    "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
    "#torch.nn.Module.register_full_backward_hook for more details."
)


class _Gate(Function):
    """The identity; in the backward pass the gradients go through a function."""

    @staticmethod
    def forward(ctx: Any, passed: Callable[[Gradients], Gradients], *tensors: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*(one for one in tensors if not one.requires_grad))
        ctx.passed = passed
        return tuple(one.view_as(one) for one in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        return None, *ctx.passed(grads)


class BackwardHook:
    """One call of a module: runs its full backward hooks when both ends of it have gradients."""

    def __init__(
        self, module: Any, user_hooks: Sequence[Any], user_pre_hooks: Sequence[Any]
    ) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: Gradients | None = None
        self.inputs = 0
        self.waits_for_inputs = False

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with a gate before those that need a gradient."""
        self.inputs = len(args)
        places, args, gated = _gated(args, self._at_input)
        self.waits_for_inputs = gated
        self.input_places = places
        return args

    def setup_output_hook(self, args: Any) -> Any:
        """The result, with a gate behind the tensors in it."""
        single = isinstance(args, Tensor)
        values = (args,) if single else args
        if not isinstance(values, tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple "
                f"of Tensors but received {type(args)}",
                stacklevel=3,
            )
            return args
        self.outputs = len(values)
        self.output_places, gated, _ = _gated(values, self._at_output)
        return gated[0] if single else gated

    def _at_output(self, grads: Gradients) -> Gradients:
        whole = _spread(grads, self.output_places, self.outputs)
        for hook in self.user_pre_hooks:
            whole = _replaced(hook(self.module, whole), whole, "Backward pre hook", "grad_output")
        self.grad_outputs = whole
        if not self.waits_for_inputs:
            if self.user_hooks:
                warnings.warn(NO_INPUT_GRADIENT, stacklevel=2)
            for hook in self.user_hooks:
                changed = hook(self.module, (None,) * self.inputs, whole)
                if changed is not None and not _all_none(changed):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should "
                        "always return None or None for all gradients."
                    )
            self.grad_outputs = None
        return tuple(whole[place] for place in self.output_places)

    def _at_input(self, grads: Gradients) -> Gradients:
        whole = _spread(grads, self.input_places, self.inputs)
        if self.grad_outputs is not None:
            for hook in self.user_hooks:
                changed = hook(self.module, whole, self.grad_outputs)
                whole = _replaced(changed, whole, "Backward hook", "grad_input")
            self.grad_outputs = None
        return tuple(whole[place] for place in self.input_places)


def _gated(values: tuple[Any, ...], passed: Any) -> tuple[list[int], tuple[Any, ...], bool]:
    """Places of the tensors, the values with gated tensors, and whether gradients will come."""
    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
    if not any(values[place].requires_grad for place in places):
        return places, values, False
    tensors = _Gate.apply(passed, *(values[place] for place in places))
    if not any(one.requires_grad for one in tensors):  # under no_grad
        return places, values, False
    changed = list(values)
    for place, tensor in zip(places, tensors, strict=True):
        changed[place] = tensor
    whole = type(values)(*changed) if hasattr(values, "_fields") else tuple(changed)
    return places, whole, True


def _spread(grads: Gradients, places: list[int], size: int) -> Gradients:
    """The gradients at the places of their tensors, None elsewhere."""
    whole: list[Tensor | None] = [None] * size
    for place, grad in zip(places, grads, strict=True):
        whole[place] = grad
    return tuple(whole)


def _all_none(changed: Any) -> bool:
    return isinstance(changed, tuple) and all(one is None for one in changed)


def _replaced(changed: Any, grads: Gradients, hook: str, name: str) -> Gradients:
    """What a hook returned in place of the gradients."""
    if changed is None:
        return grads
    changed = changed if isinstance(changed, tuple) else (changed,)
    if len(changed) != len(grads):
        raise RuntimeError(
            f"{hook} returned an invalid number of {name}, got {len(changed)}, "
            f"but expected {len(grads)}"
        )
    return changed


def register_on_result(module: Any, hooks: Sequence[Any], result: Any) -> None:
    """The deprecated hooks: on the node that made the first tensor of the result."""
    tensor = result
    while not isinstance(tensor, Tensor):
        if isinstance(tensor, dict):
            tensor = next((value for value in tensor.values() if isinstance(value, Tensor)), None)
        else:
            tensor = tensor[0]
    node = getattr(tensor, "grad_fn", None)
    if node is None:
        return
    for hook in hooks:
        node.register_hook(_bound(hook, module))


def _bound(hook: Any, module: Any) -> Any:
    return lambda grad_input, grad_output: hook(module, grad_input, grad_output)
