"""Events as a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flambeau.autograd.profiling.events import format_memory, format_time

_WIDTH = 12  # of a column of numbers
_GAP = "  "
_ALIASES = {
    "cuda_time": "device_time",
    "cuda_time_total": "device_time_total",
    "self_cuda_time_total": "self_device_time_total",
    "cuda_memory_usage": "device_memory_usage",
    "self_cuda_memory_usage": "self_device_memory_usage",
}
Column = tuple[str, int, Callable[[Any], str]]


def build_table(
    events: Any,
    sort_by: str | None,
    row_limit: int,
    source_width: int,
    name_width: int,
    shapes_width: int,
    header: str | None,
    top_level_only: bool,
    time_unit: str | None,
) -> str:
    """The text of ``EventList.table``."""
    if not events:
        return ""
    rows = list(events)
    if sort_by is not None:
        attribute = _ALIASES.get(sort_by, sort_by)
        rows.sort(key=lambda e: getattr(e, attribute), reverse=True)
    if top_level_only:
        rows = [e for e in rows if e.cpu_parent is None]
    rows = rows[:row_limit] if row_limit >= 0 else rows
    columns = _columns(events, name_width, shapes_width, source_width, _timer(time_unit))
    rule = _GAP.join(["-" * width for _, width, _ in columns]) + _GAP
    titles = _line([title for title, _, _ in columns], columns)
    lines = [rule, titles, rule]
    if header is not None:
        lines = ["=" * len(rule), header, *lines]
    for event in rows:
        lines.append(_line([cell(event) for _, _, cell in columns], columns))
        lines += _rest_of_stack(event, columns)
    total = _timer(time_unit)(sum([e.self_cpu_time_total for e in events]))
    lines += [rule, f"Self CPU time total: {total}"]
    device = sum([e.self_device_time_total for e in events])
    if device:
        lines.append(f"Self CUDA time total: {_timer(time_unit)(device)}")
    return "\n".join(lines) + "\n"


def _line(cells: list[str], columns: list[Column]) -> str:
    return "".join([f"{cell:>{width}}{_GAP}" for cell, (_, width, _) in zip(cells, columns)])


def _timer(unit: str | None) -> Callable[[float], str]:
    if unit is None:
        return format_time
    scale = {"us": 1.0, "ms": 1e3, "s": 1e6}[unit]
    return lambda microseconds: f"{microseconds / scale:.3f}{unit}"


def _columns(events: Any, name: int, shapes: int, source: int, time: Any) -> list[Column]:
    name = min(max([len(e.key) for e in events]) + 4, name)
    total = sum([e.self_cpu_time_total for e in events]) or 1.0
    columns: list[Column] = [
        ("Name", name, lambda e: _cut(e.key, name)),
        ("Self CPU %", _WIDTH, lambda e: f"{100 * e.self_cpu_time_total / total:.2f}%"),
        ("Self CPU", _WIDTH, lambda e: time(e.self_cpu_time_total)),
        ("CPU total %", _WIDTH, lambda e: f"{100 * e.cpu_time_total / total:.2f}%"),
        ("CPU total", _WIDTH, lambda e: time(e.cpu_time_total)),
        ("CPU time avg", _WIDTH, lambda e: time(e.cpu_time)),
    ]
    device = sum([e.self_device_time_total for e in events])
    if device:
        columns += [
            ("Self CUDA", _WIDTH, lambda e: time(e.self_device_time_total)),
            ("Self CUDA %", _WIDTH, lambda e: f"{100 * e.self_device_time_total / device:.2f}%"),
            ("CUDA total", _WIDTH, lambda e: time(e.device_time_total)),
            ("CUDA time avg", 13, lambda e: time(e.device_time)),
        ]
    if events._profile_memory:
        columns += [
            ("CPU Mem", _WIDTH, lambda e: format_memory(e.cpu_memory_usage)),
            ("Self CPU Mem", _WIDTH, lambda e: format_memory(e.self_cpu_memory_usage)),
        ]
        if device:
            columns += [
                ("CUDA Mem", _WIDTH, lambda e: format_memory(e.device_memory_usage)),
                ("Self CUDA Mem", 13, lambda e: format_memory(e.self_device_memory_usage)),
            ]
    columns.append(("# of Calls", _WIDTH, lambda e: str(e.count)))
    return columns + _optional_columns(events, shapes, source)


def _optional_columns(events: Any, shapes: int, source: int) -> list[Column]:
    columns: list[Column] = []
    if any([e.input_shapes for e in events]):
        width = min(max([len(str(e.input_shapes)) for e in events]) + 4, shapes)
        width = max(width, len("Input Shapes"))
        columns.append(("Input Shapes", width, lambda e: str(e.input_shapes)[:width]))
    if any([e.stack for e in events]):
        lines = [len(line) for e in events for line in e.stack or ()]
        wide = min(max(max(lines) + 4, len("Source Location")), source)
        columns.append(
            ("Source Location", wide, lambda e: _tail(e.stack[0], wide) if e.stack else "")
        )
    most = max([e.flops or 0 for e in events])
    if events._with_flops and most:
        power = min(int(math.log10(most)) // 3, 5)
        scale = 1000.0**power
        columns.append((
            f"Total {['', 'K', 'M', 'G', 'T', 'P'][power]}FLOPs", _WIDTH,
            lambda e: f"{e.flops / scale:.3f}" if e.flops else "--",
        ))  # fmt: skip
    return columns


def _rest_of_stack(event: Any, columns: list[Column]) -> list[str]:
    """The further lines of a stack, below the first, and a blank row."""
    at = [i for i, (title, _, _) in enumerate(columns) if title == "Source Location"]
    if not at or not event.stack:
        return []
    rows = []
    for line in [*event.stack[1:5], ""]:
        cells = [""] * len(columns)
        cells[at[0]] = _tail(line, columns[at[0]][1])
        rows.append(_line(cells, columns))
    return rows


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _tail(text: str, width: int) -> str:
    return text if len(text) <= width else "..." + text[3 - width :]
