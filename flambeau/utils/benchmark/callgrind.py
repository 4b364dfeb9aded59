"""Counting instructions: a statement runs in another process, under Valgrind's Callgrind.

The process says through a pipe when its loop begins and when it has ended, and waits for the
answer, so that nothing else is counted.
"""

from __future__ import annotations

import enum
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flambeau.nn.modules.module import Module
from flambeau.serialization import save
from flambeau.utils.benchmark.common import TaskSpec
from flambeau.utils.benchmark.counts import CallgrindStats, FunctionCount, FunctionCounts

_TOOLS = ("valgrind", "callgrind_control", "callgrind_annotate")
_ROW = re.compile(r"^\s*([\d,]+)\s+(?:\([^)]*\)\s+)?(.+:.+)$")


class Serialization(enum.Enum):
    """How a global reaches the other process."""

    PICKLE = 0
    TORCH = 1


_TYPES: dict[Serialization, tuple[type, ...]] = {
    Serialization.PICKLE: (str, bytes, bool, int, float, complex),
    Serialization.TORCH: (Module,),
}


class CopyIfCallgrind:
    """A global of a statement that may be copied into another process.

    ``setup`` is run there before the value is read: imports that its class needs.

    >>> CopyIfCallgrind(3).serialization
    <Serialization.PICKLE: 0>
    """

    def __init__(self, value: Any, *, setup: str | None = None) -> None:
        method = next((m for m, types in _TYPES.items() if isinstance(value, types)), None)
        if method is None:
            names = textwrap.indent("\n".join([repr(types) for types in _TYPES.values()]), "  ")
            raise ValueError(
                f"Unsupported type: {type(value)}\n`collect_callgrind` restricts globals to the "
                f"following types:\n{names}"
            )
        self._value, self._setup, self._serialization = value, setup, method

    @property
    def value(self) -> Any:
        """The value."""
        return self._value

    @property
    def setup(self) -> str | None:
        """What runs before the value is read."""
        return self._setup

    @property
    def serialization(self) -> Serialization:
        """How the value is written."""
        return self._serialization

    @staticmethod
    def unwrap_all(globals: dict[str, Any]) -> dict[str, Any]:
        """The values themselves."""
        return {k: v.value if isinstance(v, CopyIfCallgrind) else v for k, v in globals.items()}


def collect(
    spec: TaskSpec, globals: dict[str, Any], number: int, repeats: int, baseline: bool, keep: bool
) -> tuple[CallgrindStats, ...]:
    """Counts the instructions of ``number`` runs of a statement, ``repeats`` times.

    Raises:
        OSError: Valgrind is not installed, or the process fails.
        ValueError: a global is not wrapped in :class:`CopyIfCallgrind`.
    """
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise OSError(f"Missing: {', '.join(missing)}")
    if not all([isinstance(value, CopyIfCallgrind) for value in globals.values()]):
        raise ValueError(
            "`collect_callgrind` requires that globals be wrapped in `CopyIfCallgrind` so that "
            "serialization is explicit."
        )
    with tempfile.TemporaryDirectory(prefix="callgrind_") as folder:
        loops = [spec.stmt] * repeats + (["pass"] if baseline else [])
        written = _write_globals(Path(folder), globals)
        files = _run(Path(folder), spec, loops, number, written)
        counted = [(_counts(f, False), _counts(f, True)) for f in files]
        texts = [f.read_text() if keep else None for f in files]
    none = FunctionCounts((), False), FunctionCounts((), True)
    own_base, whole_base = counted[repeats] if baseline else none
    return tuple([
        CallgrindStats(spec, number, _has_debug_symbols(own), whole_base, own_base, whole, own,
                       text)
        for (own, whole), text in zip(counted[:repeats], texts)
    ])  # fmt: skip


# ---- the other process

