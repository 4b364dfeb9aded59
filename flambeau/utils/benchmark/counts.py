"""Numbers of instructions by function, as Callgrind counts them."""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from flambeau.core.printing import PRINT_OPTS
from flambeau.utils.benchmark.common import TaskSpec

_SHOWN = 18  # rows of a long list that are printed


class FunctionCount(NamedTuple):
    """The instructions of one function."""

    count: int  # type: ignore[assignment]
    function: str


@dataclass(repr=False, eq=False, frozen=True)
class FunctionCounts:
    """The instructions of functions, most first; lists can be added and subtracted.

    >>> a = FunctionCounts((FunctionCount(5, "f"), FunctionCount(2, "g")), inclusive=False)
    >>> b = a - FunctionCounts((FunctionCount(5, "f"),), inclusive=False)
    >>> list(b), (a * 2).sum()
    ([FunctionCount(count=2, function='g')], 14)
    """

    _data: tuple[FunctionCount, ...]
    inclusive: bool
    truncate_rows: bool = True
    _linewidth: int | None = None

    def __iter__(self) -> Iterator[FunctionCount]:
        yield from self._data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, item: Any) -> FunctionCount | FunctionCounts:
        if isinstance(item, slice):
            return FunctionCounts(self._data[item], self.inclusive, truncate_rows=False)
        return self._data[item]

    def __repr__(self) -> str:
        wide = max([len(str(count)) + (count < 0) for count, _ in self], default=0)
        room = max((self._linewidth or PRINT_OPTS.linewidth) - wide - 4, 40)
        lines = [f"  {count:>{wide}}  {_shortened(name, room)}" for count, name in self]
        if self.truncate_rows and len(lines) > _SHOWN:
            half = _SHOWN // 2
            lines = [*lines[:half], "...".rjust(wide + 2), *lines[-half:]]
        if not self.inclusive:
            lines += ["", f"Total: {self.sum()}"]
        return "\n".join([object.__repr__(self), *lines])

    def __add__(self, other: FunctionCounts) -> FunctionCounts:
        return self._merged(other, operator.pos)

    def __sub__(self, other: FunctionCounts) -> FunctionCounts:
        return self._merged(other, operator.neg)

    def __mul__(self, other: float) -> FunctionCounts:
        return _ordered({name: int(count * other) for count, name in self}, self.inclusive)

    def _merged(self, other: FunctionCounts, sign: Callable[[int], int]) -> FunctionCounts:
        if self.inclusive != other.inclusive:
            raise AssertionError("Cannot merge inclusive and exclusive counts.")
        counts: dict[str, int] = defaultdict(int)
        for count, name in self:
            counts[name] += count
        for count, name in other:
            counts[name] += sign(count)
        return _ordered(counts, self.inclusive)

    def transform(self, map_fn: Callable[[str], str]) -> FunctionCounts:
        """Gives the functions other names; counts of equal names are added up."""
        counts: dict[str, int] = defaultdict(int)
        for count, name in self:
            counts[map_fn(name)] += count
        return _ordered(counts, self.inclusive)

    def filter(self, filter_fn: Callable[[str], bool]) -> FunctionCounts:
        """The functions for whose name ``filter_fn`` is true."""
        return FunctionCounts(tuple([one for one in self if filter_fn(one.function)]),
                              self.inclusive)  # fmt: skip

    def sum(self) -> int:
        """All instructions."""
        return sum([count for count, _ in self])

    def denoise(self) -> FunctionCounts:
        """Without the look-up of names in dictionaries, whose cost depends on hashes."""
        return self.filter(lambda name: "dictobject.c:lookdict_unicode" not in name)


def _shortened(name: str, room: int) -> str:
    if len(name) <= room:
        return name
    left = (room - 5) // 2
    return f"{name[:left]} ... {name[left + 5 - room :]}"


def _ordered(counts: dict[str, int], inclusive: bool) -> FunctionCounts:
    found = [FunctionCount(count, name) for name, count in counts.items() if count]
    return FunctionCounts(tuple(sorted(found, reverse=True)), inclusive)


_PREFIXES = (
    (r"^.+build/\.\./", "build/../"),
    (r"^.+/build/aten/", "build/aten/"),
    (r"^.+/Python/", "Python/"),
    (r"^.+/Objects/", "Objects/"),
    (r"\s\[.+\]$", ""),  # the library
)


def _standardized(counts: FunctionCounts) -> FunctionCounts:
    def short(name: str) -> str:
        for pattern, instead in _PREFIXES:
            name = re.sub(pattern, instead, name)
        return name

    return counts.transform(short)


@dataclass(repr=False, eq=False, frozen=True)
class CallgrindStats:
    """What ``Timer.collect_callgrind`` has counted, for a statement and for an empty loop."""

    task_spec: TaskSpec
    number_per_run: int
    built_with_debug_symbols: bool
    baseline_inclusive_stats: FunctionCounts
    baseline_exclusive_stats: FunctionCounts
    stmt_inclusive_stats: FunctionCounts
    stmt_exclusive_stats: FunctionCounts
    stmt_callgrind_out: str | None

    def __repr__(self) -> str:
        base, threads = self.baseline_exclusive_stats, self.task_spec.num_threads
        lines = [
            object.__repr__(self), self.task_spec.summarize(),
            f"  {'':>25}All{'':>10}Noisy symbols removed",
            f"    Instructions: {self.counts():>12}{'':>15}{self.counts(denoise=True):>12}",
            f"    Baseline:     {base.sum():>12}{'':>15}{base.denoise().sum():>12}",
            f"{self.number_per_run} runs per measurement, {threads} "
            f"thread{'s' if threads > 1 else ''}",
        ]  # fmt: skip
        if not self.built_with_debug_symbols:
            lines.append("Warning: Python was not built with debug symbols: names may be missing.")
        return "\n".join(lines)

    def stats(self, inclusive: bool = False) -> FunctionCounts:
        """The instructions of the statement by function; with what they call if ``inclusive``."""
        return self.stmt_inclusive_stats if inclusive else self.stmt_exclusive_stats

    def counts(self, *, denoise: bool = False) -> int:
        """All instructions of the statement."""
        stats = self.stmt_exclusive_stats
        return (stats.denoise() if denoise else stats).sum()

    def delta(self, other: CallgrindStats, inclusive: bool = False) -> FunctionCounts:
        """By how much the functions differ from those of another statement."""
        return self.stats(inclusive) - other.stats(inclusive)

    def as_standardized(self) -> CallgrindStats:
        """With names that do not depend on where Python and libraries were built."""
        return CallgrindStats(
            self.task_spec, self.number_per_run, self.built_with_debug_symbols,
            _standardized(self.baseline_inclusive_stats),
            _standardized(self.baseline_exclusive_stats),
            _standardized(self.stmt_inclusive_stats),
            _standardized(self.stmt_exclusive_stats), None,
        )  # fmt: skip
