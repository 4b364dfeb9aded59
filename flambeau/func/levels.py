"""Levels of nested transforms, and what the special tensors of transforms have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.core.views import history
from flambeau.core.writing import shadow


@contextmanager
def new_level(lift: Callable[[Tensor, int], Tensor]) -> Iterator[int]:
    """The level of a transform that is entered: the innermost has the highest number.

    ``lift`` makes a tensor that knows nothing of the transform one of its level.
    """
    modes.level += 1
    outer, modes.lifts = modes.lifts, (*modes.lifts, (modes.level, lift))
    try:
        yield modes.level
    finally:
        modes.level, modes.lifts = modes.level - 1, outer


@contextmanager
def outside(level: int) -> Iterator[None]:
    """A single example of a ``vmap``: what is made inside knows nothing of its level."""
    lifts, batches = modes.lifts, modes.batches
    modes.lifts = tuple([lift for lift in lifts if lift[0] != level])
    modes.batches = tuple([batch for batch in batches if batch.level != level])
    try:
        yield
    finally:
        modes.lifts, modes.batches = lifts, batches


def level_of(tensor: Any) -> int:
    """The level of the transform that a tensor belongs to; 0 for other tensors."""
    return getattr(tensor, "level", 0)


def lifted(value: Any, below: float = math.inf) -> Any:
    """A tensor at all levels of the transforms that are running, or at those below a level."""
    for level, lift in modes.lifts:
        if level < below:
            value = _lifted(value, level, lift)
    return value


def _lifted(value: Any, level: int, lift: Callable[[Tensor, int], Tensor]) -> Any:
    if value.level > level:
        return value.each(lambda part: _lifted(part, level, lift))
    return value if value.level == level else lift(value, level)


class Special(Tensor):
    """A tensor that a transform has wrapped."""

    __slots__ = ()

    hidden: int  # how many dimensions of ``inside`` this one does not show
    parts: tuple[Tensor, ...]  # what it is made of
    inside: Tensor | None  # the tensor whose history this one has; None where it has its own

    def leaf(self) -> Tensor:
        """The same values as a leaf to differentiate with respect to."""
        raise NotImplementedError

    def before(self) -> Tensor:  # type: ignore[override]
        """The same values in memory that an in-place operation leaves alone, if it is recorded."""
        return self.each(as_before) if modes.grad else self

    def take_in(self, weight: Tensor) -> Tensor:
        """A weight of this tensor as a weight of ``inside``."""
        raise NotImplementedError

    def let_out(self, value: Tensor) -> Tensor:
        """A tensor like ``inside``, wrapped as this one is."""
        raise NotImplementedError

    def each(self, function: Callable[[Tensor], Tensor], given: int = 0, made: int = 0) -> Tensor:
        """A function of tensors of lower levels, of what this one is made of.

        It is given, and makes, so many dimensions in front of those of this tensor.
        """
        raise NotImplementedError


def as_before(value: Tensor) -> Tensor:
    """A tensor with the history of another, and its values as they are now."""
    if isinstance(value, Special):
        return value.before()
    history(value)  # renews it
    return shadow(value, True)


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """What a transform has wrapped, to look at it: all values of a mapped tensor, a primal.

    Unless ``recurse``, of the innermost transform alone. To be used in a debugger only: what is
    computed with the result is unknown to the transform. TypeError unless it is a tensor.

    >>> seen = []
    >>> _ = torch.vmap(lambda x: seen.append(torch.func.debug_unwrap(x)) or x)(torch.ones(2))
    >>> seen
    [tensor([1., 1.])]
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"debug_unwrap(): expected a Tensor, not {type(tensor).__name__}")
    while isinstance(tensor, Special):
        tensor = tensor.parts[0]
        if not recurse:
            break
    return tensor
