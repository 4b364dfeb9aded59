"""Sample calls of every operator: what the suites of ``tests/ops/test_suites.py`` run.

A module ``tests/samples/<topic>.py`` has ``SAMPLES``, a dictionary from the public name of an
operator (``"add"``, ``"nn.functional.relu"``, ``"Tensor.expand"``) to a generator: called with
``make`` it gives pairs ``(args, kwargs)``. ``make(shape)`` makes a float64 tensor that requires a
gradient; values are random, distinct, and the same in every run.

What the suites have to know about an operator stands beside its sample: ``HOST_READS`` (how often
it may copy something to the host, on CUDA), ``NOT_ON_CUDA`` and ``NOT_ON_META`` (names that cannot
run there).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

import flambeau as torch

Sample = tuple[tuple[Any, ...], dict[str, Any]]
_KINDS = {"b": (0, 2), "i": (-5, 6), "u": (0, 6)}


class Make:
    """Makes the tensors of samples, from a seed."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)

    def __call__(
        self,
        *shape: Any,
        dtype: torch.dtype = torch.float64,
        low: float | None = None,
        high: float | None = None,
        requires_grad: bool = True,
    ) -> torch.Tensor:
        """A tensor of numbers between ``low`` and ``high``; floats require a gradient."""
        size = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
        values = self._values(size, dtype, low, high)
        tensor = torch.tensor(values.tolist(), dtype=dtype).reshape(size)
        floating = dtype.is_floating_point or dtype.is_complex
        return tensor.requires_grad_() if requires_grad and floating else tensor

    def _values(self, size: Any, dtype: torch.dtype, low: Any, high: Any) -> np.ndarray:
        if not (dtype.is_floating_point or dtype.is_complex):
            kind = "b" if dtype is torch.bool else "i" if dtype.is_signed else "u"
            least, most = _KINDS[kind]
            return self.rng.integers(
                least if low is None else low, most if high is None else high, size
            )
        least, most = -2 if low is None else low, 2 if high is None else high
        values = self.rng.uniform(least, most, size)
        if dtype.is_complex:
            values = values + 1j * self.rng.uniform(least, most, size)
        return values


@cache
def _modules() -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


@cache
def generators() -> dict[str, list[Callable[..., Any]]]:
    """The generators of each operator, by its public name; several modules may have some."""
    found: dict[str, list[Callable[..., Any]]] = {}
    for module in _modules():
        for name, generator in module.SAMPLES.items():
            found.setdefault(name, []).append(generator)
    return found


def declared(what: str) -> dict[str, Any]:
    """What the modules say beside their samples: ``HOST_READS``, ``NOT_ON_CUDA``, ..."""
    found: dict[str, Any] = {}
    for module in _modules():
        table = getattr(module, what, {})
        found.update(table if isinstance(table, dict) else dict.fromkeys(table))
    return found


def samples(name: str) -> Iterator[Sample]:
    """The sample calls of an operator."""
    for generator in generators()[name]:
        yield from generator(Make())


def function(name: str) -> Callable[..., Any]:
    """The operator of a public name."""
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part)
    return found
