"""``torch.compiler``: what programs tell and ask the compiler of ``torch.compile``.

There is none: functions run as they are (see :func:`flambeau.compile`), so that hints change
nothing and questions have the answers of code that is not compiled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy

from flambeau._dynamo import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
    set_stance,
    substitute_in_graph,
)
from flambeau._dynamo.backends import get_default_backend, set_default_backend
from flambeau._dynamo.eval_frame import compile
from flambeau.core.op import is_tensor
from flambeau.nn import Module, Parameter
from flambeau.ops.from_data import from_numpy

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
    "get_default_backend", "is_compiling", "is_dynamo_compiling", "is_exporting",
    "keep_portable_guards_unsafe", "keep_tensor_guards_unsafe", "list_backends",
    "load_cache_artifacts", "load_compiled_function", "nested_compile_region", "reset",
    "save_cache_artifacts", "set_default_backend", "set_enable_guard_collectives", "set_stance",
    "skip_all_guards_unsafe", "skip_guard_on_all_nn_modules_unsafe",
    "skip_guard_on_globals_unsafe", "skip_guard_on_inbuilt_nn_modules_unsafe",
    "substitute_in_graph", "wrap_numpy",
]  # fmt: skip
Guards = Sequence[Any]


# ---- questions


def is_dynamo_compiling() -> bool:
    """Whether the code at hand is being traced: it runs as it is."""
    return False


def is_exporting() -> bool:
    """Whether the code at hand is being exported: it runs as it is."""
    return False


# ---- hints


def cudagraph_mark_step_begin() -> None:
    """Where an iteration begins, for CUDA graphs that a compiler would record."""


def nested_compile_region(
    fn: Any = None, *, options: Any = None, max_reuse_entries: int = 8, reuse_hash_fn: Any = None
) -> Any:
    """A function that is to be compiled once for all its calls: itself."""
    return nested_compile_region if fn is None else fn


def set_enable_guard_collectives(enabled: bool) -> bool:
    """Whether processes decide together to compile again: they need not; returns False."""
    return False


def wrap_numpy(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays as a function of tensors, without gradients.

    >>> torch.compiler.wrap_numpy(lambda x: x * 2)(torch.ones(2))
    tensor([2., 2.])
    """

    @functools.wraps(fn)
    def of_tensors(*args: Any, **kwargs: Any) -> Any:
        arrays = [_array(value) for value in args]
        return _tensor(fn(*arrays, **{name: _array(value) for name, value in kwargs.items()}))

    return of_tensors


def _array(value: Any) -> Any:
    return value.numpy() if is_tensor(value) else value


def _tensor(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)([_tensor(item) for item in value])
    return from_numpy(value) if isinstance(value, numpy.ndarray) else value


# ---- compiled code in files


def save_cache_artifacts() -> None:
    """What has been compiled, to be saved: nothing, so None."""


def load_cache_artifacts(serialized_artifacts: bytes) -> None:
    """Makes saved compiled code available: there is nothing to do with it, so None."""


def load_compiled_function(
    file: Any, *, f_globals: dict[str, Any] | None = None, external_data: Any = None
) -> NoReturn:
    """Raises NotImplementedError: it would load machine code that PyTorch made."""
    raise NotImplementedError(
        "load_compiled_function() loads machine code of PyTorch's compiler, which cannot run here"
    )


# ---- filters of guards, for the option ``guard_filter_fn``


def skip_all_guards_unsafe(guard_entries: Guards) -> list[bool]:
    """Keeps no guard."""
    return [False for _ in guard_entries]


def keep_tensor_guards_unsafe(guard_entries: Guards, keep_parameters: bool = False) -> list[bool]:
    """Keeps guards of tensors, and of parameters if asked."""
    return [
        entry.guard_type == "TENSOR_MATCH"
        and (keep_parameters or not isinstance(entry.value, Parameter))
        for entry in guard_entries
    ]


def keep_portable_guards_unsafe(guard_entries: Guards) -> list[bool]:
    """Keeps guards that mean the same in another process: none of objects' identities."""
    return [entry.guard_type not in ("ID_MATCH", "CLOSURE_MATCH") for entry in guard_entries]


def skip_guard_on_globals_unsafe(guard_entries: Guards) -> list[bool]:
    """Keeps guards of what is not global."""
    return [not entry.is_global for entry in guard_entries]


def skip_guard_on_all_nn_modules_unsafe(guard_entries: Guards) -> list[bool]:
    """Keeps guards of what is not a module."""
    return [not isinstance(entry.value, Module) for entry in guard_entries]


def skip_guard_on_inbuilt_nn_modules_unsafe(guard_entries: Guards) -> list[bool]:
    """Keeps guards of what is not a module of ``torch.nn``."""
    return [not type(entry.value).__module__.startswith("flambeau.nn") for entry in guard_entries]
