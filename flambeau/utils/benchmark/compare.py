"""``Compare``: measurements side by side."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from flambeau.utils.benchmark.common import (
    Measurement,
    ordered_unique,
    select_unit,
    trim_sigfig,
    unit_to_english,
)

_BEST, _GOOD, _BAD, _WORST, _END = (
    "\033[92m\033[1m",
    "",
    "\033[2m\033[91m",
    "\033[31m\033[1m",
    "\033[0m",
)


class Colorize(enum.Enum):
    """What colours compare a time with: nothing, its column, or its row."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


class Compare:
    """A table of measurements: one for each label, a row for each sub-label (and number of threads
    and environment), a column for each description.

    >>> task = TaskSpec("f()", "pass", label="speed", sub_label="f", description="now")
    >>> Compare([Measurement(1, [2e-3], task)]).print()
    [--- speed ---]
             |  now
    1 threads: ----
          f  |  2.0
    <BLANKLINE>
    Times are in milliseconds (ms).
    <BLANKLINE>
    """

    def __init__(self, results: list[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = self._warn = False
        self._colors = Colorize.NONE

    def __str__(self) -> str:
        return "\n".join(self._tables())

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Adds measurements; ValueError for anything else."""
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(
                    f"Expected an instance of `Measurement`, got {type(result)} instead."
                )
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Shows only the digits that can be trusted."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colours the times by how they compare in their column, or row."""
        self._colors = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Marks times that vary suspiciously, with their spread."""
        self._warn = True

    def print(self) -> None:
        """Prints the tables."""
        print(str(self))

    def _tables(self) -> list[str]:
        merged = Measurement.merge(self._results)
        labels = ordered_unique([m.label for m in merged])
        tables = [self._table(label, [m for m in merged if m.label == label]) for label in labels]
        return tables

    def _table(self, label: str | None, results: list[Measurement]) -> str:
        unit, scale = select_unit(min([m.median for m in results]))
        columns = ordered_unique([m.description or "" for m in results])
        envs = ordered_unique([m.env for m in results])
        cells = self._cells(results, columns, scale)
        widths = [
            max(len(c), *[len(text) for (_, at), (text, _) in cells.items() if at == c])
            for c in columns
        ]
        names = {key: _name(key, envs) for key, _ in cells}
        left = max([len(name) for name in names.values()])
        width = left + sum([5 + w for w in widths])
        lines = [f"[{f' {label} ' if label else '':-^{width - 2}}]"]
        lines.append(_row(" " * left, [f"{c:^{w}}" for c, w in zip(columns, widths)]))
        for threads in ordered_unique(sorted([m.num_threads for m in results])):
            head = f"{threads} threads: "
            lines.append(head + "-" * (width - len(head)))
            lines += self._rows(threads, names, cells, columns, widths, left)
        return "\n".join(lines) + f"\n\nTimes are in {unit_to_english(unit)}s ({unit}).\n"

    def _rows(
        self, threads: int, names: dict[Any, str], cells: Any, columns: Any, widths: Any, left: int
    ) -> list[str]:
        lines, shown = [], None
        for key, name in names.items():
            if key[0] != threads:
                continue
            if key[1] == shown:
                name = name.replace(f"({key[1]})", " " * (len(key[1]) + 2))
            shown = key[1]
            found = [cells.get((key, c)) for c in columns]
            texts = [f"{f[0] if f else '':>{w}}" for f, w in zip(found, widths)]
            colored = [
                self._colored(text, f[1], cells, key, c) if f else text
                for text, f, c in zip(texts, found, columns)
            ]
            lines.append(_row(f"{name:>{left}}", colored))
        return lines

    def _cells(self, results: list[Measurement], columns: list[str], scale: float) -> Any:
        """The text and the measurement by row and column."""
        decimals = {c: self._decimals([m for m in results if (m.description or "") == c], scale)
                    for c in columns}  # fmt: skip
        cells = {}
        for m in results:
            column = m.description or ""
            value = m.median / scale
            if self._trim:
                value = trim_sigfig(value, m.significant_figures)
            text = f"{value:.{decimals[column]}f}"
            if self._warn and m.has_warnings:
                text += f" (! {m.iqr / m.median * 100:.0f}%)"
            cells[(m.num_threads, m.env, m.as_row_name), column] = (text, m)
        return cells

    def _decimals(self, results: list[Measurement], scale: float) -> int:
        if not self._trim:
            return 1
        shown = [trim_sigfig(m.median / scale, m.significant_figures) for m in results]
        return max([len(f"{v:.6g}".partition(".")[2]) for v in shown])

    def _colored(self, text: str, own: Measurement, cells: Any, key: Any, column: str) -> str:
        if self._colors is Colorize.NONE:
            return text
        rowwise = self._colors is Colorize.ROWWISE
        rivals = [
            m.median for (k, c), (_, m) in cells.items()
            if (k == key if rowwise else (c == column and k[0] == key[0]))
        ]  # fmt: skip
        ratio = own.median / min(rivals)
        color = _BEST if ratio <= 1.05 else _GOOD if ratio < 1.5 else _BAD if ratio < 4 else _WORST
        return f"{color}{text}{_END}{_END}" if color else text


def _name(key: tuple[int, str, str], envs: list[str]) -> str:
    return f"  ({key[1]})  {key[2]}" if len(envs) > 1 else f"      {key[2]}"


def _row(name: str, cells: list[str]) -> str:
    return "  |  ".join([name, *cells])
