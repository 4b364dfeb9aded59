"""What operators do inside of ``vmap`` beyond their batching rules.

Random draws: one for all examples, or one for each, as ``randomness=`` says. In "different" what is
drawn has a dimension more, which counts the examples and is hidden afterwards.

Functions that ask for elements: they run example by example, or are refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")

# ---- random draws


def counts() -> tuple[int, ...]:
    """How many examples the vmaps around have whose examples have draws of their own.

    RuntimeError where a vmap does not say what it wants.
    """
    for batch in modes.batches:
        if batch.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )
    return tuple([b.size for b in modes.batches if b.randomness == "different"])


def hide(drawn: Tensor) -> Tensor:
    """What was drawn for all examples, with the dimensions that count them hidden."""
    for batch in modes.batches:
        if batch.randomness == "different":
            drawn = batch.wrap(drawn, batch.level)
    return drawn


class RandomOp(Op):
    """An operator that draws: its operands are mapped by each vmap whose examples draw for
    themselves."""

    def __call__(self, *args: Any) -> Any:
        if modes.batches and counts():
            n = len(self.inputs)
            args = (*[_for_each(t) for t in args[:n]], *args[n:])
        return super().__call__(*args)


def _for_each(given: Any) -> Any:
    """A tensor that no vmap maps, for each example that has draws of its own."""
    if not isinstance(given, Tensor) or given.mapped:
        return given
    for size in reversed(counts()):
        given = given.unsqueeze(0).expand(size, *given.shape)  # type: ignore[attr-defined]
    return hide(given)


def check_in_place(target: Any) -> None:
    """RuntimeError for an in-place draw into what is no tensor of the vmap that is running."""
    counts()
    inner = modes.batches[-1]
    if inner.randomness == "different" and target.level < inner.level:
        raise RuntimeError(
            "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will "
            "appear like same randomness. If this is necessary for your usage, please file an "
            "issue with functorch."
        )


# ---- functions that ask for elements


def by_example(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of functions that ask for elements: mapped tensors are taken one by one.

    A UserWarning tells of the loss of speed, as for PyTorch, which has no batching rule either.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if modes.batches and any_mapped((args, kwargs)):
            return modes.batches[-1].loop(wrapper, *args, **kwargs)
        return function(*args, **kwargs)

    return wrapper


def any_mapped(value: Any) -> bool:
    """Whether a vmap maps one of the tensors in a nested value."""
    if isinstance(value, Tensor):
        return value.mapped > 0
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, tuple | list) and any([any_mapped(v) for v in value])


def is_readable(tensor: Tensor) -> bool:
    """Whether a tensor has elements to look at: not on the meta device, and not mapped."""
    return tensor.device.type != "meta" and not tensor.mapped


def check_not_mapped(name: str, tensor: Tensor) -> None:
    """RuntimeError where the size of a result would differ between examples."""
    if tensor.mapped:
        raise RuntimeError(
            "vmap: We do not support batching operators that can output dynamic shape. Attempted "
            f"to vmap over aten::{name}. Please file an issue at "
            "https://github.com/pytorch/pytorch/issues if you need this feature."
        )
