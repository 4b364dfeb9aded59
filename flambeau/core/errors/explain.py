"""``explain``: adds to an error what was called, with what, and the likely fix."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

from flambeau.core.errors.hints import likely_fix
from flambeau.core.errors.translation import translate

_MOST = 8  # arguments described


def explain(
    error: Exception,
    operator: Any,
    arguments: Sequence[Any],
    params: Sequence[Any] = (),
    hint: str | None = None,
) -> Exception:
    """The error to raise for ``error``: the same object, or PyTorch's counterpart of NumPy's.

    ``operator`` is an ``Op``, or its name; ``arguments`` are its tensors, ``params`` the rest. The
    first line stays; an error explained by a nested operator stays as it is.
    """
    if getattr(error, "_explained", False):
        return error
    name = getattr(operator, "name", operator)
    found = translate(error, name, arguments, params)
    first_line = str(found).partition("\n")[0]
    lines = [f"  in {name}:", *_describe_all(operator, arguments, params)]
    fix = hint or likely_fix(first_line, arguments)
    if fix:
        lines.append(f"  likely fix: {fix}")
    append(found, *lines)
    found._explained = True  # type: ignore[attr-defined]
    return found


def append(error: BaseException, *lines: str) -> None:
    """Adds lines below the message of an error, in place."""
    message, text = str(error), "\n".join(lines)
    if error.args == (message,):
        error.args = (f"{message}\n{text}",)
    else:  # the type computes its message: a note is shown below it
        error.add_note(text)


# ---- arguments


def _describe_all(operator: Any, arguments: Sequence[Any], params: Sequence[Any]) -> list[str]:
    pairs = list(_named(operator, arguments, params))
    width = max([len(name) for name, _ in pairs], default=0)
    lines = [f"    {name:<{width}}  {text}" for name, text in pairs[:_MOST]]
    if len(pairs) > _MOST:
        lines.append(f"    ... {len(pairs) - _MOST} more")
    return lines


def _named(
    operator: Any, arguments: Sequence[Any], params: Sequence[Any]
) -> Iterator[tuple[str, str]]:
    """Names and descriptions of the arguments that were given."""
    names = list(getattr(operator, "inputs", ()))
    if getattr(operator, "variadic", False):
        names = [f"{names[0]}[{i}]" for i in range(len(arguments))]
    names = [*names, *[f"argument {i + 1}" for i in range(len(names), len(arguments))]]
    others = list(getattr(operator, "params", ()))
    others = [*others, *[f"parameter {i + 1}" for i in range(len(others), len(params))]]
    for name, value in [*zip(names, arguments, strict=False), *zip(others, params, strict=False)]:
        if isinstance(value, (list, tuple)) and any(hasattr(v, "shape") for v in value):
            for index, item in enumerate(value):
                yield f"{name}[{index}]", describe(item)
        elif value is not None:
            yield name, describe(value)


def describe(value: Any) -> str:
    """A tensor as ``float32 [2, 3] on cpu``; anything else as it prints, shortened."""
    try:
        of = getattr(value.dtype, "name", value.dtype)
        text = f"{of} {list(value.shape)} on {getattr(value, 'device', 'cpu')}"
        return text + (", requires_grad" if getattr(value, "requires_grad", False) else "")
    except Exception:
        return reprlib.repr(value)
