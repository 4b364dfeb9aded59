"""Named tuples of results: ``torch.max(x, 0)`` gives ``torch.return_types.max(values,
indices)``."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

ALL: dict[str, type] = {}


def return_type(name: str, fields: str) -> Any:
    """The type of the results of an operator, made once; it prints as PyTorch's."""
    if name in ALL:
        return ALL[name]
    base = namedtuple(name, fields)

    def make(cls: type, values: Any, *rest: Any) -> Any:
        return tuple.__new__(cls, (values, *rest) if rest else tuple(values))

    def text(self: Any) -> str:
        items = ",\n".join([f"{field}={value!r}" for field, value in zip(base._fields, self)])
        return f"torch.return_types.{name}(\n{items})"

    members = {
        "__slots__": (),
        "__new__": make,
        "__repr__": text,
        "__module__": "torch.return_types",
        "n_fields": len(base._fields),
        "n_sequence_fields": len(base._fields),
        "n_unnamed_fields": 0,
    }
    made = ALL[name] = type(name, (base,), members)
    return made
