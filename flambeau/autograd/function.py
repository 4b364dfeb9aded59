"""``torch.autograd.function``: custom operations, and what they are made of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flambeau.autograd.context import BackwardCFunction, FunctionCtx
from flambeau.autograd.custom import Function, VmapInfo
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.func.trees import flatten, unflatten

__all__ = [
    "BackwardCFunction", "Function", "FunctionCtx", "FunctionMeta", "InplaceFunction",
    "NestedIOFunction", "VmapInfo", "once_differentiable",
]  # fmt: skip


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of ``backward``: its result cannot be differentiated again."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        modes.grad, was = False, modes.grad
        try:
            outputs = fn(ctx, *args)
        finally:
            modes.grad = was
        if not was or not any([isinstance(a, Tensor) and a.requires_grad for a in args]):  # type: ignore
            return outputs
        made = outputs if isinstance(outputs, tuple) else (outputs,)
        barred = tuple(
            [
                _Barrier.apply(o.detach().requires_grad_()) if isinstance(o, Tensor) else o
                for o in made
            ]
        )
        return barred if isinstance(outputs, tuple) else barred[0]

    return wrapper


class _Barrier(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.detach()  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


class InplaceFunction(Function):
    """A Function that may work in place (kept for compatibility)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """A Function whose arguments and results are nested tuples, lists and dictionaries.

    An instance is one call; kept for compatibility, ``Function`` is to be preferred.

    >>> class Scale(NestedIOFunction):
    ...     def forward_extended(self, pair):
    ...         return {"twice": pair[0] * 2, "thrice": pair[1] * 3}
    ...
    ...     def backward_extended(self, grads):
    ...         return ([grads["twice"] * 2, grads["thrice"] * 3],)
    >>> x = torch.ones(2, requires_grad=True)
    >>> Scale()([x, x])["thrice"].sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """

    _to_save_nested: Any = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        flat, self._nested_input = flatten(args)
        results = _NestedCall.apply(self, *flat)
        return unflatten(self._nested_output, results)

    def forward(self, *args: Any) -> Any:
        """Calls :meth:`forward_extended` with the nested arguments; the flat results."""
        output = self.forward_extended(*unflatten(self._nested_input, list(args)))
        flat, self._nested_output = flatten(output)
        return tuple(flat)

    def backward(self, *gradients: Any) -> Any:
        """Calls :meth:`backward_extended` with nested gradients; the flat ones of the arguments."""
        grads = self.backward_extended(unflatten(self._nested_output, list(gradients)))
        return tuple(flatten(grads)[0])

    def save_for_backward(self, *args: Any) -> None:
        """Keeps nested tensors for :meth:`backward_extended`."""
        self.to_save, self._to_save_nested = flatten(args)

    @property
    def saved_tensors(self) -> Any:
        """What was given to ``save_for_backward``, nested as it was."""
        return unflatten(self._to_save_nested, list(self._ctx.saved_tensors))

    def mark_dirty(self, *args: Any, **kwargs: Any) -> None:
        """Says that these nested inputs were modified in place."""
        self.dirty_tensors = flatten((args, kwargs))[0]

    def mark_non_differentiable(self, *args: Any, **kwargs: Any) -> None:
        """Says that these nested outputs have no gradient."""
        self.non_differentiable = flatten((args, kwargs))[0]

    def forward_extended(self, *input: Any) -> Any:
        """Computes the results, nested or not, from the nested arguments."""
        raise NotImplementedError

    def backward_extended(self, *grad_output: Any) -> Any:
        """Computes the gradients of the arguments, nested as they are, from that of the result."""
        raise NotImplementedError


class _NestedCall(Function):
    """One call of a NestedIOFunction, with its values in a row."""

    @staticmethod
    def forward(ctx: Any, call: NestedIOFunction, *values: Any) -> Any:
        ctx.call, call._ctx = call, ctx
        outputs = call.forward(*values)
        ctx.save_for_backward(*call.to_save)
        ctx.mark_dirty(*call.dirty_tensors)
        ctx.mark_non_differentiable(*call.non_differentiable)
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, *ctx.call.backward(*grads)


FunctionMeta = type
