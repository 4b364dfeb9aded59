"""What an operator takes and gives: ``mylib::op(Tensor x, int k=2, *, str s="a") -> Tensor``."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from collections.abc import Callable, Iterable, Sequence
from types import NoneType, UnionType
from typing import Any, NamedTuple

import flambeau
from flambeau.core.device import device as Device
from flambeau.core.dtype import dtype as DType
from flambeau.core.tensor import Tensor

_EMPTY = inspect.Parameter.empty
_KINDS = {Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str",
          DType: "ScalarType", Device: "Device"}  # fmt: skip
_CLASSES = {
    "Tensor": Tensor, "int": int, "SymInt": int, "float": (float, int), "bool": bool, "str": str,
    "Scalar": (int, float, complex, bool), "ScalarType": DType, "Device": (Device, str),
}  # fmt: skip
_NAME = re.compile(r"\s*([\w:]+?)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.*)", re.DOTALL)
_ARGUMENT = re.compile(r"(\w+)(\(\w+!?\))?((?:\[\d*\])?\??(?:\[\d*\])?\??)\s+(\w+)(?:\s*=\s*(.*))?")


class Argument(NamedTuple):
    """One argument: its type is ``kind`` with ``suffix``, as ``Tensor`` and ``[]``."""

    name: str
    kind: str
    suffix: str
    default: Any
    keyword_only: bool
    mutated: bool

    def takes(self, value: Any) -> bool:
        """Whether a value is of the argument's type."""
        if value is None:
            return self.suffix.endswith("?") or self.default is None
        if "[" in self.suffix:
            if isinstance(value, list | tuple):
                return all([self._takes_one(v) or v is None for v in value])
            return self.kind != "Tensor" and self._takes_one(value)
        return self._takes_one(value)

    def _takes_one(self, value: Any) -> bool:
        return self.kind not in _CLASSES or isinstance(value, _CLASSES[self.kind])

    def written(self, position: int) -> str:
        """``Tensor(a0!) x``: as in a schema, at a position."""
        alias = f"(a{position}!)" if self.mutated else ""
        default = "" if self.default is _EMPTY else f"={_written(self.default)}"
        return f"{self.kind}{alias}{self.suffix} {self.name}{default}"


class Schema(NamedTuple):
    """The name, arguments and results of an operator."""

    name: str
    overload: str
    arguments: tuple[Argument, ...]
    returns: str

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The values of the arguments, in order; RuntimeError for what does not fit."""
        positional = [a for a in self.arguments if not a.keyword_only]
        if len(args) > len(positional):
            raise RuntimeError(
                f"{self.name}() expected at most {len(positional)} argument(s) but received "
                f"{len(args)} argument(s). Declaration: {self}"
            )
        values = dict(zip([a.name for a in positional], args))
        for name, value in kwargs.items():
            if name in values or name not in [a.name for a in self.arguments]:
                raise RuntimeError(
                    f"{self.name}() got an argument '{name}' that does not fit: {self}"
                )
            values[name] = value
        return [self._value(a, values, i) for i, a in enumerate(self.arguments)]

    def _value(self, argument: Argument, values: dict[str, Any], position: int) -> Any:
        value = values.get(argument.name, argument.default)
        if value is _EMPTY:
            raise RuntimeError(
                f"{self.name}() is missing value for argument '{argument.name}'. "
                f"Declaration: {self}"
            )
        if argument.name in values and not argument.takes(value):
            kind = argument.kind.replace("SymInt", "int") + argument.suffix
            raise RuntimeError(
                f"{self.name}() Expected a value of type '{kind}' for argument '{argument.name}' "
                f"but instead found type '{type(value).__name__}'.\nPosition: {position}\n"
                f"Value: {value!r}\nDeclaration: {self}"
            )
        return value

    def __str__(self) -> str:
        overload = f".{self.overload}" if self.overload else ""
        return f"{self.name}{overload}{signature(self.arguments, self.returns)}"

    __repr__ = __str__


def signature(arguments: Iterable[Argument], returns: str) -> str:
    """``(Tensor x, *, str s="a") -> Tensor``."""
    parts: list[str] = []
    for position, argument in enumerate(arguments):
        if argument.keyword_only and "*" not in parts:
            parts.append("*")
        parts.append(argument.written(position))
    return f"({', '.join(parts)}) -> {returns}"


def _written(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).removeprefix("torch.") if isinstance(value, DType) else str(value)


# ---- read


def parse(text: str) -> Schema:
    """A schema as it is written; RuntimeError if it is none."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise RuntimeError(
            f"expected a schema as 'op(Tensor x, int k=2) -> Tensor', found:\n{text}"
        )
    name, overload, inside, returns = match.groups()
    arguments: list[Argument] = []
    keyword_only = False
    for part in _split(inside):
        if part == "*":
            keyword_only = True
        else:
            arguments.append(_argument(part, keyword_only, text))
    return Schema(name, overload or "", tuple(arguments), returns.strip())


