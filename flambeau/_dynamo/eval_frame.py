"""``torch.compile``: takes PyTorch's arguments and runs the function as it is.

There is no tracer of Python code and no compiler of graphs. Operators use kernels that are compiled
from Python when they are first called, with ``torch.compile`` and without it: it makes nothing
faster or slower.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sized
from typing import Any

import flambeau.nn as nn
from flambeau._dynamo.backends import Backend, get_default_backend, lookup_backend

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Backend | None = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """A function or module under PyTorch's interface of compiled ones, run as it is.

    Nothing is traced, fused or specialised, and nothing gets faster: Flambeau's kernels are
    compiled from Python when they are first used, whether ``compile`` is called or not. So
    ``fullgraph``, ``dynamic``, ``mode``, ``options`` and the limits are checked and have no effect,
    and every backend does the same. ``options`` are those of Inductor, which is not here to know
    them.

    Args:
        model: a function, a module (which gives an :class:`OptimizedModule`), a class (itself) or
            another callable; without it, the result is a decorator.
        backend: one of ``torch.compiler.list_backends(None)``; None for the default one.
        mode: one of ``"default"``, ``"lite"``, ``"reduce-overhead"``,
            ``"max-autotune-no-cudagraphs"`` and ``"max-autotune"`` (of the backend "inductor").
        disable: gives back ``model`` itself.

    Raises:
        torch._dynamo.exc.InvalidBackend: there is no such backend.
        NotImplementedError: ``backend`` is a function, which needs a ``torch.fx`` graph.
        RuntimeError: unknown ``mode``, or both ``mode`` and ``options``.

    >>> @torch.compile
    ... def double(x):
    ...     return 2 * x
    >>> double(torch.ones(2))
    tensor([2., 2.])
    """
    given = {
        "fullgraph": fullgraph, "dynamic": dynamic, "backend": backend, "mode": mode,
        "options": options, "disable": disable,
    }  # fmt: skip
    if model is None:
        return functools.partial(_decorate, given)
    backend = get_default_backend() if backend is None else backend
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if backend == "inductor" and mode not in (None, *_MODES):
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    return optimize(backend, nopython=fullgraph, dynamic=dynamic, disable=disable)(model)


def _decorate(given: dict[str, Any], model: Any) -> Any:
    if model is None:
        raise RuntimeError("Model can't be None")
    return compile(model, **given)


def optimize(
    backend: Backend = "inductor",
    *,
    nopython: bool = False,
    dynamic: bool | None = None,
    disable: bool = False,
    **others: Any,
) -> _Compiled:
    """The decorator behind ``torch.compile``."""
    if dynamic is not None and not isinstance(dynamic, bool):
        raise AssertionError(f"Expected enable to be a bool, got {type(dynamic)}")
    return _Compiled(lookup_backend(backend), disable)


class _Compiled:
    """What a compilation was asked for; called, it wraps a function or module."""

    def __init__(self, backend: str, disable: bool) -> None:
        self.backend, self.disable = backend, disable

    def __call__(self, model: Any) -> Any:
        if not callable(model):
            raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
        if self.disable or inspect.isclass(model):
            return model
        return OptimizedModule(model, self) if isinstance(model, nn.Module) else _wrapped(model)


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    compiled._torchdynamo_orig_callable = function  # type: ignore[attr-defined]
    compiled.get_compiler_config = _no_config  # type: ignore[attr-defined]
    return compiled


def _no_config() -> None:
    """The settings of the compiler: there is none."""


class OptimizedModule(nn.Module):
    """A module that ``torch.compile`` has wrapped: it calls ``_orig_mod``, and shares its state.

    Attributes are those of the module; names of parameters begin with ``_orig_mod.``.

    >>> list(torch.compile(torch.nn.Linear(2, 2)).state_dict())
    ['_orig_mod.weight', '_orig_mod.bias']
    """

    get_compiler_config = staticmethod(_no_config)

    def __init__(self, mod: nn.Module, dynamo_ctx: Any) -> None:
        super().__init__()
        self.dynamo_ctx = dynamo_ctx
        self._orig_mod = mod  # from here on, other attributes are set on the module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)

    @property
    def training(self) -> bool:  # type: ignore[override]
        """Whether the module is in training mode."""
        return self._orig_mod.training

    @training.setter
    def training(self, value: bool) -> None:
        self._orig_mod.training = value

    def __len__(self) -> int:
        if isinstance(self._orig_mod, Sized):
            return len(self._orig_mod)
        raise TypeError(f"{type(self._orig_mod).__name__} does not support len()")

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return super().__getattr__(name)
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if name in own or name == "_orig_mod" or "_orig_mod" not in own["_modules"]:
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._orig_mod, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._orig_mod, self.dynamo_ctx)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._orig_mod)})


def is_dynamo_supported() -> bool:
    """Whether functions can be traced: they cannot."""
    return False
