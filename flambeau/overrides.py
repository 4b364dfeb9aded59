"""Help for types that take part in operators through ``__torch_function__``.

Subclasses of ``Tensor`` and modes see the operators that tensors go through, as ``func`` with its
canonical arguments; ``func == torch.add`` and its ``__name__`` tell which. What is only made of
operators (``dropout``) is seen as these, and functions without tensors (``zeros``) are not seen.
Types that are not tensors are asked by functions that use :func:`has_torch_function`, not by
operators.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FunctionType
from typing import Any

import flambeau
from flambeau.core.interception import Interceptor
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.tensor import PLAIN, Tensor
from flambeau.ops.subclasses import DisableTorchFunctionSubclass, OperatorCall

Function = Callable[..., Any]
__all__ = [
    "BaseTorchFunctionMode", "TorchFunctionMode", "enable_reentrant_dispatch",
    "get_default_nowrap_functions", "get_ignored_functions", "get_overridable_functions",
    "get_testing_overrides", "handle_torch_function", "has_torch_function",
    "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like",
    "is_tensor_method_or_property", "redispatch_function", "resolve_name", "wrap_torch_function",
]  # fmt: skip


class _Skip(threading.local):
    once = False  # whether the next question of `has_torch_function` is answered with no


_skip = _Skip()


# ---- values with a __torch_function__


def is_tensor_like(inp: Any) -> bool:
    """Whether a value is a tensor, or has a ``__torch_function__``.

    >>> torch.overrides.is_tensor_like(torch.ones(1)), torch.overrides.is_tensor_like(3)
    (True, False)
    """
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def _overrides(value: Any) -> bool:
    return type(value) not in PLAIN and hasattr(value, "__torch_function__")


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the values has a ``__torch_function__`` of its own."""
    if not isinstance(relevant_args, list | tuple):
        raise TypeError("expected a sequence")
    if _skip.once:
        _skip.once = False
        return False
    return not modes.plain_subclasses and any(map(_overrides, relevant_args))


def has_torch_function_unary(value: Any) -> bool:
    """``has_torch_function`` of one value."""
    return has_torch_function((value,))


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """``has_torch_function`` of the arguments."""
    return has_torch_function(relevant_args)


def _ordered(values: Iterable[Any]) -> list[Any]:
    """One value of each type that overrides, derived types before their bases."""
    found: list[Any] = []
    for value in values:
        if not _overrides(value) or type(value) in [type(other) for other in found]:
            continue
        bases = [i for i, other in enumerate(found) if issubclass(type(value), type(other))]
        found.insert(bases[0] if bases else len(found), value)
    return found


def handle_torch_function(
    public_api: Function, relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the ``__torch_function__`` of the arguments makes of a call.

    They are asked in order, derived types first; NotImplemented passes the question on.

    Raises TypeError if all do.

    >>> def total(x):
    ...     if torch.overrides.has_torch_function((x,)):
    ...         return torch.overrides.handle_torch_function(total, (x,), x)
    ...     return sum(x)
    >>> class Ours:
    ...     @classmethod
    ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
    ...         return func.__name__
    >>> total(Ours()), total([1, 2])
    ('total', 3)
    """
    overriding = _ordered(relevant_args)
    types = tuple(map(type, overriding))
    for value in overriding:
        result = value.__torch_function__(public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    name = f"{public_api.__module__}.{public_api.__name__}"
    raise TypeError(
        f"no implementation found for '{name}' on types that implement __torch_function__: "
        f"{list(types)}"
    )


def wrap_torch_function(
    dispatcher: Callable[..., Iterable[Any]],
) -> Callable[[Function], Function]:
    """A decorator that asks ``__torch_function__`` of what ``dispatcher`` makes of the arguments.

    >>> @torch.overrides.wrap_torch_function(lambda x: (x,))
    ... def double(x):
    ...     return 2 * x
    >>> double(3)
    6
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


def redispatch_function(
    func: Function, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> Any:
    """Calls a function past its own ``__torch_function__``; what it calls is asked again."""
    if isinstance(func, OperatorCall):
        with DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))
    _skip.once = True
    try:
        return func(*args, **(kwargs or {}))
    finally:
        _skip.once = False


@contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """Inside, subclasses count as such again, in the middle of a call that took them for plain."""
    before, modes.plain_subclasses = modes.plain_subclasses, 0
    try:
        yield
    finally:
        modes.plain_subclasses = before


# ---- modes


