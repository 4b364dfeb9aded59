"""The examples in the docstrings run and print what they say.

They may use the names of their module and of its package, both by their own names, and ``torch``,
``nn``, ``F`` and ``optim``.

Not pytest's own collection: modules with ufunc calls drop their ``__name__`` (kernels/quiet.py),
which the doctest finder would ask for.
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import flambeau

SKIPPED = ("flambeau.__main__", "flambeau.as_torch", "flambeau.kernels.cuda")
USUAL_NAMES = {
    "F": flambeau.nn.functional,
    "flambeau": flambeau,
    "nn": flambeau.nn,
    "optim": flambeau.optim,
    "torch": flambeau,
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_names() -> list[str]:
    found = pkgutil.walk_packages(flambeau.__path__, "flambeau.")
    return [module.name for module in found if not module.name.startswith(SKIPPED)]


class Finder(doctest.DocTestFinder):
    """Finds the functions of modules that have no ``__name__`` as well."""

    def _from_module(self, module: ModuleType | None, object: object) -> bool:
        assert module is not None and module.__spec__ is not None
        if isinstance(object, property):
            return True
        return getattr(object, "__module__", None) == module.__spec__.name


def names_for_examples(module: ModuleType, name: str) -> dict[str, object]:
    package, _, short = name.rpartition(".")
    names = {**USUAL_NAMES, short: module}
    if package not in ("", "flambeau"):
        names[package.rpartition(".")[2]] = around = importlib.import_module(package)
        names |= vars(around)
    return {**names, **vars(module), "__name__": name}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # given on purpose
@pytest.mark.parametrize("name", module_names())
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    names = names_for_examples(module, name)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    report: list[str] = []
    for example in Finder(exclude_empty=True).find(module, name, module, names):
        flambeau.manual_seed(0)
        flambeau.set_printoptions(profile="default")
        runner.run(example, out=report.append)
    assert not report, "".join(report)
