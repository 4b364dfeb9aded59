"""Nested tuples, lists and dictionaries of tensors, taken apart and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any


class Leaf:
    """The place of one value in a structure."""

    def __repr__(self) -> str:
        return "*"


LEAF = Leaf()


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The values of a structure in order, and the structure with ``LEAF`` in their places."""
    values: list[Any] = []
    return values, _flatten(tree, values)


def _flatten(tree: Any, values: list[Any]) -> Any:
    if isinstance(tree, tuple | list):
        parts = [_flatten(item, values) for item in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if type(tree) in (dict, OrderedDict):
        return type(tree)((key, _flatten(item, values)) for key, item in tree.items())
    values.append(tree)
    return LEAF


def unflatten(spec: Any, values: list[Any]) -> Any:
    """The structure with these values in its places."""
    rest = iter(values)
    return _unflatten(spec, rest)


def _unflatten(spec: Any, rest: Any) -> Any:
    if spec is LEAF:
        return next(rest)
    if isinstance(spec, tuple | list):
        parts = [_unflatten(item, rest) for item in spec]
        return type(spec)(*parts) if hasattr(spec, "_fields") else type(spec)(parts)
    return type(spec)((key, _unflatten(item, rest)) for key, item in spec.items())


def mapped(function: Callable[..., Any], tree: Any) -> Any:
    """The structure with a function applied to each value."""
    values, spec = flatten(tree)
    return unflatten(spec, [function(v) for v in values])


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """One value of ``prefix`` for each value of ``tree``; None when the two do not fit."""
    if not isinstance(prefix, tuple | list | dict):
        return [prefix] * len(flatten(tree)[0])
    if type(prefix) is not type(tree) and not (
        isinstance(prefix, tuple | list) and isinstance(tree, tuple | list)
    ):
        return None
    if len(prefix) != len(tree):
        return None
    keys = prefix.keys() if isinstance(prefix, dict) else range(len(prefix))
    found: list[Any] = []
    for key in keys:
        if isinstance(tree, dict) and key not in tree:
            return None
        part = spread(prefix[key], tree[key])
        if part is None:
            return None
        found += part
    return found
