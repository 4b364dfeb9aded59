"""Reading the databases of nvprof, NVIDIA's profiler of before 2020."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from flambeau.autograd.profiling.events import FunctionEvent

_LAUNCHES = (13, 211)  # cudaLaunch and cudaLaunchKernel, in CUPTI's numbers

_MARKS = """
    SELECT a.id, a.name, a.timestamp AS start, b.timestamp AS end
    FROM CUPTI_ACTIVITY_KIND_MARKER a JOIN CUPTI_ACTIVITY_KIND_MARKER b ON a.id = b.id
    WHERE a.name != 0 AND b.name = 0
"""
_KERNELS = """
    SELECT marks.id AS mark, call._id_ AS call, call.cbid, kernel.name,
           kernel.end - kernel.start AS duration
    FROM ({marks}) marks
    JOIN CUPTI_ACTIVITY_KIND_RUNTIME call ON marks.start < call.start AND call.end < marks.end
    JOIN CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL kernel ON kernel.correlationId = call.correlationId
"""


class EnforceUnique:
    """Raises RuntimeError for a key that was seen before."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()

    def see(self, *key: Any) -> None:
        """Notes a key."""
        if key in self.seen:
            raise RuntimeError("duplicate key: " + str(key))
        self.seen.add(key)


def parse_nvprof_trace(path: str | os.PathLike[str]) -> list[FunctionEvent]:
    """The marks (of ``emit_nvtx``) as events in order of time, each with its kernels.

    Nanoseconds of the database become microseconds.

    Raises:
        sqlite3.Error: the file is no such database.
        RuntimeError: a mark, or a launch within one, occurs twice.
    """
    with sqlite3.connect(f"file:{os.fspath(path)}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        names = dict(database.execute("SELECT _id_, value FROM StringTable").fetchall())
        events = _marks(database, names)
        _add_kernels(database, names, events)
    return sorted(events.values(), key=lambda event: event.time_range.start)


def _marks(database: sqlite3.Connection, names: dict[int, str]) -> dict[int, FunctionEvent]:
    unique, events = EnforceUnique(), {}
    for row in database.execute(_MARKS):
        unique.see(row["id"])
        events[row["id"]] = FunctionEvent(
            row["id"], names[row["name"]], 0, row["start"] / 1e3, row["end"] / 1e3, node_id=0
        )
    return events


def _add_kernels(
    database: sqlite3.Connection, names: dict[int, str], events: dict[int, FunctionEvent]
) -> None:
    unique = EnforceUnique()
    for row in database.execute(_KERNELS.format(marks=_MARKS)):
        unique.see(row["mark"], row["call"])
        if row["cbid"] not in _LAUNCHES:
            raise AssertionError(f"Expected cbid to be 211, but got {row['cbid']}")
        name = names.get(row["name"], row["name"])
        events[row["mark"]].append_kernel(name, 0, row["duration"] / 1e3)
