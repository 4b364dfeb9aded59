"""``rearrange``: dimensions moved, joined, split and added by a pattern of names.

Source: A. Rogozhnikov, "Einops: clear and reliable tensor manipulations with Einstein-like
notation", 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.ops.joining import stack

Groups = list[list[str]]  # the names that make up each dimension
REST, JOINED = "…", "(…)"  # the ellipsis on its own, and inside of parentheses


def rearrange(
    tensor: Tensor | list[Tensor] | tuple[Tensor, ...], pattern: str, **axes_lengths: int
) -> Tensor:
    """The elements of ``tensor`` with the dimensions that the right side of a pattern asks for.

    ``"b h w c -> b (h w) c"`` names the dimensions of the tensor and says where they go.
    Parentheses join several names to one dimension, or split one, for which ``axes_lengths`` holds
    the sizes that do not follow from the others. ``...`` stands for any dimensions, ``1`` for one
    of size 1. Tensors in a list are stacked first, along a new first dimension. ValueError for
    patterns that make no sense, or do not fit.

    >>> torch.func.rearrange(torch.ones(2, 6, 5), "b (h k) c -> (b h) c k", k=3).shape
    torch.Size([4, 5, 3])
    """
    whole: Any = tensor if isinstance(tensor, Tensor) else stack(tensor)
    left, right = _sides(pattern)
    _check_names(left, right, axes_lengths)
    left, right = _without_rest(left, right, whole.ndim)
    sizes = _sizes(left, tuple(whole.shape), axes_lengths)
    order = [name for group in left for name in group]
    places = [order.index(name) for group in right for name in group]
    split = whole.reshape([sizes[name] for name in order]).permute(places)
    return split.reshape([math.prod([sizes[name] for name in group]) for group in right])


def _sides(pattern: str) -> tuple[Groups, Groups]:
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = _parsed(sides[0]), _parsed(sides[1])
    if any([JOINED in group for group in left]):
        raise ValueError(
            f"Ellipsis is parenthesis in the left side is not allowed: {pattern}"
        )  # fmt: skip
    if [REST] not in left and any([REST in group or JOINED in group for group in right]):
        raise ValueError(
            f"Ellipsis found in right side, but not left side of a pattern {pattern}"
        )  # fmt: skip
    return left, right


def _parsed(side: str) -> Groups:
    """The names of a side by dimension; a dimension of size 1 has none."""
    groups: Groups = []
    inside = False
    for word in _words(side):
        if word == "(" and inside:
            raise ValueError(
                "Axis composition is one-level (brackets inside brackets not allowed)"
            )  # fmt: skip
        if word in "()":
            if (word == ")") is not inside:
                raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
            inside = word == "("
            groups += [[]] if inside else []
        elif inside:
            groups[-1] += [JOINED] if word == REST else _named(word)
        else:
            groups.append(_named(word))
    if inside:
        raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
    names = [name for group in groups for name in group]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"Indexing expression contains duplicate dimension '{twice}'")
    return groups


def _words(side: str) -> list[str]:
    dots = side.replace("...", REST)
    if "." in dots or dots.count(REST) > 1:
        raise ValueError(
            "Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor "
        )
    for character in dots:
        if not (character.isalnum() or character in f"_() {REST}"):
            raise ValueError(f"Unknown character '{character}'")
    return dots.replace("(", " ( ").replace(")", " ) ").split()


def _named(word: str) -> list[str]:
    """The name of an axis, if it has one."""
    if word == "1":
        return []
    if word.isdecimal():
        raise ValueError("rearrange only supports unnamed axes of size 1")
    if word != REST and not word.isidentifier():
        raise ValueError(f"Invalid axis identifier: {word}\nnot a valid python identifier")
    if word[0] == "_" or word[-1] == "_":
        raise ValueError(
            f"Invalid axis identifier: {word}\n"
            "axis name should should not start or end with underscore"
        )
    return [word]


def _check_names(left: Groups, right: Groups, lengths: dict[str, int]) -> None:
    """ValueError for names on one side only, and for lengths of none; TypeError for no ints."""
    for value in lengths.values():
        if not isinstance(value, int):
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(value)}")
    names = [{n for group in side for n in group} - {REST, JOINED} for side in (left, right)]
    alone = names[0] ^ names[1]
    if alone:
        raise ValueError(
            "Identifiers only on one side of rearrange expression (should be on both): "
            f"{alone}"
        )  # fmt: skip
    unknown = set(lengths) - names[0]
    if unknown:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")


def _without_rest(left: Groups, right: Groups, ndim: int) -> tuple[Groups, Groups]:
    """Both sides with names for the dimensions that the ellipsis stands for."""
    has_rest = [REST] in left
    count = ndim - len(left) + has_rest
    if count < 0 or (count and not has_rest):
        raise ValueError(
            f"Number of dimensions in pattern ({len(left) - has_rest}) must be "
            f"{'at most' if has_rest else 'equal to'} the number of dimensions in the tensor "
            f"({ndim})"
        )
    rest = [f"{REST}{i}" for i in range(count)]
    return _spread(left, rest), _spread(right, rest)


def _spread(groups: Groups, rest: Sequence[str]) -> Groups:
    spread: Groups = []
    for group in groups:
        if group == [REST]:
            spread += [[name] for name in rest]
        else:
            spread.append([n for name in group for n in (rest if name == JOINED else [name])])
    return spread


def _sizes(left: Groups, shape: tuple[int, ...], lengths: dict[str, int]) -> dict[str, int]:
    """The size of each name."""
    sizes = dict(lengths)
    for group, size in zip(left, shape):
        open_ = [name for name in group if name not in sizes]
        known = math.prod([sizes[name] for name in group if name in sizes])
        if len(open_) > 1:
            raise ValueError(f"cannot infer the sizes of two dimensions at once {', '.join(open_)}")
        if open_ and (not known or size % known):
            raise ValueError(
                f"inferred dimension does not evenly fit into larger dimension: {size} vs {known}"
            )
        if open_:
            sizes[open_[0]] = size // known
        elif known != size:
            raise ValueError(f"Dimension sizes to do not match ({size} != {known})")
    return sizes
