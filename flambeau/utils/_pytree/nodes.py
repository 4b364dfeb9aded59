"""The kinds of structures: how each is taken apart and put together."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from flambeau.core.size import Size
from flambeau.utils._pytree.keys import GetAttrKey, MappingKey, SequenceKey

FlattenFn = Callable[[Any], tuple[list[Any], Any]]
UnflattenFn = Callable[[Iterable[Any], Any], Any]
FlattenWithKeysFn = Callable[[Any], tuple[list[tuple[Any, Any]], Any]]
ToDumpableContextFn = Callable[[Any], Any]
FromDumpableContextFn = Callable[[Any], Any]


class NodeDef(NamedTuple):
    """One kind: ``flatten_fn`` gives the children and a context, ``unflatten_fn`` takes them."""

    type: type[Any]
    flatten_fn: FlattenFn
    unflatten_fn: UnflattenFn
    flatten_with_keys_fn: FlattenWithKeysFn | None


class SerializeDef(NamedTuple):
    """How the name and the context of a kind are written down."""

    type: type[Any]
    name: str
    to_dumpable: ToDumpableContextFn | None
    from_dumpable: FromDumpableContextFn | None


SUPPORTED_NODES: dict[type[Any], NodeDef] = {}
SERIALIZED: dict[type[Any], SerializeDef] = {}
BY_NAME: dict[str, type[Any]] = {}


def register_pytree_node(
    cls: type[Any],
    flatten_fn: FlattenFn,
    unflatten_fn: UnflattenFn,
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: ToDumpableContextFn | None = None,
    from_dumpable_context: FromDumpableContextFn | None = None,
    flatten_with_keys_fn: FlattenWithKeysFn | None = None,
) -> None:
    """Makes instances of ``cls`` structures instead of values.

    Args:
        cls: the class; its subclasses are not meant.
        flatten_fn: ``instance -> (children, context)``.
        unflatten_fn: ``(children, context) -> instance``.
        serialized_type_name: the name under which ``treespec_dumps`` writes it.
        to_dumpable_context, from_dumpable_context: the context as JSON and back.
        flatten_with_keys_fn: ``instance -> ([(key, child), ...], context)``.

    Raises ValueError if the class is registered already.

    >>> class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    >>> register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda values, _: Pair(*values))
    >>> tree_leaves(Pair(1, [2, 3]))
    [1, 2, 3]
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    if (to_dumpable_context is None) != (from_dumpable_context is None):
        raise ValueError(
            f"Both to_dumpable_context and from_dumpable_context for {cls} must be None or "
            "registered."
        )
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)
    name = serialized_type_name or ""
    SERIALIZED[cls] = SerializeDef(cls, name, to_dumpable_context, from_dumpable_context)
    if name:
        BY_NAME[name] = cls


def _deregister_pytree_node(cls: type[Any]) -> None:
    """Makes instances of ``cls`` values again."""
    del SUPPORTED_NODES[cls]
    BY_NAME.pop(SERIALIZED.pop(cls).name, None)


def register_dataclass(
    cls: type[Any],
    *,
    field_names: list[str] | None = None,
    drop_field_names: list[str] | None = None,
    serialized_type_name: str | None = None,
) -> None:
    """Makes the fields of a dataclass children; None fields are left out."""
    dropped = set(drop_field_names or ())
    names = field_names or [f.name for f in fields(cls) if f.init and f.name not in dropped]

    def flatten(value: Any) -> tuple[list[Any], Any]:
        present = [n for n in names if getattr(value, n) is not None]
        absent = [n for n in names if getattr(value, n) is None]
        return [getattr(value, n) for n in present], [present, absent]

    def unflatten(values: Iterable[Any], context: Any) -> Any:
        return cls(**dict(zip(context[0], values)), **dict.fromkeys(context[1]))

    def with_keys(value: Any) -> tuple[list[tuple[Any, Any]], Any]:
        children, context = flatten(value)
        return [(GetAttrKey(n), c) for n, c in zip(context[0], children)], context

    register_pytree_node(
        cls, flatten, unflatten,
        serialized_type_name=serialized_type_name, flatten_with_keys_fn=with_keys,
    )  # fmt: skip


# ---- constants


@dataclass(frozen=True)
class ConstantNode:
    """The context of a value that belongs to the structure."""

    value: Any


_CONSTANTS: set[type[Any]] = set()


def register_constant(cls: type[Any]) -> None:
    """Makes instances of ``cls`` part of the structure: they have no children and no leaves."""
    if cls.__eq__ is object.__eq__ or cls.__hash__ in (None, object.__hash__):
        raise TypeError(
            f"register_constant(cls) expects `cls` to have a non-default `__eq__` and `__hash__` "
            f"implementation, which {cls} lacks."
        )
    register_pytree_node(
        cls,
        lambda value: ([], ConstantNode(value)),
        lambda _, context: context.value,
        flatten_with_keys_fn=lambda value: ([], ConstantNode(value)),
    )
    _CONSTANTS.add(cls)


def is_constant_class(cls: type[Any]) -> bool:
    """Whether instances of ``cls`` are constants."""
    return cls in _CONSTANTS


# ---- the built-in kinds


