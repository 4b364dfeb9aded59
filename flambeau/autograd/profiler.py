"""``torch.autograd.profiler``: the time, memory and lines of operators, forward and backward.

>>> with profile(record_shapes=True) as prof:
...     _ = torch.ones(3, 3) @ torch.ones(3, 3)
>>> [(event.name, event.input_shapes) for event in prof.function_events if "mm" in event.name]
[('aten::mm', [[3, 3], [3, 3]])]
"""

from __future__ import annotations

import functools
import uuid
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from flambeau.autograd.grad_mode import ContextDecorator
from flambeau.autograd.profiling.averages import EventList, FunctionEventAvg
from flambeau.autograd.profiling.events import DeviceType, FunctionEvent
from flambeau.autograd.profiling.nvprof import EnforceUnique, parse_nvprof_trace
from flambeau.autograd.profiling.recording import Recorder, recorder
from flambeau.autograd.profiling.traces import write_chrome_trace

__all__ = [
    "DeviceType", "EnforceUnique", "EventList", "FunctionEvent", "KinetoStepTracker",
    "MemRecordsAcc", "emit_itt", "emit_nvtx", "kineto_available", "load_nvprof",
    "parse_nvprof_trace", "profile", "record_function",
]  # fmt: skip


class profile:  # noqa: N801 - the public name
    """Records the operators that this thread calls inside, and the nodes of backward passes.

    Args:
        enabled: False makes it do nothing.
        use_device: ``"cuda"`` also times the kernels on the device.
        record_shapes: keeps the shapes of operands.
        with_flops: counts the operations of products, convolutions, additions, multiplications.
        profile_memory: adds up the bytes of results.
        with_stack: keeps the lines of the program; those of the forward pass for its gradients.
        with_modules: accepted; the lines that ``with_stack`` keeps tell more.

    ``use_kineto``, ``use_cpu``, ``experimental_config`` and the rest are accepted for
    compatibility and change nothing.
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
        activity_filters: Any = None,
    ) -> None:
        self.enabled, self.use_cuda = enabled, use_cuda
        self.use_device = "cuda" if use_cuda else use_device
        self.record_shapes = record_shapes or with_flops
        self.with_flops, self.profile_memory = with_flops, profile_memory
        self.with_stack, self.with_modules, self.use_cpu = with_stack, with_modules, use_cpu
        self.acc_events, self.experimental_config = acc_events, experimental_config
        self.custom_trace_id_callback = custom_trace_id_callback
        self.post_processing_timeout_s = post_processing_timeout_s
        self.activity_filters = activity_filters
        self.entered, self.trace_id = False, ""
        self._recorder: Recorder | None = None
        self._events: EventList | None = None

    def config(self, create_trace_id: bool = False) -> dict[str, Any]:
        """What is recorded."""
        if create_trace_id:
            self.trace_id = self.create_trace_id()
        return {
            name: getattr(self, name)
            for name in ("record_shapes", "profile_memory", "with_stack", "with_flops",
                         "with_modules", "trace_id")
        }  # fmt: skip

    def default_trace_id(self) -> str:
        """A new name for a trace."""
        return uuid.uuid4().hex.upper()

    def create_trace_id(self) -> str:
        """The name of a trace, from the callback if one was given."""
        return (self.custom_trace_id_callback or self.default_trace_id)()

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered, self.trace_id = True, self.create_trace_id()
        self._recorder = Recorder(
            self.record_shapes, self.profile_memory, self.with_stack, self.with_flops,
            cuda=self.use_device == "cuda",
        )  # fmt: skip
        self._recorder.__enter__()
        return self

    def __exit__(self, *exc: object) -> bool:
        if self.enabled and self._recorder is not None:
            self._recorder.__exit__(*exc)
            made = list(self._events or ()) if self.acc_events else []
            self._events = EventList(
                [*made, *self._recorder.events], use_device=self.use_device,
                profile_memory=self.profile_memory, with_flops=self.with_flops,
            )  # fmt: skip
        return False

    def __repr__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._events is None else repr(self._events)

    def __str__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self._events is None else str(self._events)

    @property
    def function_events(self) -> EventList:
        """All events in the order in which they began; RuntimeError while recording."""
        if self._events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self._events

    def toggle_collection_dynamic(self, enabled: bool, activities: Iterable[Any]) -> None:
        """Pauses recording, or goes on with it."""
        if self._recorder is not None:
            if enabled and recorder() is not self._recorder:
                self._recorder.__enter__()
            elif not enabled and recorder() is self._recorder:
                self._recorder.__exit__()

    @functools.wraps(EventList.table)
    def table(self, *args: Any, **kwargs: Any) -> str:
        return self.function_events.table(*args, **kwargs)

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """The events added up by name, and by shapes and the innermost lines if asked for."""
        return self.function_events.key_averages(
            group_by_input_shape, group_by_stack_n, group_by_overload_name
        )

    def total_average(self) -> FunctionEventAvg:
        """All events added up."""
        return self.function_events.total_average()

    def export_chrome_trace(
        self, path: str, metadata: dict[str, Any] | None = None, use_python_export: bool = False
    ) -> None:
        """Writes a file for ``chrome://tracing`` and Perfetto, with notes beside the events.

        ``use_python_export`` is accepted for compatibility: there is one way.
        """
        write_chrome_trace(self.function_events, path, metadata)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Writes folded stacks, the input of flame graph tools; needs ``with_stack``."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self.function_events.export_stacks(path, metric)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all events, none counted twice."""
        return self.function_events.self_cpu_time_total


