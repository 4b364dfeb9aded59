"""Functions of every value of a structure."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from flambeau.utils._pytree.nodes import SUPPORTED_NODES, node_type
from flambeau.utils._pytree.spec import (
    IsLeaf,
    TreeSpec,
    tree_flatten,
    tree_is_leaf,
    tree_iter,
    tree_structure,
)

Function = Callable[..., Any]


def tree_map(func: Function, tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The structure with ``func`` applied to each value (and those of ``rests`` in its place).

    >>> tree_map(lambda a, b: a + b, [1, (2, 3)], [10, (20, 30)])
    [11, (22, 33)]
    """
    values, spec = tree_flatten(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(*parts) for parts in zip(values, *others)])


def tree_map_(func: Function, tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Calls ``func`` on each value, and returns ``tree`` itself."""
    values, spec = tree_flatten(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    for parts in zip(values, *others):
        func(*parts)
    return tree


def map_only(type_or_types_or_pred: Any, /) -> Callable[[Function], Function]:
    """Decorator: the function is applied to values of these types only; others stay."""
    chosen = _predicate(type_or_types_or_pred)

    def decorate(function: Function) -> Function:
        return lambda value: function(value) if chosen(value) else value

    return decorate


def _predicate(given: Any) -> Callable[[Any], bool]:
    if isinstance(given, type | tuple | types.UnionType):
        return lambda value: isinstance(value, given)
    if callable(given):
        return given
    raise TypeError("Argument must be a type, a tuple of types, or a callable.")


def tree_map_only(
    type_or_types_or_pred: Any, /, func: Function, tree: Any, is_leaf: IsLeaf = None
) -> Any:
    """``tree_map`` of the values of these types; others stay.

    >>> tree_map_only(int, lambda n: n + 1, [1, "a"])
    [2, 'a']
    """
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Any, /, func: Function, tree: Any, is_leaf: IsLeaf = None
) -> Any:
    """``tree_map_`` of the values of these types."""
    return tree_map_(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(pred: Function, tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for all values."""
    return all(pred(value) for value in tree_iter(tree, is_leaf))


def tree_any(pred: Function, tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for one of the values."""
    return any(pred(value) for value in tree_iter(tree, is_leaf))


def tree_all_only(type_or_types: Any, /, pred: Function, tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for all values of these types."""
    return all(pred(v) for v in tree_iter(tree, is_leaf) if isinstance(v, type_or_types))


def tree_any_only(type_or_types: Any, /, pred: Function, tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether ``pred`` holds for one of the values of these types."""
    return any(pred(v) for v in tree_iter(tree, is_leaf) if isinstance(v, type_or_types))


# ---- with paths


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None) -> list[tuple[Any, Any]]:
    """The values, each with the path that leads to it.

    >>> [(keystr(path), value) for path, value in tree_leaves_with_path({"a": [1, 2]})]
    [("['a'][0]", 1), ("['a'][1]", 2)]
    """
    found: list[tuple[Any, Any]] = []
    _gather((), tree, is_leaf, found)
    return found


def _gather(path: tuple[Any, ...], tree: Any, is_leaf: IsLeaf, found: list[Any]) -> None:
    if tree_is_leaf(tree, is_leaf):
        found.append((path, tree))
        return
    kind = node_type(tree)
    with_keys = SUPPORTED_NODES[kind].flatten_with_keys_fn
    if with_keys is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {kind}. Please pass a "
            "flatten_with_keys_fn argument to register_pytree_node."
        )
    for key, child in with_keys(tree)[0]:
        _gather((*path, key), child, is_leaf, found)


def tree_flatten_with_path(
    tree: Any, is_leaf: IsLeaf = None
) -> tuple[list[tuple[Any, Any]], TreeSpec]:
    """The values with their paths, and the structure."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func: Function, tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """``tree_map`` of a function that receives the path first."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    others = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten([func(path, *parts) for (path, *parts) in _joined(pairs, others)])


def _joined(pairs: list[Any], others: list[Any]) -> list[Any]:
    return [(*pair, *parts) for pair, *parts in zip(pairs, *others)]