def is_namedtuple_class(cls: type) -> bool:
    """Whether a class is a named tuple."""
    return (
        isinstance(cls, type)
        and issubclass(cls, tuple)
        and isinstance(getattr(cls, "_fields", None), tuple)
        and callable(getattr(cls, "_make", None))
        and not is_structseq_class(cls)
    )


def is_namedtuple_instance(obj: object) -> bool:
    """Whether a value is an instance of a named tuple."""
    return is_namedtuple_class(type(obj))


def is_namedtuple(obj: object | type) -> bool:
    """Whether a value is a named tuple or an instance of one."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_structseq_class(cls: type) -> bool:
    """Whether a class is one that operators with several named results return."""
    return (
        isinstance(cls, type)
        and issubclass(cls, tuple)
        and isinstance(getattr(cls, "n_fields", None), int)
    )


def is_structseq_instance(obj: object) -> bool:
    """Whether a value is the result of an operator with several named results."""
    return is_structseq_class(type(obj))


def is_structseq(obj: object | type) -> bool:
    """Whether a value is of such a class, or the class itself."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


def node_type(tree: Any) -> type[Any]:
    """The kind of a value: ``namedtuple`` for all named tuples, otherwise its class."""
    cls = type(tree)
    if cls in SUPPORTED_NODES:
        return cls
    if is_structseq_class(cls):
        _register_structseq(cls)
        return cls
    return namedtuple if is_namedtuple_class(cls) else cls  # type: ignore[return-value]


def _numbered(children: Iterable[Any]) -> list[tuple[Any, Any]]:
    return [(SequenceKey(i), child) for i, child in enumerate(children)]


def _register_structseq(cls: Any) -> None:
    register_pytree_node(
        cls,
        lambda value: (list(value), None),
        lambda values, _: cls(*values) if hasattr(cls, "_fields") else cls(values),
        flatten_with_keys_fn=lambda value: (_numbered(value), None),
    )


def _builtin(cls: Any, flatten: FlattenFn, unflatten: UnflattenFn, keys: Any, **names: Any) -> None:
    def with_keys(value: Any) -> tuple[list[tuple[Any, Any]], Any]:
        children, context = flatten(value)
        return list(zip(keys(value), children)), context

    kind = f"{cls.__module__}.{cls.__name__}"
    if cls is namedtuple:
        kind = "collections.namedtuple"
    register_pytree_node(
        cls, flatten, unflatten,
        serialized_type_name=kind, flatten_with_keys_fn=with_keys, **names,
    )  # fmt: skip


def _positions(value: Any) -> list[Any]:
    return [SequenceKey(i) for i in range(len(value))]


def _mapping_keys(value: Any) -> list[Any]:
    return [MappingKey(key) for key in value]


def _class_of_name(name: Any) -> Any:
    return BY_NAME[name]


def _name_of_class(cls: Any) -> str:
    found = SERIALIZED.get(cls)
    if found is None:
        raise NotImplementedError(
            f"Can't serialize TreeSpec of namedtuple class {cls} because we didn't register a "
            "serializated_type_name. Please register using `_register_namedtuple`."
        )
    return found.name


def _register_namedtuple(cls: type[Any], *, serialized_type_name: str) -> None:
    """Gives a named tuple the name under which ``treespec_dumps`` writes it."""
    SERIALIZED[cls] = SerializeDef(cls, serialized_type_name, None, None)
    BY_NAME[serialized_type_name] = cls


def _of_defaultdict(context: Any) -> Any:
    factory = context[0]
    return [f"{factory.__module__}.{factory.__qualname__}", context[1]] if factory else context


def _to_defaultdict(dumped: Any) -> Any:
    if dumped[0] is None:
        return dumped
    module, _, name = dumped[0].rpartition(".")
    return [getattr(__import__(module, fromlist=[name]), name), dumped[1]]


_builtin(tuple, lambda t: (list(t), None), lambda values, _: tuple(values), _positions)
_builtin(list, lambda t: (t, None), lambda values, _: list(values), _positions)
_builtin(
    dict, lambda d: (list(d.values()), list(d)), lambda values, keys: dict(zip(keys, values)),
    _mapping_keys,
)  # fmt: skip
_builtin(
    namedtuple, lambda t: (list(t), type(t)), lambda values, cls: cls(*values),
    lambda t: [GetAttrKey(name) for name in t._fields],
    to_dumpable_context=_name_of_class, from_dumpable_context=_class_of_name,
)  # fmt: skip
_builtin(
    OrderedDict, lambda d: (list(d.values()), list(d)),
    lambda values, keys: OrderedDict(zip(keys, values)), _mapping_keys,
)  # fmt: skip
_builtin(
    defaultdict, lambda d: (list(d.values()), [d.default_factory, list(d)]),
    lambda values, context: defaultdict(context[0], zip(context[1], values)), _mapping_keys,
    to_dumpable_context=_of_defaultdict, from_dumpable_context=_to_defaultdict,
)  # fmt: skip
_builtin(
    deque, lambda d: (list(d), d.maxlen), lambda values, length: deque(values, maxlen=length),
    _positions,
)  # fmt: skip
_builtin(Size, lambda s: (list(s), None), lambda values, _: Size(values), _positions)
DICTS = frozenset((dict, OrderedDict, defaultdict))
