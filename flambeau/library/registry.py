"""Which operators programs have defined, and what they register for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flambeau._ops import OpOverload, OpOverloadPacket, ops
from flambeau.library.operator import ANY, Kernel, Operator
from flambeau.library.schema import Schema

OPERATORS: dict[str, Operator] = {}
_PLACES = {"CPU": "cpu", "CUDA": "cuda", "CompositeImplicitAutograd": ANY,
           "CompositeExplicitAutograd": ANY, "": ANY, "Meta": "meta"}  # fmt: skip
_RESERVED = ("aten", "prim", "prims")


def define_operator(schema: Schema, strict: bool) -> Operator:
    """Makes an operator of ``torch.ops``; RuntimeError if there is one of that name."""
    namespace, _, name = schema.name.partition("::")
    if not name:
        raise ValueError(
            f'define(qualname, ...): expected qualname to look like "namespace::name", got '
            f"{schema.name!r}"
        )
    if namespace in _RESERVED:
        raise ValueError(f"{namespace} is a reserved namespace, please choose another one.")
    if schema.name in OPERATORS:
        raise RuntimeError(
            f"Tried to register an operator ({schema}) with the same name and overload name "
            "multiple times."
        )
    made = OPERATORS[schema.name] = Operator(schema, strict)
    overload = schema.overload or "default"
    getattr(ops, namespace)._put(OpOverloadPacket(namespace, name, made, frozenset([overload])))
    return made


def forget(name: str) -> None:
    """Removes an operator."""
    namespace, _, short = name.partition("::")
    OPERATORS.pop(name, None)
    vars(getattr(ops, namespace)).pop(short, None)


def find(op: Any) -> Operator:
    """The operator of a name, of a ``CustomOpDef`` or of a member of ``torch.ops``."""
    if isinstance(op, OpOverload | OpOverloadPacket):
        op = op.__wrapped__
    if isinstance(op, Operator):
        return op
    name = getattr(op, "_qualname", op)
    if not isinstance(name, str):
        raise ValueError(f"expected an operator or its name, got {type(op).__name__}")
    name = name.removesuffix(".default")
    if name not in OPERATORS:
        raise RuntimeError(f"operator {name} does not exist")
    return OPERATORS[name]


def add_kernel(op: Operator, places: str | Sequence[str] | None, function: Kernel) -> None:
    """Registers a kernel for kinds of devices, None for all."""
    if places is None or isinstance(places, str):
        places = [places or ANY]
    for place in places:
        op.kernels[place] = function


def place_of_key(key: str) -> str:
    """The kind of device of a dispatch key; RuntimeError for what is none."""
    if key not in _PLACES:
        if key.startswith("Autograd"):
            raise NotImplementedError(
                f"kernels for the dispatch key {key} are not supported: register_autograd takes "
                "the gradient"
            )
        raise RuntimeError(f"could not parse dispatch key: {key}")
    return _PLACES[key]


def decorating(function: Callable[[Any], Any], given: Any) -> Any:
    """A registration at once, or as a decorator."""

    def register(rule: Any) -> Any:
        function(rule)
        return rule

    return register if given is None else register(given)
