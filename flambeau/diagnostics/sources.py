"""``source``: everything about an operator, with the lines where it is written."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from flambeau.core.op import REGISTRY, Op
from flambeau.core.tensor import Tensor

_PACKAGE = Path(__file__).parent.parent


@dataclass
class Source:
    """The parts of an operator: each a title, a place and its text. It prints as a page."""

    name: str
    parts: list[tuple[str, str, str]] = field(default_factory=list)

    def __getitem__(self, title: str) -> str:
        return "\n".join([text for t, _, text in self.parts if t == title])

    def __str__(self) -> str:
        return "\n\n".join(
            [f"# {title}: {place}\n{text}".rstrip() for title, place, text in self.parts]
        )

    __repr__ = __str__


def source(op: Any) -> Source:
    """The public function of an operator, its kernels, gradient rules and tests.

    ``op`` is a function (``torch.exp``), a method, a name or an ``Op``. A function that is composed
    of operators shows its own text, and where the kernels of those are that it calls. ValueError
    for anything else.

    >>> print(source(torch.exp)["gradient of input"])
    vjp=lambda grad, result: grad * conj(result),
    """
    found = _operator(op)
    if found is None:
        function = _named(op) if isinstance(op, str) else op
        if not hasattr(inspect.unwrap(function), "__code__"):
            raise ValueError(f"{op!r} is neither an operator nor a function of this library")
        plain = inspect.unwrap(function)
        parts = [("function", *_text(plain))]
        parts += [("calls", *_text(one.forward)[:1], one.name) for one in _called(plain)
                  if hasattr(getattr(one.forward, "py_func", one.forward), "__code__")]  # fmt: skip
        return Source(function.__name__, parts)
    page = Source(found.name)
    page.parts += _public(found, op)
    page.parts += _kernels(found)
    page.parts += [(title, *_text(rule)) for title, rule in _rules(found)]
    page.parts += _tests(found.name)
    return page


def _operator(given: Any) -> Op | None:
    if isinstance(given, Op):
        return given
    found = getattr(given, "op", None)
    if isinstance(found, Op):
        return found
    return REGISTRY.get(given if isinstance(given, str) else getattr(given, "__name__", ""))


def _named(name: str) -> Any:
    """The public function or method of that name, if there is one."""
    for place in (sys.modules["flambeau"], import_module("flambeau.nn.functional"), Tensor):
        found = getattr(place, name, None)
        if inspect.isfunction(found):
            return found
    return None


def _called(function: Any, depth: int = 3) -> list[Op]:
    """The operators that a function names, and the functions of its module that it calls."""
    found: dict[str, Op] = {}
    space = function.__globals__
    for name in function.__code__.co_names if depth else ():
        value = space.get(name)
        op = value if isinstance(value, Op) else getattr(value, "op", None)
        if isinstance(op, Op):
            found[op.name] = op
        elif inspect.isfunction(value) and value.__module__ == function.__module__:
            found |= {one.name: one for one in _called(value, depth - 1)}
    return list(found.values())


def _public(op: Op, given: Any) -> Iterator[tuple[str, str, str]]:
    function = op.public or (given if inspect.isfunction(given) else _named(op.name))
    if function is not None:
        yield ("function", *_text(inspect.unwrap(function)))


def _kernels(op: Op) -> Iterator[tuple[str, str, str]]:
    kernel: Any = inspect.unwrap(op.forward)
    if hasattr(getattr(kernel, "py_func", kernel), "__code__"):
        yield ("kernel", *_text(kernel))
    else:
        yield "kernel", type(kernel).__module__, repr(kernel)


def _rules(op: Op) -> Iterator[tuple[str, Any]]:
    for name, rule in op.formulas.items():
        yield f"gradient of {name}", rule
    for title, rule in (("gradient", op.joint), ("tangent", op.jvp_rule),
                        ("batching", op.batch_rule), ("shape", op.shape_rule)):  # fmt: skip
        if callable(rule):
            yield title, rule


def _text(function: Any) -> tuple[str, str]:
    """Where a function is written, and its text."""
    code = getattr(function, "py_func", function).__code__
    path = Path(code.co_filename)
    place = path.relative_to(_PACKAGE.parent) if path.is_relative_to(_PACKAGE.parent) else path
    try:
        lines, _ = inspect.getsourcelines(code)
    except (OSError, TypeError):
        lines = []
    return f"{place}:{code.co_firstlineno}", textwrap.dedent("".join(lines)).rstrip()


def _tests(name: str) -> Iterator[tuple[str, str, str]]:
    """The lines of the tests that name the operator, where the tests are at hand."""
    folder = _PACKAGE.parent / "tests"
    named = re.compile(rf"[\"']{name}[\"']|\b(torch|x|F)\.{name}\b")
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else ():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if named.search(line):
                yield ("tests", f"{path.relative_to(folder.parent)}:{number}", line.strip())
                break
