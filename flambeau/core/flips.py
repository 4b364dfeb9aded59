"""Conjugations and negations that are still to be done when a tensor's memory is read.

``conj`` copies nothing: its result lies over the memory of its input, and remembers that each
element read from there has to be conjugated. Such a tensor has no ``_kind``, which sends every call
down the full road, and there ``dispatch`` gives operators the elements, and views the same flips.
"""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.tensor import Tensor, share_version
from flambeau.kernels.select import META

CONJ, NEG = 1, 2  # bits of ``Tensor._flips``


def flip(tensor: Tensor, flips: int) -> Tensor:
    """Makes a tensor read its memory with these flips; 0 makes it plain again."""
    if flips:
        tensor._hidden_kind, tensor._flips = tensor.kind, flips
        tensor._kind = None
    elif tensor._flips:
        tensor._kind = tensor._hidden_kind
        del tensor._hidden_kind, tensor._flips
    return tensor


def flipped(array: Any, flips: int) -> Any:
    """A copy of an array, conjugated and negated."""
    array = array.copy("K")
    if flips & CONJ:
        numpy.conjugate(array, array)
    if flips & NEG:
        if array.dtype.kind == "b":
            raise NotImplementedError("\"neg_cpu\" not implemented for 'Bool'")
        numpy.negative(array, array)
    return array


def elements(tensor: Tensor) -> Any:
    """The elements of a tensor as an array: its own, or a copy where flips are to be done."""
    flips = tensor._flips
    if not flips or tensor.kind.place == META:
        return tensor._array
    return flipped(tensor._array, flips)


def settled(value: Any) -> Any:
    """A plain tensor with the elements, history and version of one with flips; else the value."""
    if not isinstance(value, Tensor) or not value._flips:
        return value
    return memory_of(value, elements(value))


def memory_of(tensor: Tensor, array: Any) -> Tensor:
    """A plain tensor over an array, with the history and version of another tensor."""
    plain = object.__new__(Tensor)
    plain._array, plain._kind, plain._node = array, tensor.kind, tensor._node
    plain._base, plain._writes = None, share_version(tensor)
    return plain