class TorchFunctionMode(Interceptor):
    """A context manager whose ``__torch_function__`` sees every operator called inside.

    In it the mode is off, so that it may call ``func`` and other operators.

    >>> class Names(torch.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Names():
    ...     _ = torch.ones(2) + 1
    add
    """

    inner: TorchFunctionMode

    def __torch_function__(
        self, func: Function, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        raise NotImplementedError

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> TorchFunctionMode:
        """The mode itself; deprecated."""
        warnings.warn(
            "`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`",
            stacklevel=2,
        )
        return cls(*args, **kwargs)

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        every = modes.interceptors
        modes.interceptors = every[: every.index(self)]
        types = tuple(map(type, _ordered(tensors)))
        try:
            call = OperatorCall(op, len(tensors))
            args, kwargs = call.arguments(tensors, params)
            return self.__torch_function__(call, types, args, kwargs)
        finally:
            modes.interceptors = every


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(
        self, func: Function, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """Calls inside reach neither the ``__torch_function__`` of subclasses nor that of modes."""

    def __enter__(self) -> None:
        super().__enter__()
        self._before = modes.interceptors
        kept = [mode for mode in self._before if not isinstance(mode, TorchFunctionMode)]
        modes.interceptors = tuple(kept)

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        modes.interceptors = self._before


# ---- what can be overridden


@functools.cache
def _namespaces() -> dict[str, Any]:
    return {
        "torch": flambeau, "torch.functional": flambeau.functional,
        "torch.nn.functional": flambeau.nn.functional, "torch.linalg": flambeau.linalg,
        "torch.fft": flambeau.fft, "torch.special": flambeau.special, "torch.Tensor": Tensor,
    }  # fmt: skip


def _takes_tensors(function: Any) -> bool:
    """Whether a function is an operator of tensors, which they may override."""
    if not isinstance(function, FunctionType):
        return False
    if hasattr(function, "op"):
        return True
    given = function.__annotations__.items()
    annotations = [str(a) for name, a in given if name not in ("out", "return")]
    of_ours = "/flambeau/ops/" in inspect.unwrap(function).__code__.co_filename
    return of_ours and any(["Tensor" in annotation for annotation in annotations])


@functools.cache
def get_overridable_functions() -> dict[Any, list[Function]]:
    """The functions, methods and getters that may be overridden, by where they are.

    A method may be the very function of ``torch``, and then counts as both.
    """
    found: dict[Any, list[Function]] = {}
    for place in _namespaces().values():
        members = vars(place).values()
        if place is Tensor:
            functions = [m for m in members if isinstance(m, FunctionType)]
            functions += [m.__get__ for m in members if isinstance(m, property)]
        else:
            functions = [m for m in members if _takes_tensors(m)]
        found[place] = functions
    return found


@functools.cache
def get_ignored_functions() -> set[Function]:
    """The functions of ``torch`` that no ``__torch_function__`` sees: they take no tensors."""
    return {
        function
        for name, function in vars(flambeau).items()
        if isinstance(function, FunctionType)
        and not (name.startswith("_") or _takes_tensors(function))
    }


@functools.cache
def get_testing_overrides() -> dict[Function, Function]:
    """For each overridable function one of the same signature that gives -1, for tests."""
    return {
        function: _returning_minus_one(function)
        for functions in get_overridable_functions().values()
        for function in functions
    }


def _returning_minus_one(function: Function) -> Function:
    def override(*args: Any, **kwargs: Any) -> int:
        return -1

    with suppress(ValueError):  # of `__get__`, which does not tell
        override.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return override


@functools.cache
def _names() -> dict[Function, str]:
    found: dict[Function, str] = {}
    for path, place in reversed(_namespaces().items()):
        for name, member in vars(place).items():
            if place is Tensor and isinstance(member, property):
                found[member.__get__] = f"{path}.{name}.__get__"
            elif isinstance(member, FunctionType) and (place is Tensor or _takes_tensors(member)):
                found[member] = f"{path}.{name}"
    return found


def resolve_name(f: Function) -> str | None:
    """What an overridable function is called; None for others.

    >>> torch.overrides.resolve_name(torch.add), torch.overrides.resolve_name(len)
    ('torch.add', None)
    """
    return _names().get(f.public if isinstance(f, OperatorCall) and f.public else f)


def is_tensor_method_or_property(func: Function) -> bool:
    """Whether a function is a method of ``Tensor``, or the getter of one of its attributes."""
    return func in get_overridable_functions()[Tensor]


def get_default_nowrap_functions() -> set[Function]:
    """The getters whose results do not become instances of a subclass."""
    return {getattr(Tensor, name).__get__ for name in ("_base", "grad", "_grad") if isinstance(
        vars(Tensor).get(name), property)}  # fmt: skip
