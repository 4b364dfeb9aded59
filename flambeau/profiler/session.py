"""``profile``: a recording that follows a schedule."""

from __future__ import annotations

import enum
import json
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from flambeau import cuda
from flambeau.autograd import profiler
from flambeau.autograd.profiling.averages import EventList
from flambeau.autograd.profiling.traces import write_chrome_trace
from flambeau.profiler.schedules import ProfilerAction, always

_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class ProfilerActivity(enum.IntEnum):
    """What can be recorded."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5

    def __repr__(self) -> str:
        return f"<ProfilerActivity.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"ProfilerActivity.{self.name}"


def supported_activities() -> set[ProfilerActivity]:
    """What can be recorded here: kernels on a CUDA device are timed where there is one."""
    on_device = {ProfilerActivity.CUDA} if cuda.is_available() else set()
    return {ProfilerActivity.CPU} | on_device


class profile:  # noqa: N801 - the public name
    """Records what this thread computes inside, step by step if there is a schedule.

    Args:
        activities: of :class:`ProfilerActivity`; all supported ones by default.
        schedule: a function from the number of the step to a :class:`ProfilerAction`; the program
            calls :meth:`step` after each step.
        on_trace_ready: called with the profiler whenever a recording is complete.
        record_shapes, profile_memory, with_stack, with_flops, with_modules: as for
            :class:`torch.autograd.profiler.profile`.
        acc_events: keeps the events of earlier cycles too.
        execution_trace_observer: started and stopped with the recording.

    >>> with profile(schedule=lambda step: ProfilerAction.RECORD) as prof:
    ...     for _ in range(2):
    ...         _ = torch.ones(2).exp()
    ...         prof.step()
    >>> [event.name for event in prof.events() if event.is_user_annotation]
    ['ProfilerStep#0', 'ProfilerStep#1', 'ProfilerStep#2']
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        self.activities = set(supported_activities() if activities is None else activities)
        if use_cuda is not None:
            warnings.warn(
                "`use_cuda` is deprecated, use `activities` argument instead",
                FutureWarning,
                stacklevel=2,
            )
            self.activities |= {ProfilerActivity.CUDA} if use_cuda else set()
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops, self.with_modules = with_stack, with_flops, with_modules
        self.experimental_config, self.acc_events = experimental_config, acc_events
        self.execution_trace_observer = execution_trace_observer
        self.custom_trace_id_callback = custom_trace_id_callback
        self.post_processing_timeout_s = post_processing_timeout_s
        self.schedule = schedule or always
        self.record_steps = schedule is not None
        self.on_trace_ready, self.step_num = on_trace_ready, 0
        self.current_action = self.schedule(0)
        self.profiler: profiler.profile | None = None
        self.preset_metadata: dict[str, str] = {}
        self._metadata: dict[str, Any] = {}
        self._recording = False
        self._step: Any = None

    # ---- steps

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begins with the first step."""
        self.current_action = self.schedule(self.step_num)
        self._begin_step()

    def _begin_step(self) -> None:
        if self.current_action in _RECORDING and not self._recording:
            self.prepare_trace()
            self.start_trace()
        if self.record_steps:
            self._step = profiler.record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    def step(self) -> None:
        """Says that the next step begins."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if self._recording:
            if before is ProfilerAction.RECORD_AND_SAVE:
                self._complete()
            elif self.current_action not in _RECORDING:
                warnings.warn(
                    "Incorrect schedule: RECORD followed by "
                    f"{self.current_action.name}: what was recorded is dropped",
                    stacklevel=2,
                )
                self.stop_trace()
        profiler.KinetoStepTracker.increment_step("ProfilerStep")
        self._begin_step()

    def stop(self) -> None:
        """Ends the recording."""
        self._end_step()
        if self._recording:
            self._complete()

    def _complete(self) -> None:
        self.stop_trace()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    # ---- one recording

    def prepare_trace(self) -> None:
        """Makes the recording that :meth:`start_trace` begins."""
        earlier = self.profiler
        self.profiler = profiler.profile(
            use_device="cuda" if ProfilerActivity.CUDA in self.activities else None,
            record_shapes=self.record_shapes, with_flops=self.with_flops,
            profile_memory=self.profile_memory, with_stack=self.with_stack,
            with_modules=self.with_modules, acc_events=self.acc_events,
            custom_trace_id_callback=self.custom_trace_id_callback,
        )  # fmt: skip
        if self.acc_events and earlier is not None:
            self.profiler._events = earlier._events

    def start_trace(self) -> None:
        """Begins to record, whatever the schedule."""
        if self.profiler is None or self.profiler.entered:
            self.prepare_trace()
        assert self.profiler is not None
        if self.execution_trace_observer is not None:
            self.execution_trace_observer.start()
        self._metadata = {k: json.loads(v) for k, v in self.preset_metadata.items()}
        self.profiler.__enter__()
        self._recording = True

    def stop_trace(self) -> None:
        """Ends the recording, whatever the schedule."""
        if self.profiler is None or not self._recording:
            raise AssertionError("Profiler must be initialized before stopping trace")
        self.profiler.__exit__(None, None, None)
        if self.execution_trace_observer is not None:
            self.execution_trace_observer.stop()
        self._recording = False

    def toggle_collection_dynamic(self, enable: bool, activities: Iterable[Any]) -> None:
        """Pauses recording, or goes on with it."""
        if self.profiler is not None:
            self.profiler.toggle_collection_dynamic(enable, activities)

    # ---- what was recorded

    def _finished(self, purpose: str) -> profiler.profile:
        if self.profiler is None:
            raise AssertionError(f"Profiler must be initialized before {purpose}")
        return self.profiler

    def events(self) -> EventList:
        """All events of the last recording."""
        return self._finished("accessing events").function_events

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """The events added up by name, and by shapes and the innermost lines if asked for."""
        return self._finished("getting key averages").key_averages(
            group_by_input_shape, group_by_stack_n, group_by_overload_name
        )

    def export_chrome_trace(self, path: str, use_python_export: bool = False) -> None:
        """Writes the last recording for ``chrome://tracing`` and Perfetto.

        ``use_python_export`` is accepted for compatibility: there is one way.
        """
        events = self._finished("exporting chrome trace").function_events
        about = {
            "with_stack": int(self.with_stack), "record_shapes": int(self.record_shapes),
            "profile_memory": int(self.profile_memory), "with_flops": int(self.with_flops),
            "trace_id": self.get_trace_id(), **self._metadata,
        }  # fmt: skip
        write_chrome_trace(events, path, about)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Writes folded stacks, the input of flame graph tools; needs ``with_stack``."""
        self._finished("exporting stacks").export_stacks(path, metric)

    def export_memory_timeline(self, path: str, device: str | None = None) -> NoReturn:
        """Not supported: NotImplementedError. ``flambeau.memory`` tells who holds memory."""
        raise NotImplementedError(
            "export_memory_timeline is not supported: profile_memory=True adds up the bytes of "
            "results, and flambeau.memory.snapshot() tells which lines made the tensors alive"
        )

    # ---- notes

    def get_trace_id(self) -> str | None:
        """The name of the last recording."""
        return None if self.profiler is None else self.profiler.trace_id

    def set_custom_trace_id_callback(self, callback: Callable[[], str]) -> None:
        """Has recordings named by a function."""
        self.custom_trace_id_callback = callback

    def add_metadata(self, key: str, value: str) -> None:
        """Adds a note to the recording that is open."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Adds a note in JSON to the recording that is open."""
        self._metadata[key] = json.loads(value)

    def preset_metadata_json(self, key: str, value: str) -> None:
        """Adds a note in JSON to every recording to come."""
        self.preset_metadata[key] = value
