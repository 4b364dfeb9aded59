"""``Size``: the shape of a tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, SupportsIndex

import numpy

_INTS = frozenset({int})
_new = tuple.__new__


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that stays a ``Size`` when sliced or joined.

    Raises TypeError for items that are not integers. Where a tuple is known to hold ints,
    ``tuple.__new__(Size, shape)`` skips the check.

    >>> Size([2, 3, 4])[1:].numel()
    12
    """

    __slots__ = ()
    __module__ = "torch"

    def __new__(cls, sizes: Iterable[int] = (), /) -> Size:
        items = tuple(sizes)
        if not _INTS.issuperset(map(type, items)):
            items = tuple([_as_int(item, place) for place, item in enumerate(items)])
        return _new(cls, items)

    def numel(self) -> int:
        """The number of elements: the product of the sizes."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __add__(self, other: Any) -> Size:  # type: ignore[override]
        if isinstance(other, tuple):
            return Size(tuple.__add__(self, other))
        raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")

    def __radd__(self, other: Any) -> Size:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count: SupportsIndex) -> Size:
        return _new(Size, tuple.__mul__(self, count))

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return _new(Size, found) if type(index) is slice else found

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (tuple(self),)


def _as_int(item: Any, place: int) -> Any:
    """A size that is not a plain int: a bool, an integer of NumPy, a tensor of one integer."""
    if isinstance(item, numpy.integer):
        return item
    try:
        return int(item.__index__())
    except (AttributeError, TypeError):
        raise TypeError(
            f"torch.Size() takes an iterable of 'int' (item {place} is '{type(item).__name__}')"
        ) from None


def _restored(sizes: tuple[int, ...]) -> Size:
    return Size(sizes)
