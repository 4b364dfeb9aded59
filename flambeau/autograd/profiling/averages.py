"""Lists of events, and their averages by name, shapes or lines."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from flambeau.autograd.profiling.events import (
    DeviceType,
    FormattedTimesMixin,
    FunctionEvent,
    format_time,
)
from flambeau.autograd.profiling.table import build_table
from flambeau.autograd.profiling.traces import write_chrome_trace, write_stacks

_SUMMED = (
    "cpu_time_total", "device_time_total", "self_cpu_time_total", "self_device_time_total",
    "cpu_memory_usage", "device_memory_usage", "self_cpu_memory_usage",
    "self_device_memory_usage", "count",
)  # fmt: skip


class FunctionEventAvg(FormattedTimesMixin):
    """The sum of several events, and the averages that follow from it."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.count = self.node_id = 0
        self.cpu_time_total = self.device_time_total = 0.0
        self.self_cpu_time_total = self.self_device_time_total = 0.0
        self.cpu_memory_usage = self.device_memory_usage = 0
        self.self_cpu_memory_usage = self.self_device_memory_usage = 0
        self.is_async = self.is_remote = self.is_legacy = self.is_user_annotation = False
        self.use_device: str | None = None
        self.input_shapes: Any = None
        self.overload_name: str | None = None
        self.stack: Any = None
        self.scope: int | None = None
        self.cpu_children: Any = None
        self.cpu_parent: Any = None
        self.device_type = DeviceType.CPU
        self.flops = 0

    def add(self, other: Any) -> FunctionEventAvg:
        """Adds an event, or another sum."""
        if self.key is None:
            self.key = other.key
            for name in ("node_id", "is_async", "is_remote", "is_legacy", "use_device", "scope",
                         "cpu_parent", "cpu_children", "overload_name", "input_shapes", "stack",
                         "device_type", "is_user_annotation"):  # fmt: skip
                setattr(self, name, getattr(other, name))
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.flops += other.flops or 0
        return self

    def __iadd__(self, other: Any) -> FunctionEventAvg:
        return self.add(other)

    def __repr__(self) -> str:
        device = self.use_device or "cuda"
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str}  self_{device}_time={self.self_device_time_total_str} "
            f"{device}_time={self.device_time_str} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage} "
            f"{device}_memory_usage={self.device_memory_usage}>"
        )


class EventList(list):  # type: ignore[type-arg]
    """A list of events or of averages, which prints as a table."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._use_device = kwargs.pop("use_device", None)
        self._profile_memory = kwargs.pop("profile_memory", False)
        self._with_flops = kwargs.pop("with_flops", False)
        super().__init__(*args, **kwargs)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all events, none counted twice."""
        return sum([event.self_cpu_time_total for event in self])

    def __str__(self) -> str:
        return self.table()

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as text.

        Args:
            sort_by: a column, largest first: ``"cpu_time"``, ``"cpu_time_total"``,
                ``"self_cpu_time_total"``, ``"cpu_memory_usage"``, ``"self_cpu_memory_usage"``,
                ``"count"``, or one of the device's with ``device_`` or ``cuda_`` in its place.
            row_limit: how many rows; -1 for all.
            header: a line above the table.
            top_level_events_only: leaves out what ran inside other events.
            time_unit: ``"us"``, ``"ms"`` or ``"s"`` for all times.
        """
        return build_table(
            self, sort_by, row_limit, max_src_column_width, max_name_column_width,
            max_shapes_column_width, header, top_level_events_only, time_unit,
        )  # fmt: skip

    def key_averages(
        self,
        group_by_input_shapes: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """The events added up by name, and by shapes and the innermost lines if asked for."""
        groups: OrderedDict[Any, FunctionEventAvg] = OrderedDict()
        for event in self:
            key = [event.key, event.is_user_annotation]
            if group_by_input_shapes:
                key.append(str(event.input_shapes))
            if group_by_stack_n > 0:
                key += event.stack[:group_by_stack_n]
            average = groups.setdefault(tuple(key), FunctionEventAvg()).add(event)
            if not group_by_input_shapes:
                average.input_shapes = ""
            average.stack = average.stack[:group_by_stack_n] if group_by_stack_n > 0 else []
            if not group_by_overload_name:
                average.overload_name = ""
        return self._like(groups.values())

    def _like(self, events: Any) -> EventList:
        return EventList(
            events, use_device=self._use_device, profile_memory=self._profile_memory,
            with_flops=self._with_flops,
        )  # fmt: skip

    def total_average(self) -> FunctionEventAvg:
        """All events added up."""
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
            total.key = None
        total.key = "Total"
        return total

    def export_chrome_trace(self, path: str) -> None:
        """Writes a file for ``chrome://tracing`` and Perfetto."""
        write_chrome_trace(self, path)

    def supported_export_stacks_metrics(self) -> list[str]:
        """What ``export_stacks`` can weigh lines by."""
        return ["self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total",
                "self_privateuse1_time_total"]  # fmt: skip

    def export_stacks(self, path: str, metric: str) -> None:
        """Writes folded stacks, the input of flame graph tools."""
        if metric not in self.supported_export_stacks_metrics():
            raise ValueError(f"metric should be one of: {self.supported_export_stacks_metrics()!s}")
        write_stacks(self, path, metric)


__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "format_time"]