class record_function(ContextDecorator):  # noqa: N801
    """Names a block, or the calls of a function, in the profile.

    >>> with profile() as prof:
    ...     with record_function("step"):
    ...         _ = torch.ones(2) + 1
    >>> prof.function_events[0].name
    'step'
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self.run_callbacks_on_exit = True

    def clone(self) -> record_function:
        return type(self)(self.name, self.args)

    def __enter__(self) -> record_function:
        self._recorder = recorder()
        if self._recorder is not None:
            self._event = self._recorder.begin(self.name, is_user_annotation=True)
            if self.args is not None:
                self._event.concrete_inputs = [self.args]
        return self

    def __exit__(self, *exc: object) -> None:
        if self._recorder is not None and self._event in self._recorder.open:
            self._recorder.end(self._event)


class _NoMarks:
    """A context manager that says once that marks are not emitted."""

    tool = ""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled, self.record_shapes, self.entered = enabled, record_shapes, False

    def __enter__(self) -> Any:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError(f"{self.tool} annotation context manager is not reentrant")
        self.entered = True
        warnings.warn(
            f"marks for {self.tool} are not emitted: use torch.profiler.profile for the times of "
            "operators",
            stacklevel=2,
        )
        return self

    def __exit__(self, *exc: object) -> bool:
        return False


class emit_nvtx(_NoMarks):  # noqa: N801
    """Would mark operators for NVIDIA's profilers: does nothing, and warns that it does not."""

    tool = "NVTX"


class emit_itt(_NoMarks):  # noqa: N801
    """Would mark operators for Intel's VTune: does nothing, and warns that it does not."""

    tool = "ITT"


def load_nvprof(path: str) -> EventList:
    """The marks and kernels in a database that NVIDIA's nvprof has written, as events."""
    return EventList(parse_nvprof_trace(path), use_device="cuda")


def kineto_available() -> bool:
    """Whether the profiler of ``torch.profiler`` works: always."""
    return True


# ---- small helpers of the public module


class KinetoStepTracker:
    """The number of the training step, as several loops count it: the largest of theirs."""

    _counts: dict[str, int] = {}
    _current = 0

    @classmethod
    def init_step_count(cls, requester: str) -> None:
        """Starts a count at the current step."""
        cls._counts[requester] = cls._current

    @classmethod
    def erase_step_count(cls, requester: str) -> bool:
        """Forgets a count; False if there was none."""
        return cls._counts.pop(requester, None) is not None

    @classmethod
    def increment_step(cls, requester: str) -> int:
        """Counts one more step."""
        cls._counts[requester] = cls._counts.get(requester, cls._current) + 1
        cls._current = max(cls._current, *cls._counts.values())
        return cls._current

    @classmethod
    def current_step(cls) -> int:
        """The current step."""
        return cls._current


class MemRecordsAcc:
    """Records of memory, each with ``start_ns()``, by time."""

    def __init__(self, mem_records: Any) -> None:
        self._records = sorted(mem_records, key=lambda record: record[0].start_ns())

    def in_interval(self, start_ns: float, end_ns: float) -> Any:
        """The records of a span of time."""
        for record in self._records:
            if start_ns <= record[0].start_ns() <= end_ns:
                yield record
