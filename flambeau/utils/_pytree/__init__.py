"""Structures of structures: nested tuples, lists, dictionaries and registered classes, taken apart
into their values, and put together again.

>>> tree_map(lambda n: 2 * n, {"a": [1, 2], "b": (3,)})
{'a': [2, 4], 'b': (6,)}
"""

from flambeau.utils._pytree.keys import (
    GetAttrKey,
    KeyEntry,
    MappingKey,
    SequenceKey,
    key_get,
    keystr,
)
from flambeau.utils._pytree.maps import (
    map_only,
    tree_all,
    tree_all_only,
    tree_any,
    tree_any_only,
    tree_flatten_with_path,
    tree_leaves_with_path,
    tree_map,
    tree_map_,
    tree_map_only,
    tree_map_only_,
    tree_map_with_path,
)
from flambeau.utils._pytree.nodes import (
    SUPPORTED_NODES,
    FlattenFn,
    FromDumpableContextFn,
    NodeDef,
    ToDumpableContextFn,
    UnflattenFn,
    _deregister_pytree_node,
    _register_namedtuple,
    is_constant_class,
    is_namedtuple,
    is_namedtuple_class,
    is_namedtuple_instance,
    is_structseq,
    is_structseq_class,
    is_structseq_instance,
    register_constant,
    register_dataclass,
    register_pytree_node,
)
from flambeau.utils._pytree.spec import (
    LeafSpec,
    PyTreeSpec,
    TreeSpec,
    _broadcast_to_and_flatten,
    arg_tree_leaves,
    tree_flatten,
    tree_is_leaf,
    tree_iter,
    tree_leaves,
    tree_structure,
    tree_unflatten,
    treespec_dict,
    treespec_leaf,
    treespec_pprint,
    treespec_tuple,
)
from flambeau.utils._pytree.text import treespec_dumps, treespec_loads

_register_pytree_node = register_pytree_node
