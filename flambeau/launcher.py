"""Runs programs and modules as ``python program.py`` and ``python -m module`` would."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import NoReturn

from flambeau.namespace import plan


def run_program(path: str, arguments: list[str]) -> None:
    """Run the file ``path`` as ``__main__``, with its folder first on ``sys.path``."""

    def load(main: ModuleType) -> CodeType:
        main.__file__ = os.path.abspath(path)
        main.__loader__ = SourceFileLoader("__main__", main.__file__)
        _search_first(os.path.dirname(os.path.realpath(path)))
        with io.open_code(main.__file__) as file:
            return compile(file.read(), main.__file__, "exec", dont_inherit=True)

    if not os.path.isfile(path):
        sys.exit(f"flambeau: can't open file {os.path.abspath(path)!r}: no such file")
    _run(load, [path, *arguments])


def run_module(name: str, arguments: list[str]) -> None:
    """Run the module ``name``, or a package's ``__main__``, with the working folder first."""

    def load(main: ModuleType) -> CodeType:
        spec = _runnable(name)
        main.__spec__, main.__loader__, main.__package__ = spec, spec.loader, spec.parent
        main.__file__ = spec.origin
        sys.argv[0] = spec.origin or name
        code = spec.loader.get_code(spec.name)  # type: ignore[union-attr]
        if code is None:
            raise ImportError(f"no code object available for {name}")
        return code

    _search_first(os.getcwd())
    _run(load, ["-m", *arguments])


def _search_first(folder: str) -> None:
    """Replace the entry of ``sys.path`` that Python made for the way Flambeau was started."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _runnable(name: str) -> ModuleSpec:
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        name += ".__main__"
        spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        sys.exit(f"{sys.executable}: No module named {name}")
    return spec


def _run(load: Callable[[ModuleType], CodeType], arguments: list[str]) -> None:
    """Execute a program in a fresh ``__main__``; its tracebacks begin at its own first line."""
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    sys.argv[:] = arguments
    try:
        code = load(main)
    except SyntaxError as error:
        _report(error, None)
    try:
        exec(code, main.__dict__)
    except Exception as error:
        _report(error, error.__traceback__ and error.__traceback__.tb_next)


def _report(error: Exception, trace: TracebackType | None) -> NoReturn:
    note = _missing_name(error)
    if note:
        error.add_note(note)
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    sys.exit(1)


def _missing_name(error: Exception) -> str | None:
    """When the name is due whose import failed, if it is one of PyTorch's."""
    if not isinstance(error, ImportError) or error.name is None:
        return None
    root, _, module = error.name.partition(".")
    wanted = re.match(r"cannot import name '(\w+)'", str(error))
    if root not in ("torch", "flambeau") or (root == "flambeau" and wanted is None):
        return None
    name = ".".join(filter(None, (module, wanted and wanted[1])))
    return None if "._" in f".{name}" else plan(name)
