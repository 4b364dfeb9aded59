"""What a module says of names it does not have: submodules to load at first use, names to come."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flambeau import version

MILESTONES = {
    "0.2": "every operator",
    "0.3": "autograd in full, function transforms, profiler",
    "0.4": "nn and optim in full",
    "1.0": "distributed, compilers, export and the rest",
}

# The longest name that fits decides; whatever else is missing from `torch` itself is an operator.
_PLANNED = {
    "0.2": "fft linalg masked nn.functional signal special",
    "0.3": "autograd func profiler utils vmap",
    "0.4": "GradScaler amp autocast get_autocast_dtype is_autocast_enabled nn optim",
    "1.0": """
        cpu cuda distributed distributions export fx jit library mps mtia multiprocessing nested
        onnx package quantization return_types serialization utils.cpp_extension utils.data
        utils.mobile_optimizer utils.tensorboard xpu
    """,
}
_MILESTONE_OF = {name: number for number, names in _PLANNED.items() for name in names.split()}


def milestone(name: str) -> str:
    """The milestone that brings ``name``, given as in ``"nn.utils.prune"`` (without ``torch.``).

    >>> milestone("nn.utils.prune"), milestone("stft")
    ('0.4', '0.2')
    """
    while name:
        if name in _MILESTONE_OF:
            return _MILESTONE_OF[name]
        name = name.rpartition(".")[0]
    return "0.2"


def plan(name: str) -> str:
    """One sentence on when a missing name is due; ``name`` as for :func:`milestone`."""
    number = milestone(name)
    return (
        f"Flambeau {version.release} has no torch.{name}. If PyTorch has it, it is planned for "
        f"milestone {number} ({MILESTONES[number]})."
    )


def spoken(module: str) -> str:
    """The name a program knows a module by: ``torch.nn`` while the alias is on."""
    alias = sys.modules.get("torch")
    if alias is None or alias is not sys.modules.get("flambeau"):
        return module
    return "torch" + module.removeprefix("flambeau")


def module_getattr(
    module: str,
    *,
    lazy: Collection[str] = (),
    lazy_names: Mapping[str, str] | None = None,
    find: Callable[[str], Any] | None = None,
) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a module.

    It imports the submodules named in ``lazy``, and the names of ``lazy_names`` from the submodules
    given there, when they are first asked for; then asks ``find``, which may answer None. It raises
    an ``AttributeError`` for every other name: PyTorch's first line, then when the name is due.
    """
    prefix = module.removeprefix("flambeau").removeprefix(".")

    def __getattr__(name: str) -> Any:
        if name in lazy:
            return importlib.import_module(f"{module}.{name}")
        if lazy_names and name in lazy_names:
            return getattr(importlib.import_module(f"{module}.{lazy_names[name]}"), name)
        found = None if find is None else find(name)
        if found is not None:
            return found
        message = f"module {spoken(module)!r} has no attribute {name!r}"
        if not name.startswith("_"):
            message += "\n" + plan(f"{prefix}.{name}" if prefix else name)
        raise AttributeError(message, name=name, obj=sys.modules[module])

    return __getattr__
