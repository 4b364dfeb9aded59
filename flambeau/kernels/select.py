"""Which function computes a kernel on which place.

A kernel in ``shared/`` is written against the module global ``xp``, which is NumPy there. On CUDA
the same code objects run with ``xp`` bound to CuPy. ``@compiled`` marks a kernel that also has a
Numba form of the same name in ``kernels/cpu/``; ``kernels/cuda/`` may hold a form for CuPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import Any

import numpy

CPU, CUDA, META = 0, 1, 2
Function = Callable[..., Any]

KERNELS = os.environ.get("FLAMBEAU_KERNELS", "numba")


@cache
def numba_available() -> bool:
    """Whether compiled kernels may be used: Numba is installed and not switched off."""
    return KERNELS != "numpy" and find_spec("numba") is not None


def compiled(minimum: int = 0, loaded: int | None = None) -> Callable[[Function], Function]:
    """Marks a kernel with a Numba form, used from ``minimum`` elements of its first array on.

    A kernel whose first argument is not an array leaves ``minimum`` out: the form is always used.
    Once loaded, the form is used from ``loaded`` elements on; by default nothing changes.
    """

    def mark(function: Function) -> Function:
        function.compiled = minimum  # type: ignore[attr-defined]
        function.loaded = minimum if loaded is None else loaded  # type: ignore[attr-defined]
        return function

    return mark


def places(function: Function) -> list[Function | None]:
    """The kernel for each place: ``[CPU, CUDA, META]``; the last is filled in by the operator."""
    minimum = getattr(function, "compiled", None)
    cpu = function if minimum is None else _with_numba(function, minimum, function.loaded)  # type: ignore
    table: list[Function | None] = [cpu, None, None]

    def first_cuda_call(*args: Any, **kwargs: Any) -> Any:
        table[CUDA] = on_cuda(function)
        return table[CUDA](*args, **kwargs)  # type: ignore[misc]

    table[CUDA] = first_cuda_call
    return table


def _with_numba(function: Function, minimum: int, loaded: int) -> Function:
    """`function` for small arrays, its Numba form from `minimum` (then `loaded`) elements on."""
    module, name = function.__module__.replace(".shared.", ".cpu."), function.__name__
    fast: Function | None = None

    def entry(array: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal fast, minimum
        if minimum and array.size < minimum:
            return function(array, *args, **kwargs)
        if fast is None:
            fast = getattr(import_module(module), name) if numba_available() else function
            minimum = loaded
        return fast(array, *args, **kwargs)

    entry.__name__, entry.__wrapped__ = name, function  # type: ignore[attr-defined]
    return entry


# ---- the same code on CuPy


def on_cuda(function: Function) -> Function:
    """The CUDA form: a function of its own in ``kernels/cuda/``, or the shared code on CuPy."""
    cupy = import_module("cupy")
    if isinstance(function, numpy.ufunc):
        return getattr(cupy, function.__name__)
    own = function.__module__.replace(".shared.", ".cuda.")
    if _is_there(own) and hasattr(import_module(own), function.__name__):
        return getattr(import_module(own), function.__name__)
    return retarget(function, cupy)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is its package
        return False


@cache
def _namespace(module_name: str, xp: ModuleType) -> dict[str, Any]:
    """The globals of a shared module with ``xp`` bound to another array library."""
    source = vars(import_module(module_name))
    namespace = dict(source, xp=xp)
    for name, value in source.items():
        if isinstance(value, numpy.ufunc):
            namespace[name] = getattr(xp, value.__name__)
        elif isinstance(value, FunctionType) and value.__module__.startswith(
            f"{__package__}.shared"
        ):
            namespace[name] = _rebound(value, namespace, source, xp)
    return namespace


def _rebound(
    function: FunctionType, namespace: dict[str, Any], source: dict[str, Any], xp: ModuleType
) -> FunctionType:
    if function.__globals__ is not source:
        return retarget(function, xp)
    twin = FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def retarget(function: Function, xp: ModuleType) -> Function:
    """`function` of a shared module with ``xp`` bound to another array library."""
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function!r} is neither a ufunc nor a function of kernels/shared")
    return _namespace(function.__module__, xp)[function.__name__]