_PROGRAM = """
import os, pickle, sys
import flambeau as torch
torch.set_num_threads({threads})
names = {{}}
for name, setup, is_pickled, path in {globals!r}:
    if setup:
        exec(setup, names)
    with open(path, "rb") as file:
        names[name] = pickle.load(file) if is_pickled else torch.load(file, weights_only=False)
names.setdefault("torch", torch)
exec({setup!r}, names)
for loop in {loops!r}:
    exec("def run(number):\\n for _ in range(number):\\n" + loop, names)
    names["run"](3)
    for word in (b"b", b"e"):
        os.write({tell}, word)
        os.read({wait}, 1)
        if word == b"b":
            names["run"]({number})
"""


Written = list[tuple[str, str | None, bool, str]]  # name, setup, whether it is pickled, file


def _write_globals(folder: Path, globals: dict[str, CopyIfCallgrind]) -> Written:
    written = []
    for name, wrapped in globals.items():
        path, is_pickled = folder / f"{name}.pkl", wrapped.serialization is Serialization.PICKLE
        with open(path, "wb") as file:
            (pickle.dump if is_pickled else save)(wrapped.value, file)
        written.append((name, wrapped.setup, is_pickled, str(path)))
    return written


def _run(
    folder: Path, spec: TaskSpec, loops: list[str], number: int, globals: Written
) -> list[Path]:
    """Runs all loops in one process; the files that Callgrind has written for each."""
    with _pipes() as (told, tell, wait, answer):
        bodies = [textwrap.indent(loop.strip("\n"), "  ") + "\n" for loop in loops]
        program = folder / "program.py"
        program.write_text(_PROGRAM.format(
            threads=spec.num_threads, globals=globals,
            setup=spec.setup, loops=bodies, number=number, tell=tell, wait=wait,
        ))  # fmt: skip
        with open(folder / "log.txt", "wb") as log:
            process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-line=no",
                 f"--callgrind-out-file={folder / 'out'}", sys.executable, str(program)],
                pass_fds=(tell, wait), stdout=log, stderr=log,
                env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip
            os.close(tell)
            for _ in loops:
                _serve(process, told, answer, folder)
            process.wait()
    return [folder / f"out.{2 * i + 2}" for i in range(len(loops))]


@contextmanager
def _pipes() -> Iterator[tuple[int, int, int, int]]:
    told, tell = os.pipe()
    wait, answer = os.pipe()
    try:
        yield told, tell, wait, answer
    finally:
        for end in (told, wait, answer):
            os.close(end)


def _serve(process: Any, told: int, answer: int, folder: Path) -> None:
    """Counts from the beginning of one loop to its end."""
    for commands in (("-i on", "-d before"), ("-d loop", "-i off")):
        if not os.read(told, 1):
            log = (folder / "log.txt").read_text()
            raise OSError(f"Failed to collect callgrind profile:\n{log}")
        for command in commands:
            subprocess.run(
                ["callgrind_control", *command.split(), str(process.pid)],
                check=True, capture_output=True,
            )  # fmt: skip
        os.write(answer, b"g")


# ---- what was counted


def _counts(path: Path, inclusive: bool) -> FunctionCounts:
    """The instructions by function in a file of Callgrind's."""
    listed = subprocess.run(
        ["callgrind_annotate", f"--inclusive={'yes' if inclusive else 'no'}", "--threshold=100",
         "--show-percs=no", "--auto=no", str(path)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    _, _, rows = listed.partition("file:function")
    found: dict[str, int] = {}
    for line in rows.splitlines():
        row = _ROW.match(line)
        if row is not None:
            name = row.group(2).strip()
            found[name] = found.get(name, 0) + int(row.group(1).replace(",", ""))
    return FunctionCounts((), inclusive) + FunctionCounts(
        tuple([FunctionCount(count, name) for name, count in found.items()]), inclusive
    )


def _has_debug_symbols(counts: FunctionCounts) -> bool:
    return any([".c:" in name for _, name in counts])
