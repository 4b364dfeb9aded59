"""Subclasses of ``Tensor``: results keep their class, and ``__torch_function__`` sees every call.

A subclass instance has no ``_kind``, so every operator reaches ``Tensor.intercept``, which hands
the call to the class's ``__torch_function__``.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any

from flambeau.core.dispatch import dispatch
from flambeau.core.flips import flip
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.publish import method
from flambeau.core.sparse import own_kind, wrap_any
from flambeau.core.tensor import PLAIN, Parameter, Tensor


@cache
def _named_only(public: Any) -> frozenset[str]:
    """The parameters of a function that are given by name alone."""
    parameters = inspect.signature(public).parameters.values()
    return frozenset([p.name for p in parameters if p.kind is p.KEYWORD_ONLY])


class OperatorCall:
    """A call of an operator with its canonical arguments: the ``func`` of
    ``__torch_function__``. It takes them as the public function does."""

    def __init__(self, op: Op, count: int) -> None:
        self.op, self.count = op, count
        self.public = op.public or vars(sys.modules["flambeau"]).get(op.name)
        self.__name__ = op.name if self.public is None else self.public.__name__

    def arguments(
        self, tensors: tuple[Any, ...], params: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments by position, and those that the public function takes by name alone."""
        named = _named_only(self.public) if self.public is not None and params else ()
        pairs = list(zip(self.op.params, params))
        by_name = {name: value for name, value in pairs if name in named}
        return (*tensors, *[v for name, v in pairs if name not in by_name]), by_name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in self.op.params:
                raise TypeError(f"{self.__name__}() got an unexpected keyword argument '{name}'")
        left = iter(args[self.count :])
        names = self.op.params if kwargs else ()
        params = [kwargs[name] if name in kwargs else next(left) for name in names]
        return dispatch(self.op, args[: self.count], (*params, *left))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OperatorCall):
            return other.op is self.op
        return self.public is not None and other is self.public

    def __hash__(self) -> int:
        return hash(self.public)

    def __repr__(self) -> str:
        return f"<built-in method {self.__name__}>"


@method("intercept")
def _intercept(self: Tensor, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
    """Hands a call with a subclass among its arguments to that class's ``__torch_function__``."""
    classes = tuple(
        dict.fromkeys([type(t) for t in tensors if isinstance(t, Tensor) and type(t) not in PLAIN])
    )
    call = OperatorCall(op, len(tensors))
    if modes.plain_subclasses:
        return dispatch(op, tuple([as_plain(t) for t in tensors]), params)
    args, kwargs = call.arguments(tensors, params)
    for cls in sorted(classes, key=lambda c: -len(c.__mro__)):
        result = cls.__torch_function__(call, classes, args, kwargs)  # type: ignore[attr-defined]
        if result is not NotImplemented:
            return result
    raise TypeError(
        f"Multiple dispatch failed for 'torch.{call.__name__}'; all __torch_function__ "
        "handlers returned NotImplemented"
    )


def as_plain(value: Any) -> Any:
    """A subclass instance as a plain tensor over the same memory, with the same history."""
    if not isinstance(value, Tensor) or value._kind is not None or type(value) in PLAIN:
        return value
    plain = wrap_any(value._array, value.kind)
    plain._node, plain._base, plain._writes = value._node, value._base, value._writes
    return flip(plain, value._flips)


@classmethod
def _torch_function(
    cls: type[Tensor], func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
) -> Any:
    """The default: computes with plain tensors, and gives the results this class."""
    if not all([issubclass(cls, t) for t in types]):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
    return _converted(result, cls)


def _converted(result: Any, cls: type[Tensor]) -> Any:
    if isinstance(result, tuple | list):
        parts = [_converted(r, cls) for r in result]
        return type(result)(parts) if type(result) in (tuple, list) else type(result)(*parts)
    if isinstance(result, Tensor) and type(result) is Tensor and cls not in PLAIN:
        return result.as_subclass(cls)  # type: ignore[attr-defined]
    return result


@classmethod
def _disabled_torch_function(
    cls: type[Tensor], func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
) -> Any:
    """For classes whose results are plain tensors: parameters."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


@classmethod
def _torch_dispatch(
    cls: type[Tensor], func: Any, types: Any, args: Any = (), kwargs: Any = None
) -> Any:
    """The call itself, on plain tensors: there is no dispatcher below ``__torch_function__``."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


class DisableTorchFunctionSubclass:
    """Calls inside do not reach ``__torch_function__``: subclasses count as plain tensors."""

    def __enter__(self) -> None:
        modes.plain_subclasses += 1

    def __exit__(self, *exc: object) -> None:
        modes.plain_subclasses -= 1


@method("as_subclass")
def _as_subclass(self: Tensor, cls: type[Tensor]) -> Tensor:
    """The same elements and history as an instance of a subclass of ``Tensor``."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"as_subclass(): argument 'cls' must be a subclass of Tensor, not {cls}")
    made = object.__new__(cls)
    made._array, made._node, made._base, made._writes = (
        self._array,
        self._node,
        self._base,
        self._writes,
    )
    made._kind = own_kind(self._array, self.kind) if cls in PLAIN else None
    if made._kind is None:
        made._hidden_kind = self.kind
    flip(made, self._flips)
    return made


@staticmethod
def _make_subclass(
    cls: type[Tensor], data: Tensor, require_grad: bool = False, **options: Any
) -> Tensor:
    """An instance of a subclass over the memory of ``data``, without its history."""
    made = data.detach().as_subclass(cls)  # type: ignore[attr-defined]
    return made.requires_grad_() if require_grad else made


Tensor.__torch_function__ = _torch_function  # type: ignore[attr-defined]
Tensor._make_subclass = _make_subclass  # type: ignore[attr-defined]
Tensor.__torch_dispatch__ = _torch_dispatch  # type: ignore[attr-defined]
Parameter.__torch_function__ = _disabled_torch_function  # type: ignore[attr-defined]

__all__ = ["DisableTorchFunctionSubclass"]
