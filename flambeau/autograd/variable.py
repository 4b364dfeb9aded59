"""``Variable``: the name that tensors with a history had when they were a type of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import empty

__all__ = ["Variable", "VariableMeta"]


class VariableMeta(type):
    """Makes every tensor an instance of :class:`Variable`, and ``Variable(tensor)`` a tensor."""

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)

    def __call__(
        cls,
        data: Tensor | None = None,
        requires_grad: bool = False,
        volatile: bool = False,
        _grad_fn: Any = None,
        name: str | None = None,
    ) -> Tensor:
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile and requires_grad:
            raise ValueError("Variable can't be volatile and require_grad at the same time!")
        alias = data.detach()  # type: ignore[attr-defined]
        return alias.requires_grad_() if requires_grad else alias


class _Engine:
    """The pass that is running, as far as other libraries ask for it."""

    def queue_callback(self, callback: Callable[[], Any]) -> None:
        """Calls ``callback()`` when the backward pass that is running has ended."""
        if modes.backward_pass is None:
            raise RuntimeError("Final callbacks can only be installed during backward pass.")
        modes.backward_pass.callbacks = (*modes.backward_pass.callbacks, callback)


class Variable(metaclass=VariableMeta):
    """``Variable(tensor)``: the same elements without history. Tensors do all that it did.

    >>> x = torch.ones(2)
    >>> Variable(x, requires_grad=True), isinstance(x, Variable)
    (tensor([1., 1.], requires_grad=True), True)
    """

    _execution_engine = _Engine()


def variable(*args: Any, **kwargs: Any) -> NoReturn:
    """RuntimeError: ``torch.tensor`` has taken its place."""
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")
