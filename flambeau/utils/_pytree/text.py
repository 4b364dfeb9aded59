"""Structures written down as JSON, in PyTorch's format (protocol 1)."""

from __future__ import annotations

import json
from typing import Any

from flambeau.utils._pytree.nodes import BY_NAME, SERIALIZED
from flambeau.utils._pytree.spec import LEAF, TreeSpec

PROTOCOL = 1


def treespec_dumps(treespec: TreeSpec, protocol: int | None = None) -> str:
    """The structure as text; NotImplementedError for kinds registered without a name.

    >>> treespec_loads(treespec_dumps(tree_structure([1, 2]))) == tree_structure([1, 2])
    True
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "treespec_dumps(treespec, protocol): Expected `treespec` to be instance of TreeSpec "
            f"but got item of type {type(treespec)}."
        )
    if protocol not in (None, PROTOCOL):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: {[PROTOCOL]}")
    return json.dumps([PROTOCOL, _dumped(treespec)])


def _dumped(spec: TreeSpec) -> dict[str, Any]:
    if spec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    known = SERIALIZED[spec.type]
    if not known.name:
        raise NotImplementedError(
            f"No registered serialization name for {spec.type} found. Please update your "
            "_register_pytree_node call with a `serialized_type_name` kwarg."
        )
    context = known.to_dumpable(spec.context) if known.to_dumpable else spec.context
    try:
        text = json.dumps(context)
    except TypeError as error:
        raise TypeError(
            f"Unable to serialize context. Please make the context json dump-able, or register a "
            f"custom serializer using _register_pytree_node: {error}"
        ) from error
    children = [_dumped(child) for child in spec.children_specs]
    return {"type": known.name, "context": text, "children_spec": children}


def treespec_loads(serialized: str) -> TreeSpec:
    """The structure that ``treespec_dumps`` wrote."""
    protocol, schema = json.loads(serialized)
    if protocol != PROTOCOL:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: {[PROTOCOL]}")
    return _loaded(schema)


def _loaded(schema: dict[str, Any]) -> TreeSpec:
    if schema["type"] is None:
        return LEAF
    cls = BY_NAME.get(schema["type"])
    if cls is None:
        raise NotImplementedError(
            f"Deserialization failed for type {schema['type']!r}: no such type is registered."
        )
    context = json.loads(schema["context"])
    read = SERIALIZED[cls].from_dumpable
    children = [_loaded(child) for child in schema["children_spec"]]
    return TreeSpec(cls, read(context) if read else context, children)
