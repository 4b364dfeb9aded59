"""``TreeSpec``: a structure without its values, and taking structures apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flambeau.utils._pytree.nodes import DICTS, SUPPORTED_NODES, ConstantNode, node_type

IsLeaf = Callable[[Any], bool] | None


class TreeSpec:
    """The kind, the context and the children of a structure; ``*`` stands for a value.

    >>> tree_structure([1, (2, 3)]).num_leaves
    3
    """

    __slots__ = ("_children", "_context", "num_children", "num_leaves", "num_nodes", "type")

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self._context, self._children = type, context, children_specs
        self.num_children = len(children_specs)
        self.num_nodes = 1 + sum([c.num_nodes for c in children_specs])
        self.num_leaves = sum([c.num_leaves for c in children_specs]) if type is not None else 1

    @property
    def context(self) -> Any:
        """What the kind needs beside the children: keys, the class of a named tuple."""
        return self._context

    @property
    def children_specs(self) -> list[TreeSpec]:
        """The children."""
        return self._children

    def is_leaf(self) -> bool:
        """Whether it stands for a single value."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The children, in a list of their own."""
        return list(self._children)

    def child(self, index: int) -> TreeSpec:
        """One child."""
        return self._children[index]

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The structure with these values; ValueError if their number is not ``num_leaves``."""
        values = list(leaves)
        if len(values) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(values)} but the spec "
                f"refers to a pytree that holds {self.num_leaves} items ({self})."
            )
        return self._built(iter(values))

    def _built(self, values: Iterator[Any]) -> Any:
        if self.type is None:
            return next(values)
        children = [child._built(values) for child in self._children]
        return SUPPORTED_NODES[self.type].unflatten_fn(children, self._context)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The parts of ``tree`` where this structure has values; ValueError if they do not fit."""
        parts: list[Any] = []
        self._gather(tree, parts)
        return parts

    def _gather(self, tree: Any, parts: list[Any]) -> None:
        if self.type is None:
            parts.append(tree)
            return
        kind = node_type(tree)
        both_dicts = self.type in DICTS and kind in DICTS
        if kind is not self.type and not both_dicts:
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {kind!r}.")
        children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        if len(children) != self.num_children:
            raise ValueError(
                f"Node arity mismatch; expected {self.num_children}, but got {len(children)}."
            )
        if both_dicts:
            children = self._in_order(tree)
        elif context != self._context:
            raise ValueError(
                f"Node context mismatch for node type {kind!r}; expected {self._context!r}, but "
                f"got {context!r}."
            )
        for child, part in zip(self._children, children):
            child._gather(part, parts)

    def _in_order(self, mapping: Any) -> list[Any]:
        keys = self._keys()
        missing, extra = set(keys) - set(mapping), set(mapping) - set(keys)
        if missing or extra:
            told = [f"missing key(s): {missing}"] if missing else []
            told += [f"extra key(s): {extra}"] if extra else []
            raise ValueError(f"Node keys mismatch; {'; '.join(told)}.")
        return [mapping[key] for key in keys]

    def _keys(self) -> list[Any]:
        return self._context[1] if self.type is defaultdict else self._context

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (
            self.type is other.type
            and self._context == other._context
            and self._children == other._children
        )

    def __hash__(self) -> int:
        return hash((self.type, repr(self._context), tuple([hash(c) for c in self._children])))

    def __repr__(self, indent: int = 0) -> str:
        if self.type is None:
            return "*"
        head = f"TreeSpec({self.type.__name__}, {self._context}, ["
        lines = [child.__repr__(indent + 2) for child in self._children]
        return head + f",\n{' ' * (indent + 2)}".join(lines) + "])"


PyTreeSpec = TreeSpec


class LeafSpec(TreeSpec):
    """The structure of a single value."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, None, [])


LEAF = LeafSpec()


def treespec_leaf() -> LeafSpec:
    """The structure of a single value."""
    return LEAF


def treespec_tuple(iterable: Iterable[TreeSpec] = (), /) -> TreeSpec:
    """The structure of a tuple of these structures."""
    return TreeSpec(tuple, None, list(iterable))


def treespec_dict(mapping: Any = (), /, **kwargs: TreeSpec) -> TreeSpec:
    """The structure of a dictionary of these structures."""
    children = dict(mapping, **kwargs)
    return TreeSpec(dict, list(children), list(children.values()))


# ---- taking apart


def tree_is_leaf(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is a value, not a structure."""
    return (is_leaf is not None and is_leaf(tree)) or node_type(tree) not in SUPPORTED_NODES


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The values of a structure, and the structure without them.

    >>> values, spec = tree_flatten({"a": [1, 2]})
    >>> values, spec.unflatten([3, 4])
    ([1, 2], {'a': [3, 4]})
    """
    values: list[Any] = []
    return values, _flatten(tree, is_leaf, values)


def _flatten(tree: Any, is_leaf: IsLeaf, values: list[Any]) -> TreeSpec:
    kind = node_type(tree)
    node = SUPPORTED_NODES.get(kind)
    if node is None or (is_leaf is not None and is_leaf(tree)):
        values.append(tree)
        return LEAF
    children, context = node.flatten_fn(tree)
    return TreeSpec(kind, context, [_flatten(child, is_leaf, values) for child in children])


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure without its values."""
    return tree_flatten(tree, is_leaf)[1]


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The values one by one."""
    if tree_is_leaf(tree, is_leaf):
        yield tree
        return
    children, _ = SUPPORTED_NODES[node_type(tree)].flatten_fn(tree)
    for child in children:
        yield from tree_iter(child, is_leaf)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The values in a list."""
    return list(tree_iter(tree, is_leaf))


def arg_tree_leaves(*args: Any, **kwargs: Any) -> list[Any]:
    """The values among the arguments of a call."""
    return tree_leaves((args, kwargs))


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The structure with these values.

    >>> tree_unflatten([1, 2], tree_structure((0, [0])))
    (1, [2])
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "Expected `treespec` to be an instance of PyTreeSpec but got item of type "
            f"{type(treespec)}."
        )
    return treespec.unflatten(leaves)


def _broadcast_to_and_flatten(
    tree: Any, treespec: TreeSpec, is_leaf: IsLeaf = None
) -> list[Any] | None:
    """One value of ``tree`` for each value of the structure; None if they do not fit."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    if treespec.is_leaf() or node_type(tree) is not treespec.type:
        return None
    children, context = SUPPORTED_NODES[treespec.type].flatten_fn(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    result: list[Any] = []
    for child, spec in zip(children, treespec.children_specs):
        part = _broadcast_to_and_flatten(child, spec, is_leaf)
        if part is None:
            return None
        result += part
    return result


def treespec_pprint(treespec: TreeSpec) -> str:
    """The structure as Python would write it, with ``*`` for values.

    >>> treespec_pprint(tree_structure([1, (2, 3)]))
    '[*, (*, *)]'
    """
    return repr(treespec.unflatten([LEAF] * treespec.num_leaves))


def is_constant_holder(spec: TreeSpec) -> bool:
    """Whether a structure is a registered constant."""
    return isinstance(spec.context, ConstantNode)
