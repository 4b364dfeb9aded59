"""``Timer``: runs a statement often enough to know how long it takes."""

from __future__ import annotations

import enum
import textwrap
import timeit as _timeit
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any, NoReturn

import numpy

from flambeau import cuda
from flambeau.utils.benchmark.callgrind import CopyIfCallgrind, collect
from flambeau.utils.benchmark.common import Measurement, TaskSpec, set_torch_threads

Callback = Callable[[int, float], Any] | None


class Language(enum.Enum):
    """The language of a statement."""

    PYTHON = 0
    CPP = 1


def timer() -> float:
    """Seconds, after the work of CUDA devices is done."""
    if cuda.is_available() and cuda.is_initialized():
        cuda.synchronize()
    return perf_counter()


class Timer:
    """Times a statement of Python.

    Args:
        stmt: what is timed.
        setup: what runs once before each measurement.
        globals: the names that both may use, beside ``torch``.
        label, sub_label, description, env: how tables name the measurement: the table, the row,
            the column, and the environment.
        num_threads: with how many threads operators run meanwhile.

    >>> t = Timer("x + 1", globals={"x": torch.ones(8)}, label="addition")
    >>> t.timeit(100).number_per_run
    100
    """

    _timer_cls = _timeit.Timer

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if language not in (Language.PYTHON, "py", "python"):
            raise NotImplementedError("only statements in Python can be timed")
        if global_setup:
            raise ValueError("global_setup is C++ only, use setup for Python")
        stmt, setup = (textwrap.dedent(s.strip("\n")).rstrip() for s in (stmt, setup))
        self._globals = dict(globals or {})
        names = CopyIfCallgrind.unwrap_all(self._globals)
        names.setdefault("torch", import_module("flambeau"))
        self._timer = self._timer_cls(stmt, setup, timer, names)
        self._task_spec = TaskSpec(
            stmt, setup, global_setup, label, sub_label, description, env, num_threads
        )

    def _run(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One measurement of ``number`` executions, after a short one to warm up."""
        with set_torch_threads(self._task_spec.num_threads):
            self._run(max(number // 100, 2))
            return Measurement(number, [self._run(number)], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> NoReturn:
        """Not supported: NotImplementedError; ``blocked_autorange`` repeats."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Callback = None) -> NoReturn:
        """Not supported: NotImplementedError; ``blocked_autorange`` chooses the number."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def _block_size(self, min_run_time: float) -> int:
        """How many executions make the cost of the clock invisible."""
        clock = float(numpy.median([self._run(0) for _ in range(5)]))
        number = 1
        while True:
            taken = self._run(number)
            if clock / taken <= 1e-4 and taken >= min_run_time / 1000:
                return number
            if taken > min_run_time:
                return number
            number *= 10

    def blocked_autorange(
        self, callback: Callback = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measurements of a size that hides the clock's cost, for ``min_run_time`` seconds."""
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times = self._blocks(number, min_run_time, callback, lambda times: True)
        return Measurement(number, times, self._task_spec)

    def _blocks(
        self, number: int, min_time: float, callback: Callback,
        done: Callable[[list[float]], bool], max_time: float = float("inf"),
    ) -> list[float]:  # fmt: skip
        times: list[float] = []
        total = 0.0
        while total < max_time:
            taken = self._run(number)
            times.append(taken)
            total += taken
            if callback is not None:
                callback(number, taken)
            if total >= min_time and done(times):
                break
        return times

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callback = None,
    ) -> Measurement:
        """Measures until the quartiles are closer than ``threshold`` of the median."""
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(0.05)

            def done(times: list[float]) -> bool:
                found = Measurement(number, times, self._task_spec)
                return len(times) > 3 and found.meets_confidence(threshold)

            times = self._blocks(number, min_run_time, callback, done, max_run_time)
        return Measurement(number, times, self._task_spec)

    def collect_callgrind(
        self,
        number: int = 100,
        *,
        repeats: int | None = None,
        collect_baseline: bool = True,
        retain_out_file: bool = False,
    ) -> Any:
        """Counts the instructions of ``number`` runs in another process; needs Valgrind.

        They vary less than times do. Globals are wrapped in :class:`CopyIfCallgrind`; what else
        the statement needs is made in ``setup``, where ``torch`` is known.

        Args:
            repeats: how many measurements to make; a tuple of them is returned then.
            collect_baseline: also counts an empty loop.
            retain_out_file: keeps the text of Callgrind's file in ``stmt_callgrind_out``.

        Raises:
            OSError: Valgrind is not installed, or the statement fails there.
            ValueError: the statement is not text, or a global is not wrapped.
        """
        if not isinstance(self._task_spec.stmt, str):
            raise ValueError("`collect_callgrind` currently only supports string `stmt`")
        if repeats is not None and repeats < 1:
            raise ValueError("If specified, `repeats` must be >= 1")
        self._run(1)  # so that a mistake in it shows here
        found = collect(
            self._task_spec, self._globals, number, repeats or 1, collect_baseline, retain_out_file
        )
        return found[0] if repeats is None else found