def _split(text: str) -> list[str]:
    """The parts between commas that are not in brackets."""
    parts = re.split(r",\s*(?![^\[\]]*\])(?![^()]*\))", text)
    return [part.strip() for part in parts if part.strip()]


def _argument(text: str, keyword_only: bool, schema: str) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        raise RuntimeError(f"cannot read the argument '{text}' of the schema\n{schema}")
    kind, alias, suffix, name, default = match.groups()
    value = _EMPTY if default is None else _literal(default)
    return Argument(name, kind, suffix, value, keyword_only, bool(alias and "!" in alias))


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return getattr(flambeau, text, text)  # float32, strided


# ---- from annotations


def infer_schema(
    prototype_function: Callable[..., Any], /, *, mutates_args: str | Iterable[str],
    op_name: str | None = None, tags: Any = (),
) -> str:  # fmt: skip
    """The schema of a function, from its annotations.

    Args:
        mutates_args: the names of arguments that it writes to, or ``"unknown"`` for any tensor.
        op_name: a name to put before it.

    Raises ValueError for parameters without annotation, and for types that no schema has.

    >>> def scaled(x: torch.Tensor, by: float = 2.0) -> torch.Tensor: ...
    >>> torch.library.infer_schema(scaled, mutates_args=())
    '(Tensor x, float by=2.0) -> Tensor'
    """
    given = inspect.signature(prototype_function)
    hints = typing.get_type_hints(prototype_function)
    mutated = mutates_args if isinstance(mutates_args, str) else set(mutates_args)

    def refuse(what: str) -> ValueError:
        return ValueError(f"infer_schema(func): {what} Got func with signature {given})")

    arguments = []
    for name, parameter in given.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise refuse("We do not support positional-only args, varargs, or varkwargs.")
        if name not in hints:
            raise refuse(f"Parameter {name} must have a type annotation.")
        kind = _kind_of(hints[name])
        if kind is None:
            raise refuse(f"Parameter {name} has unsupported type {hints[name]}.")
        tensor = kind[0] == "Tensor"
        writes = tensor if mutated == "unknown" else name in mutated
        keyword_only = parameter.kind is parameter.KEYWORD_ONLY
        arguments.append(Argument(name, *kind, parameter.default, keyword_only, writes))
    unknown = set() if mutated == "unknown" else set(mutated) - set(given.parameters)
    if unknown:
        raise refuse(
            f"{unknown} in mutates_args were not found in the custom op's signature. mutates_args "
            "should contain the names of all args that the custom op mutates, or just the string "
            "'unknown' if you don't know."
        )
    if "return" not in hints:
        raise refuse("No return type annotation was provided. Please add one.")
    returns = _returns(hints["return"])
    if returns is None:
        raise refuse(f"Return has unsupported type {hints['return']}.")
    return (op_name or "") + signature(arguments, returns)


def _kind_of(hint: Any) -> tuple[str, str] | None:
    """The kind and suffix of an annotation, None for what no schema has."""
    if hint in _KINDS:
        return _KINDS[hint], ""
    if hint == flambeau.types.Number or hint == int | float | complex:
        return "Scalar", ""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        rest = [h for h in inside if h is not NoneType]
        found = _kind_of(rest[0]) if len(rest) == 1 < len(inside) else None
        if set(rest) == {int, float, bool}:
            found = ("Scalar", "")
        return (
            None
            if found is None
            else (found[0], found[1] + ("?" if len(rest) < len(inside) else ""))
        )
    if isinstance(origin, type) and issubclass(origin, Sequence) and origin is not tuple:
        found = _kind_of(inside[0])
        return None if found is None else (found[0], found[1] + "[]")
    return None


def _returns(hint: Any) -> str | None:
    if hint in (None, NoneType):
        return "()"
    if typing.get_origin(hint) is tuple:
        each = [_kind_of(h) for h in typing.get_args(hint)]
        if None in each:
            return None
        return "(" + ", ".join([k[0] + k[1] for k in each if k]) + ")"
    found = _kind_of(hint)
    return None if found is None else found[0] + found[1]
