"""Measurements: what was timed, how often, and how sure the median is."""

from __future__ import annotations

import math
import textwrap
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy

from flambeau.settings import get_num_threads, set_num_threads

MOST_DIGITS = 4  # of a median, however sure
SHORTEST_INTERVAL = 25e-9  # seconds: a confidence interval is never taken to be shorter
WARN, WARN_LOUDLY = 0.1, 0.25  # spreads, as shares of the median
_ENGLISH = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}


@dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """What a :class:`Timer` runs, and the words that tables name it by."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or else the statement."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return _section("stmt", self.stmt) if "\n" in self.stmt else self.stmt

    def setup_str(self) -> str:
        """The setup as a section of a summary."""
        return "" if self.setup in ("", "pass") else _section("setup", self.setup)

    def summarize(self) -> str:
        """Title, description and setup."""
        sections = [self.title, self.description or "", self.setup_str()]
        return "\n".join([f"{s}\n" if "\n" in s else s for s in sections if s])


def _section(name: str, text: str) -> str:
    return f"{name}:\n{textwrap.indent(text, '  ')}" if "\n" in text else f"{name}: {text}"


@dataclass(init=True, repr=False)
class Measurement:
    """The times of several runs.

    ``raw_times`` are seconds of ``number_per_run`` executions each; ``times`` are of one execution.
    The fields of the :class:`TaskSpec` are attributes too.

    >>> Measurement(10, [1e-3, 2e-3, 3e-3], TaskSpec("f()", "pass")).median
    0.0002
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(TaskSpec, "__dataclass_fields__"):
            raise AttributeError(name)
        return getattr(object.__getattribute__(self, "task_spec"), name)

    @property
    def times(self) -> list[float]:
        """Seconds of one execution."""
        return [time / self.number_per_run for time in self.raw_times]

    @property
    def median(self) -> float:
        """The median of ``times``."""
        return float(numpy.median(self.times))

    @property
    def mean(self) -> float:
        """The mean of ``times``."""
        return float(numpy.mean(self.times))

    @property
    def _quartiles(self) -> tuple[float, float]:
        low, high = numpy.quantile(self.times, [0.25, 0.75])
        return float(low), float(high)

    @property
    def iqr(self) -> float:
        """The distance between the quartiles."""
        low, high = self._quartiles
        return high - low

    @property
    def significant_figures(self) -> int:
        """How many digits of the median can be trusted, by the spread of the middle half."""
        ordered, n = sorted(self.times), len(self.times)
        middle = ordered[n // 4 : math.ceil(3 * n / 4)]
        interval = max(1.645 * float(numpy.std(middle)) / math.sqrt(len(middle)), SHORTEST_INTERVAL)
        return min(max(math.floor(math.log10(max(self.median / interval, 1e-9))), 1), MOST_DIGITS)

    @property
    def has_warnings(self) -> bool:
        """Whether the times vary suspiciously."""
        return self.iqr / self.median >= WARN

    def meets_confidence(self, threshold: float = WARN) -> bool:
        """Whether the quartiles are closer than this share of the median."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """The title of the task."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """The environment that was named, or a text that says that none was."""
        return "Unspecified env" if self.task_spec.env is None else self.task_spec.env

    @property
    def as_row_name(self) -> str:
        """What a row of a table is called."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __repr__(self) -> str:
        unit, scale = select_unit(self.median)
        n, threads = len(self.raw_times), self.task_spec.num_threads
        lines = [object.__repr__(self), self.task_spec.summarize()]
        lines.append(f"  {'Median: ' if n > 1 else ''}{self.median / scale:.2f} {unit}")
        if n > 3:
            low, high = self._quartiles
            lines.append(
                f"  IQR:    {self.iqr / scale:.2f} {unit} ({low / scale:.2f} to {high / scale:.2f})"
            )
        lines.append(
            f"  {n} measurement{'s' if n > 1 else ''}, {self.number_per_run} runs "
            f"{'per measurement,' if n > 1 else ','} {threads} thread{'s' if threads > 1 else ''}"
        )
        return "\n".join(lines + self._warning())

    def _warning(self) -> list[str]:
        spread = self.iqr / self.median
        if spread < WARN:
            return []
        loud = "This suggests significant environmental influence."
        return [
            f"  WARNING: Interquartile range is {spread * 100:.1f}% of the median measurement.",
            f"           {loud if spread >= WARN_LOUDLY else _MILD}",
        ]

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Measurements of the same task as one, with executions counted one by one."""
        groups: OrderedDict[TaskSpec, list[Measurement]] = OrderedDict()
        for measurement in measurements:
            groups.setdefault(measurement.task_spec, []).append(measurement)
        return [
            Measurement(1, [t for m in group for t in m.times], spec)
            for spec, group in groups.items()
        ]


_MILD = "This could indicate system fluctuation."


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which seconds read best, and its length in seconds."""
    power = int(numpy.log10(t) // 3) if t > 0 else 0
    unit = {-1: "ms", -2: "us", -3: "ns"}.get(max(power, -3), "s")
    return unit, {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1}[unit]


def unit_to_english(u: str) -> str:
    """``"us"`` in a word."""
    return _ENGLISH[u]


def trim_sigfig(x: float, n: int) -> float:
    """The number rounded to ``n`` digits."""
    if x == 0:
        return 0.0
    scale = 10.0 ** (math.floor(math.log10(abs(x))) + 1 - n)
    return float(round(x / scale) * scale)


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    """The elements without repetitions, in their order."""
    return list(dict.fromkeys(elements))


@contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """The number of threads inside."""
    before = get_num_threads()
    try:
        set_num_threads(n)
        yield
    finally:
        set_num_threads(before)
