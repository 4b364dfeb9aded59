"""How a declaration becomes public names: functions of the package and methods of ``Tensor``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

import numpy

from flambeau.core.op import Op
from flambeau.core.tensor import Tensor
from flambeau.core.writing import overwrite

Function = Callable[..., Any]
NUMBERS = (int, float, complex, numpy.number, numpy.bool_)  # what stands for a tensor without dims
OPERANDS = (Tensor, *NUMBERS)
ATEN: dict[str, Function] = {}  # the operators below the public names, by their names there


def publish(
    op: Op,
    entry: Function,
    in_place: Function | None,
    doc: str,
    methods: str,
    operator: Function | None = None,
    operator_in_place: Function | None = None,
) -> Function:
    """Gives an entry point the operator's name, and hangs it on ``Tensor`` under `methods`.

    A method whose name ends in ``_``, or is ``__iadd__`` and the like, is the in-place form;
    the operator forms, those of ``__add__`` and ``__iadd__``, leave foreign operands to Python.
    """
    entry = named(entry, op.name, doc, op.inputs[1:])
    entry.op = op  # type: ignore[attr-defined]
    op.public, op.__doc__ = entry, doc
    for name in methods.split():
        if is_in_place(name):
            assert in_place is not None
            form = operator_in_place if name.startswith("__") and operator_in_place else in_place
            doc_of_form = f"In-place form of ``{op.name}``."
            setattr(Tensor, name, named(form, name, doc_of_form, op.inputs[1:]))
        elif name.startswith("__") and operator is not None:
            setattr(Tensor, name, named(operator, name, doc))
        else:
            setattr(Tensor, name, entry)
    return entry


def is_in_place(name: str) -> bool:
    """Whether a method's name is that of an in-place form: ``add_``, ``__iadd__``."""
    if name.startswith("__"):
        return name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return name.endswith("_")


def named(
    function: Function, name: str, doc: str | None = None, second: tuple[str, ...] = ()
) -> Function:
    """Gives a function its own name and code object, so that tracebacks, profilers and breakpoints
    tell apart the operators of one family; `second` is what its argument ``other`` is called."""
    assert isinstance(function, FunctionType)
    names = function.__code__.co_varnames
    if len(second) == 1 and names[1:2] == ("other",):
        names = names[:1] + second + names[2:]
    code = function.__code__.replace(co_name=name, co_qualname=name, co_varnames=names)
    twin = FunctionType(
        code, function.__globals__, name, function.__defaults__, function.__closure__
    )
    twin.__dict__.update(function.__dict__)  # ``__wrapped__``: the signature
    twin.__kwdefaults__, twin.__annotations__ = function.__kwdefaults__, function.__annotations__
    twin.__qualname__, twin.__doc__, twin.__module__ = name, doc, "flambeau"
    return twin


def method(names: str) -> Callable[[Function], Function]:
    """Hangs a public function on ``Tensor``; names that end in ``_`` get its in-place form.

    Under such names alone the function is itself what works in place, and is taken as it is.

    >>> @method("softmax")  # doctest: +SKIP
    ... def softmax(input, dim, dtype=None): ...
    """

    def attach(function: Function) -> Function:
        derives = not all(map(is_in_place, names.split()))
        for name in names.split():
            form = _written(function, name) if derives and is_in_place(name) else function
            setattr(Tensor, name, form)
        return function

    return attach


def aten(name: str) -> Callable[[Function], Function]:
    """Offers a function as ``torch.ops.aten.<name>``, below the public names; one whose name begins
    with an underscore is ``torch._<name>`` too.

    >>> @aten("_chunk_cat")  # doctest: +SKIP
    ... def _chunk_cat(tensors, dim, num_chunks): ...
    """

    def offer(function: Function) -> Function:
        ATEN[name] = function
        return function

    return offer


def operator(names: str) -> Callable[[Function], Function]:
    """Hangs a function of two operands on ``Tensor`` as Python operators, ``__rpow__`` or
    ``__ipow__``, which leave operands of foreign types to Python."""

    def attach(function: Function) -> Function:
        for name in names.split():
            form = _written(function, name) if is_in_place(name) else function
            setattr(Tensor, name, named(_leaving_foreign(form), name, function.__doc__))
        return function

    return attach


def _leaving_foreign(function: Function) -> Function:
    def operator(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return operator


def _written(function: Function, name: str) -> Function:
    @wraps(function)
    def in_place(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return overwrite(self, function, *args, **kwargs)

    return named(in_place, name, f"In-place form of ``{function.__name__}``.")


def not_a_tensor(function: str, argument: str, position: int, value: Any) -> TypeError:
    """The error for an argument that has to be a tensor."""
    return TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be Tensor, not "
        f"{type(value).__name__}"
    )


def exported(module_globals: dict[str, Any], internal: str = "") -> list[str]:
    """The ``__all__`` of a module of operators: its own functions and the published ones, without
    the `internal` ones, which only other modules of the library use."""
    own = module_globals["__name__"]
    return [
        name
        for name, value in module_globals.items()
        if not name.startswith("_")
        and name not in internal.split()
        and isinstance(value, FunctionType)
        and (hasattr(value, "op") or value.__module__ == own)
    ]


def adopt(module_globals: dict[str, Any]) -> None:
    """Makes the classes of ``__all__`` that stand in files of their own members of this module:
    pickles, here and in PyTorch, look for them there."""
    for name in module_globals["__all__"]:
        value = module_globals[name]
        if isinstance(value, type):
            value.__module__ = module_globals["__name__"]
