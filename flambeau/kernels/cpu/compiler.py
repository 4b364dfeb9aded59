"""How functions become machine code: the decorators, the disk cache and the progress line.

Compiled kernels are kept in the user's cache folder (``$FLAMBEAU_CACHE``, else
``$XDG_CACHE_HOME/flambeau``), in a folder named after a hash of this file and all that use it,
because Numba notices changes of a function's own file only. Nothing of Numba's configuration stays
changed.

Functions are module-level: a function that closes over another has a new cache key in every
process.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from llvmlite import binding, ir
from numba import cfunc, config, njit, types
from numba.core import cgutils, event
from numba.extending import intrinsic

SAFE = {"contract", "nsz", "arcp", "reassoc"}  #: fast-math that leaves NaN and infinity alone
INT64 = ir.IntType(64)
VERSIONS = 8  #: folders of compiled kernels that are kept


@cache
def cache_folder() -> Path | None:
    """Where compiled kernels are kept, or None where no folder of the user's can be written."""
    base = os.environ.get("FLAMBEAU_CACHE") or os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path.home() / ".cache"
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        text = source.read_bytes()
        if b"cpu.compiler import" in text:  # this file says so, too
            digest.update(text)
    folder = home / "flambeau" / f"kernels-{digest.hexdigest()}"
    try:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _forget_old(folder.parent)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _forget_old(parent: Path) -> None:
    """Removes the folders of all but the last few versions of the kernels."""
    folders = sorted(parent.glob("kernels-*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-VERSIONS]:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_cache() -> Iterator[bool]:
    """Decorators read the cache folder when they are applied; yields whether there is one."""
    folder, before = cache_folder(), config.CACHE_DIR
    config.CACHE_DIR = str(folder or "")
    try:
        yield folder is not None
    finally:
        config.CACHE_DIR = before


def _compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        with _own_cache() as cached:
            return njit(function, nogil=True, error_model="numpy", cache=cached, **options)

    return decorate


body = _compiled(fastmath=SAFE)  #: a loop over some items, shared out by a kernel
exact = _compiled()  #: the same, where each bit matters
device = _compiled(fastmath={"contract", "nsz"})  #: a function of numbers
kernel = _compiled()  #: what Python calls


def callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compiles a C function of this Numba signature."""

    def decorate(function: Callable[..., Any]) -> Any:
        with _own_cache() as cached:
            return cfunc(signature, cache=cached)(function)

    return decorate


def symbol(name: str, count: int) -> Callable[[Callable[..., None]], Any]:
    """Compiles a function of ``count`` int64 once; every kernel reaches it by its name.

    An ``njit`` function would be compiled again into each kernel that uses it.
    """
    signature = types.void(*[types.int64] * count)

    def decorate(function: Callable[..., None]) -> Any:
        binding.add_symbol(name, callback(signature)(function).address)
        return types.ExternalFunction(name, signature)

    return decorate


def emitted(count: int, result: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Turns ``emit(builder, *values)`` into a function of one tuple of ``count`` int64.

    With ``result`` it returns the int64 that ``emit`` returns.
    """

    def decorate(emit: Callable[..., Any]) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
            value = emit(builder, *cgutils.unpack_tuple(builder, values[0], count))
            return value if result else context.get_dummy_value()

        @intrinsic
        def function(typing_context: Any, values: Any) -> Any:
            returned = types.int64 if result else types.void
            return returned(types.UniTuple(types.int64, count)), generate

        return function

    return decorate


# ---- the progress line


class _Progress(event.Listener):
    """Says on a terminal why a first call takes long."""

    def __init__(self) -> None:
        self.depth = 0
        self.told = False
        self.timer: threading.Timer | None = None

    def on_start(self, event: Any) -> None:
        if event.data["dispatcher"].py_func.__module__.startswith(__package__):
            self.depth += 1
            if self.depth == 1 and not self.told:
                self.timer = threading.Timer(1.0, self.tell)
                self.timer.daemon = True
                self.timer.start()

    def on_end(self, event: Any) -> None:
        if event.data["dispatcher"].py_func.__module__.startswith(__package__):
            self.depth -= 1
            if self.depth == 0 and self.timer is not None:
                self.timer.cancel()
                self.timer = None

    def tell(self) -> None:
        self.told = True
        where = f"kept in {cache_folder()}" if cache_folder() else "no cache folder can be written"
        print(f"flambeau: compiling kernels at their first use ({where})", file=sys.stderr)


if sys.stderr is not None and sys.stderr.isatty():
    event.register("numba:compile", _Progress())
