"""``import flambeau.as_torch`` makes ``import torch`` mean Flambeau for the rest of the process.

``torch`` and every ``torch.x.y`` are the very module objects of ``flambeau`` and ``flambeau.x.y``,
loaded when first imported. ``importlib.metadata.version("torch")`` answers as well, so programs
that look for PyTorch find this one.

>>> import torch, torch.nn.functional as F
>>> import flambeau
>>> torch is flambeau and torch.nn.functional is flambeau.nn.functional
True
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from os import PathLike
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import flambeau
from flambeau import version

__all__ = ["install"]


def _real_name(alias: str) -> str | None:
    """``torch.nn`` -> ``flambeau.nn``; ``None`` for names that are not PyTorch's."""
    root, dot, rest = alias.partition(".")
    return "flambeau" + dot + rest if root == "torch" else None


class _AliasLoader(Loader):
    """Loads a Flambeau module and leaves it in ``sys.modules`` under its PyTorch name too."""

    def __init__(self, real: ModuleSpec) -> None:
        self.real = real

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        # The import system returns what stands in sys.modules now, not the module it made.
        sys.modules[module.__spec__.name] = importlib.import_module(self.real.name)

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of the module, which ``-m torch.x`` runs."""
        return self.real.loader.get_code(self.real.name)  # type: ignore[union-attr]


class _Torch(Distribution):
    """What ``importlib.metadata`` says of the package ``torch``."""

    _texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version.__version__}\n"
        "Summary: Flambeau, under PyTorch's name\n",
        "top_level.txt": "torch\n",
    }

    def read_text(self, filename: str) -> str | None:
        return self._texts.get(filename)

    def locate_file(self, path: str | PathLike[str]) -> Any:
        return Path(flambeau.__file__).parent.parent / path


class _AliasFinder(DistributionFinder):
    """Answers for ``torch`` and ``torch.*`` before any other finder is asked."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = _real_name(fullname)
        real = None if name is None else importlib.util.find_spec(name)
        if real is None:
            return None
        spec = ModuleSpec(fullname, _AliasLoader(real), origin=real.origin)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008
    ) -> Iterable[Distribution]:
        return [_Torch()] if context.name in (None, "torch") else []


def install() -> None:
    """Make ``torch`` mean Flambeau; a second call changes nothing.

    Raises:
        RuntimeError: PyTorch itself has been imported in this process.
    """
    present = sys.modules.get("torch")
    if present is flambeau:
        return
    if present is not None:
        raise RuntimeError(
            "flambeau.as_torch must be imported before PyTorch, but 'torch' is already loaded "
            f"from {getattr(present, '__file__', 'an unknown place')}"
        )
    sys.meta_path.insert(0, _AliasFinder())
    sys.modules["torch"] = flambeau


install()
