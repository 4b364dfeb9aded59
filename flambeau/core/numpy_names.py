"""NumPy's names of parameters, which PyTorch takes too wherever it has ``dim`` and ``keepdim``.

Functions in which nanoseconds count declare ``axis`` and ``keepdims`` themselves and give them to
``chosen`` or ``required``; the others are decorated with ``numpy_names``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

RENAMED = {"axis": "dim", "keepdims": "keepdim"}


def chosen(function: str, name: str, given: Any, own: Any, default: Any = None) -> Any:
    """The value of a parameter: what was `given` by NumPy's `name` of it.

    TypeError where PyTorch's name has a value of its `own` too, another than the `default`.
    """
    if own is not default:
        raise unexpected(function, name)
    return given


def required(function: str, dim: Any, axis: Any) -> Any:
    """The dimension that has to be given, by one of its two names; TypeError for none and both."""
    if dim is None and axis is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "dim"')
    return dim if axis is None else chosen(function, "axis", axis, dim)


def unexpected(function: str, name: str) -> TypeError:
    """The error for a keyword argument that a function does not take."""
    return TypeError(f"{function}() got an unexpected keyword argument '{name}'")


def numpy_names(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: takes ``axis`` for ``dim`` and, where there is a ``keepdim``, ``keepdims`` for it.

    >>> torch.std(torch.tensor([[1., 3.], [5., 5.]]), axis=1)
    tensor([1.4142, 0.0000])
    """
    name, code = function.__name__, function.__code__  # type: ignore[attr-defined]
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @wraps(function)
    def renaming(*args: P.args, **options: P.kwargs) -> R:
        if options:
            for theirs in RENAMED.keys() & options:
                ours = RENAMED[theirs]
                if ours in options or ours not in own:
                    raise unexpected(name, theirs)
                options[ours] = options.pop(theirs)
        return function(*args, **options)

    # Tracebacks and profiles show the name of the operator.
    renaming.__code__ = renaming.__code__.replace(co_name=name, co_qualname=name)
    return renaming
