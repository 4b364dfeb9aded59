"""Running a program under both profilers, and adding up what they saw."""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from time import perf_counter
from types import ModuleType
from typing import Any

from flambeau import cuda
from flambeau.autograd.profiling.averages import EventList
from flambeau.autograd.profiling.recording import BACKWARD, Recorder

_LOADING = 10_000.0  # microseconds by which a first call is longer than all others
_FEW = 3  # calls after the first, from which on that can be told
_LOADER = ("dataloader.py", "__next__")  # the function in which a program waits for data


@dataclass
class Findings:
    """What two runs of a program have shown; times are seconds."""

    program: str
    wall: float
    events: EventList
    stats: pstats.Stats
    python_wall: float
    first_uses: float = 0.0  # of kernels: loading and compiling them, left out of the rest
    lines: Counter[str] = field(default_factory=Counter)

    @property
    def operators(self) -> float:
        """Spent in operators and gradients."""
        return self.events.self_cpu_time_total / 1e6

    @property
    def on_device(self) -> float:
        """Spent by kernels on a CUDA device."""
        return sum([e.self_device_time_total for e in self.events]) / 1e6

    @property
    def calls(self) -> int:
        """The calls of operators."""
        return sum([e.name.startswith("aten::") for e in self.events])

    @property
    def loading_share(self) -> float:
        """The share of the time that the program waited for a DataLoader."""
        waited = [
            entry[3] for (path, _, name), entry in self.stats.stats.items()  # type: ignore
            if os.path.basename(path) == _LOADER[0] and name == _LOADER[1]
        ]  # fmt: skip
        return max(waited, default=0.0) / max(self.python_wall, 1e-9)


def investigate(path: str, arguments: list[str]) -> Findings:
    """Runs a program under the profiler of operators, then under Python's."""
    recorder = Recorder(shapes=True, stacks=True, flops=True, cuda=cuda.is_available())
    start = perf_counter()
    with recorder:
        run(path, arguments)
    wall = perf_counter() - start
    profiler = cProfile.Profile()
    start = perf_counter()
    profiler.enable()
    try:
        run(path, arguments)
    finally:
        profiler.disable()
    python_wall = perf_counter() - start
    events = EventList(recorder.events, with_flops=True)
    first = _set_aside_first_uses(events) / 1e6
    found = Findings(path, wall - first, events, pstats.Stats(profiler), python_wall, first)
    found.lines = _by_line(events, os.path.abspath(path))
    return found


def run(path: str, arguments: list[str]) -> None:
    """Runs a program as ``__main__`` with these arguments; it may end itself with ``sys.exit``."""
    with open(path, "rb") as file:
        code = compile(file.read(), os.path.abspath(path), "exec", dont_inherit=True)
    main = ModuleType("__main__")
    main.__file__ = os.path.abspath(path)
    before = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv, sys.modules["__main__"] = [path, *arguments], main
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        exec(code, main.__dict__)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before
        if sys.modules.get("__mp_main__") is main:  # multiprocessing's own name for it
            sys.modules["__mp_main__"] = before[2]


def _set_aside_first_uses(events: Any) -> float:
    """Shortens the first call of an operator that took much longer than those after it, and the
    events that it ran in; the microseconds that went into loading or compiling kernels then."""
    calls: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        if event.name.startswith("aten::"):
            calls[event.name].append(event)
    total = 0.0
    for first, *others in calls.values():
        if len(others) < _FEW:
            continue
        excess = first.self_cpu_time_total - max([e.self_cpu_time_total for e in others])
        if excess > _LOADING:
            total += excess
            one = first
            while one is not None:
                one.time_range.end -= excess
                one = one.cpu_parent
    return total


def _by_line(events: Any, program: str) -> Counter[str]:
    """Microseconds of operators by line: gradients count with the line of their forward."""
    lines: Counter[str] = Counter()
    for event in events:
        stack = _gradient_of(event).stack
        own = next((line for line in stack if line.startswith(program)), None)
        shown = own or (stack[0] if stack else "unknown")
        lines[shown] += max(event.self_cpu_time_total, 0.0)
    return lines


def _gradient_of(event: Any) -> Any:
    """The gradient that an event belongs to, or the event itself."""
    one = event
    while one is not None:
        if one.scope == BACKWARD and not one.name.startswith("autograd::engine"):
            return one
        one = one.cpu_parent
    return event
