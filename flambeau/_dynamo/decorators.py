"""What programs tell PyTorch's compiler about their functions and tensors.

Nothing is traced here, so these hints are checked and change nothing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from flambeau._dynamo import config
from flambeau._dynamo.backends import Backend, lookup_backend
from flambeau.core.op import is_tensor

Function = Callable[..., Any]
_STANCES = (
    "default", "eager_then_compile", "aot_eager_then_compile", "force_eager",
    "eager_on_recompile", "fail_on_recompile",
)  # fmt: skip

# ---- functions


def disable(
    fn: Any = None, recursive: bool = True, *, reason: str | None = None, wrapping: bool = True
) -> Any:
    """A function that is not to be compiled: itself. Without one, a decorator."""
    if fn is None:
        return functools.partial(disable, recursive=recursive)
    return _checked(fn, "fn must be callable")


def allow_in_graph(fn: Any) -> Any:
    """A function, or a list of them, for which the compiler shall not look inside: itself."""
    return _each(fn, "allow_in_graph expects a callable")


def disallow_in_graph(fn: Any) -> Any:
    """A function, or a list of them, that shall not be part of a graph: itself."""
    return _each(fn, "disallow_in_graph expects a callable")


def forbid_in_graph(fn: Any) -> Any:
    """A function, or a list of them, that no compiled code may call: itself."""
    return _each(fn, "forbid_in_graph applies only to callables")


def nonstrict_trace(traceable_fn: Function) -> Function:
    """A function whose inside is to be traced by its operators alone: itself."""
    return _checked(traceable_fn, "nonstrict_trace expects a callable")


def assume_constant_result(fn: Function) -> Function:
    """A function whose result does not change: itself; it is called every time."""
    return _checked(fn, "assume_constant_result expects a callable")


def run(fn: Any = None) -> Any:
    """A function that shall use what has been compiled, and compile nothing: itself."""
    return run if fn is None else _checked(fn, "fn must be callable")


def disable_nested_graph_breaks(fn: Any = None) -> Any:
    """A function without graph breaks in what it calls: itself."""
    return disable_nested_graph_breaks if fn is None else _checked(fn, "fn must be callable")


def dont_skip_tracing(fn: Any = None) -> Any:
    """A function that is to be traced in any case: itself."""
    return dont_skip_tracing if fn is None else _checked(fn, "fn must be callable")


def is_dynamo_disable_recursive(method: Function) -> bool | None:
    """Whether a function was excluded from compilation: None, as none is marked."""
    return None


def substitute_in_graph(
    original_fn: Function,
    *,
    can_constant_fold_through: bool = False,
    skip_signature_check: bool = False,
    is_embedded_type: bool = False,
) -> Callable[[Function], Function]:
    """A decorator for a function that is to be traced instead of ``original_fn``.

    As nothing is traced, what it makes calls ``original_fn``. Raises TypeError unless the two take
    parameters of the same names.
    """
    if not callable(original_fn):
        raise TypeError(f"substitute_in_graph expects a function but got {type(original_fn)!r}")

    def decorate(traceable_fn: Function) -> Function:
        if not skip_signature_check and _parameters(original_fn) != _parameters(traceable_fn):
            raise TypeError(
                f"Signature mismatch between {original_fn} and {traceable_fn}: "
                f"{_parameters(original_fn)} and {_parameters(traceable_fn)}"
            )

        @functools.wraps(original_fn)
        def original(*args: Any, **kwargs: Any) -> Any:
            return original_fn(*args, **kwargs)

        return original

    return decorate


def _parameters(function: Function) -> list[str] | None:
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:
        return None  # a builtin that does not tell


def _each(given: Any, message: str) -> Any:
    if isinstance(given, list | tuple):
        return [_checked(function, message) for function in given]
    return _checked(given, message)


def _checked(function: Any, message: str) -> Any:
    if not callable(function):
        raise AssertionError(message)
    return function


# ---- tensors


def mark_dynamic(
    t: Any, index: int | Sequence[int], *, hint_override: int | None = None,
    min: int | None = None, max: int | None = None, specialize_on: Any = None,
) -> None:  # fmt: skip
    """A dimension of a tensor, or several, whose size will vary: no code depends on sizes here."""
    _check_tensor("mark_dynamic", t)


def maybe_mark_dynamic(t: Any, index: int | Sequence[int]) -> None:
    """A dimension of a tensor, or several, whose size may vary."""
    _check_tensor("maybe_mark_dynamic", t)


def mark_static(t: Any, index: int | Sequence[int] | None = None) -> None:
    """Dimensions of a tensor, or integers of a module class, that do not vary."""
    if not isinstance(t, type):
        _check_tensor("mark_static", t)


def mark_static_address(t: Any, guard: bool = False) -> None:
    """A tensor whose memory stays where it is."""
    _check_tensor("mark_static_address", t)


def override_optimization_hint(x: Any, val: int) -> None:
    """The size that a dimension of variable size is to be optimised for."""


def _check_tensor(function: str, value: Any) -> None:
    if not is_tensor(value):
        raise TypeError(f"{function} expects a tensor but received {type(value)}")


# ---- places in a function


def graph_break(msg: str = "") -> None:
    """Where a graph shall end: there is none."""


def skip_frame(msg: str = "") -> None:
    """Says that the function at hand is not to be compiled."""


def step_unsupported(msg: str = "") -> None:
    """Says that the line at hand cannot be compiled."""


def patch_dynamo_config(arg1: Any = None, arg2: Any = None, **kwargs: Any) -> Any:
    """Other settings while a function runs; a context manager and decorator."""
    return config.patch(arg1, arg2, **kwargs)


class error_on_graph_break:
    """Whether a graph break is an error inside; there are none. Also a decorator."""

    def __init__(self, error_on_graph_break: bool) -> None:
        self.error_on_graph_break = error_on_graph_break

    def __call__(self, fn: Function) -> Function:
        return _checked(fn, "fn must be callable")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


class set_stance:
    """How compiled functions shall run from here on, inside a ``with``, or in a decorated function.

    The stance is kept and has no effect: functions run as they are under each of them.

    Args:
        stance: ``"default"``, ``"eager_then_compile"``, ``"aot_eager_then_compile"``,
            ``"force_eager"``, ``"eager_on_recompile"`` or ``"fail_on_recompile"``.
        force_backend: a backend for all compiled functions, with the default stance.

    Raises:
        RuntimeError: another stance, or a backend with one that is not the default.

    >>> with torch.compiler.set_stance("force_eager"):
    ...     torch.compile(torch.neg)(torch.ones(1))
    tensor([-1.])
    """

    current = "default"

    def __init__(
        self,
        stance: str = "default",
        *,
        skip_guard_eval_unsafe: bool = False,
        force_backend: Backend | None = None,
    ) -> None:
        if stance not in _STANCES:
            raise RuntimeError(f"invalid torch.compile stance '{stance}'")
        if force_backend is not None:
            if stance != "default":
                raise RuntimeError("non-default stance cannot have force_backend set")
            lookup_backend(force_backend)
        self.stance, self.options = stance, (skip_guard_eval_unsafe, force_backend)
        self.before = set_stance.current
        set_stance.current = stance

    def __call__(self, fn: Function) -> Function:
        set_stance.current = self.before

        @functools.wraps(fn)
        def with_stance(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return fn(*args, **kwargs)

        return with_stance

    def __enter__(self) -> None:
        set_stance.current = self.stance

    def __exit__(self, *exc: object) -> None:
        set_stance.current = self.before

    def clone(self) -> set_stance:
        """Another one, for another ``with``."""
        skip, backend = self.options
        return type(self)(self.stance, skip_guard_eval_unsafe=skip, force_backend=backend)
