"""Structures taken apart and put together, with PyTorch's printed forms and messages."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

import flambeau as torch
from flambeau.utils import _pytree as pytree

Point = namedtuple("Point", "a b")
TREE = {"b": [1, (2, None)], "a": Point(3, {}), "c": OrderedDict(x=deque([4], maxlen=2))}


def test_there_and_back() -> None:
    values, spec = pytree.tree_flatten(TREE)
    assert values == [1, 2, None, 3, 4]
    assert spec.unflatten(values) == TREE == pytree.tree_unflatten(iter(values), spec)
    assert (spec.num_nodes, spec.num_leaves, spec.num_children) == (12, 5, 3)
    assert spec == pytree.tree_structure(TREE) and hash(spec) == hash(pytree.tree_structure(TREE))
    assert pytree.tree_structure([1]) != pytree.tree_structure((1,))


def test_prints_as_pytorch() -> None:
    spec = pytree.tree_structure({"b": [1, (2, None)], "a": 3})
    assert repr(spec) == (
        "TreeSpec(dict, ['b', 'a'], [TreeSpec(list, None, [*,\n    TreeSpec(tuple, None, [*,\n"
        "      *])]),\n  *])"
    )
    assert pytree.treespec_pprint(spec) == "{'b': [*, (*, *)], 'a': *}"
    assert pytree.treespec_dumps(pytree.tree_structure({"b": (1,)})) == (
        '[1, {"type": "builtins.dict", "context": "[\\"b\\"]", "children_spec": [{"type": '
        '"builtins.tuple", "context": "null", "children_spec": [{"type": null, "context": null, '
        '"children_spec": []}]}]}]'
    )
    assert pytree.treespec_loads(pytree.treespec_dumps(spec)) == spec


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([3], "Node arity mismatch; expected 2, but got 1."),
        ((3, 4), "Node type mismatch; expected <class 'list'>, but got <class 'tuple'>."),
    ],
)
def test_structures_that_do_not_fit(other: object, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        pytree.tree_map(lambda a, b: a, [1, 2], other)
    with pytest.raises(ValueError, match=r"missing key\(s\): \{'a'\}; extra key\(s\): \{'b'\}"):
        pytree.tree_map(lambda a, b: a, {"a": 1}, {"b": 1})
    with pytest.raises(ValueError, match="has length 1 but the spec refers to a pytree"):
        pytree.tree_structure([1, 2]).unflatten([1])


def test_maps() -> None:
    assert pytree.tree_map(lambda a, b: (a, b), [1, 2], [3, (4, 5)]) == [(1, 3), (2, (4, 5))]
    assert pytree.tree_map_only((int, float), lambda v: v + 1, [1, "a", 2.0]) == [2, "a", 3.0]
    assert pytree.tree_any(lambda v: v > 1, [1, 2]) and not pytree.tree_all(lambda v: v > 1, [1, 2])
    assert pytree.tree_leaves([1, (2, 3)], is_leaf=lambda v: type(v) is tuple) == [1, (2, 3)]
    counts = defaultdict(list, a=1)
    assert pytree.tree_map(lambda v: v + 1, counts).default_factory is list
    assert pytree.tree_flatten(torch.ones(2, 3).max(0))[1].type is type(torch.ones(2, 3).max(0))


def test_paths() -> None:
    pairs = pytree.tree_leaves_with_path(TREE)
    assert [pytree.keystr(path) for path, _ in pairs] == [
        "['b'][0]", "['b'][1][0]", "['b'][1][1]", "['a'].a", "['c']['x'][0]",
    ]  # fmt: skip
    assert all(pytree.key_get(TREE, path) is value for path, value in pairs)


def test_registered_classes() -> None:
    class Box:
        def __init__(self, value: object) -> None:
            self.value = value

    pytree.register_pytree_node(Box, lambda b: ([b.value], None), lambda v, _: Box(*v))
    assert pytree.tree_map(lambda v: v + 1, Box([1, 2])).value == [2, 3]
    with pytest.raises(ValueError, match="already registered as pytree node"):
        pytree.register_pytree_node(Box, lambda b: ([], None), lambda v, _: Box(0))
    with pytest.raises(ValueError, match="Did not find a flatten_with_keys_fn"):
        pytree.tree_leaves_with_path(Box(1))
    with pytest.raises(NotImplementedError, match="No registered serialization name"):
        pytree.treespec_dumps(pytree.tree_structure(Box(1)))
