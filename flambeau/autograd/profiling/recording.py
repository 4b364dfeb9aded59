"""``Recorder``: the interceptor that times operators, and the nodes of backward passes."""

from __future__ import annotations

import sys
import threading
from time import perf_counter_ns
from typing import Any
from weakref import WeakKeyDictionary

from flambeau.autograd.profiling.events import FunctionEvent
from flambeau.core.flops import count, shape_of
from flambeau.core.interception import Interceptor
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor

_ELEMENTWISE = frozenset(("add", "mul"))  # the profiler counts their elements as FLOPs
BACKWARD = 1  # the scope of the events of backward passes


class Recorder(Interceptor):
    """Makes a :class:`FunctionEvent` of each operator, node and named block while it is open."""

    def __init__(
        self, shapes: bool = False, memory: bool = False, stacks: bool = False,
        flops: bool = False, cuda: bool = True,
    ) -> None:  # fmt: skip
        self.shapes, self.memory, self.stacks, self.flops = shapes, memory, stacks, flops
        self.cuda = cuda
        self.events: list[FunctionEvent] = []
        self.open: list[FunctionEvent] = []
        self.made: WeakKeyDictionary[Any, FunctionEvent] = WeakKeyDictionary()
        self.timers: list[tuple[FunctionEvent, Any, Any]] = []
        self.sequence, self.origin = 0, perf_counter_ns()

    def __enter__(self) -> Recorder:
        self.outer, modes.watcher = modes.watcher, self
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        modes.watcher = self.outer
        self._read_timers()

    # ---- events

    def begin(self, name: str, **details: Any) -> FunctionEvent:
        """Opens an event inside those that are open."""
        event = FunctionEvent(
            len(self.events), name, threading.get_native_id(), 0.0, 0.0, **details
        )
        if self.stacks:
            event.stack = _lines()
        if self.open:
            event.cpu_parent = self.open[-1]
            self.open[-1].cpu_children.append(event)
        self.events.append(event)
        self.open.append(event)
        event.time_range.start = (perf_counter_ns() - self.origin) / 1e3
        return event

    def end(self, event: FunctionEvent) -> None:
        """Closes an event, and those inside that an error has left open."""
        now = (perf_counter_ns() - self.origin) / 1e3
        while self.open:
            inner = self.open.pop()
            inner.time_range.end = now
            if inner is event:
                return

    # ---- operators

    def intercept(self, op: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        event = self.begin(f"aten::{op.name}")
        try:
            result = self._timed(event, op, tensors, params)
        finally:
            self.end(event)
        first = result[0] if isinstance(result, tuple | list) and result else result
        self._describe(event, op, tensors, params, result, first)
        node = getattr(first, "_node", None)
        if node is not None:
            event.sequence_nr = self.sequence
            self.sequence += 1
            self.made[node] = event
        return result

    def _timed(self, event: FunctionEvent, op: Any, tensors: Any, params: Any) -> Any:
        xp = _device_library(tensors) if self.cuda else None
        if xp is None:
            return self.proceed(op, tensors, params)
        start, end = xp.cuda.Event(), xp.cuda.Event()
        start.record()
        result = self.proceed(op, tensors, params)
        end.record()
        self.timers.append((event, start, end))
        return result

    def _read_timers(self) -> None:
        for event, start, end in self.timers:
            end.synchronize()
            milliseconds = _elapsed(start, end)
            event.use_device = "cuda"
            event.append_kernel(event.name, 0, 1e3 * milliseconds)
        self.timers = []

    def _describe(
        self, event: Any, op: Any, tensors: Any, params: Any, result: Any, first: Any
    ) -> None:
        if self.shapes:
            event.input_shapes = [list(shape_of(t) or ()) for t in tensors]
            event.concrete_inputs = list(params)
        if self.flops:
            event.flops = count(op.name, tensors, first) or (
                first.numel() if op.name in _ELEMENTWISE else None
            )
        if self.memory and not op.view:
            for made in result if isinstance(result, tuple | list) else (result,):
                self._count_bytes(event, made)

    def _count_bytes(self, event: FunctionEvent, made: Any) -> None:
        if not isinstance(made, Tensor):
            return
        name = "cpu_memory_usage" if made.device.type == "cpu" else "device_memory_usage"
        for one in (event, *_parents(event)):
            setattr(one, name, getattr(one, name) + made._array.nbytes)

    # ---- backward passes

    def pull(self, node: Any, grad: Any) -> Any:
        """The gradients that a node computes, inside events with its name."""
        name = node.name()
        forward = self.made.get(node)
        number = -1 if forward is None else forward.sequence_nr
        outer = self.begin(
            f"autograd::engine::evaluate_function: {name}", sequence_nr=number, scope=BACKWARD
        )
        event = self.begin(name, sequence_nr=number, scope=BACKWARD)
        if forward is not None and self.stacks:
            event.stack = [*forward.stack, *event.stack]  # the line of the forward pass first
        try:
            return node.pull(grad) if self.outer is None else self.outer.pull(node, grad)
        finally:
            self.end(event)
            self.end(outer)


def _parents(event: FunctionEvent) -> list[FunctionEvent]:
    found = []
    while event.cpu_parent is not None:
        event = event.cpu_parent
        found.append(event)
    return found


def _device_library(tensors: Any) -> Any:
    for tensor in tensors:
        if isinstance(tensor, Tensor) and tensor.device.type == "cuda":
            return tensor.kind.xp
    return None


def _elapsed(start: Any, end: Any) -> float:
    library = sys.modules[type(start).__module__.partition(".")[0]]
    return library.cuda.get_elapsed_time(start, end)


def _lines() -> list[str]:
    """The lines of the program that are running, the innermost first; ours are left out."""
    frame: Any = sys._getframe(1)
    lines: list[str] = []
    while frame is not None:
        if (frame.f_globals.get("__package__") or "").partition(".")[0] != "flambeau":
            code = frame.f_code
            lines.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines


def recorder() -> Recorder | None:
    """The recorder that is open in this thread, if any."""
    return next((m for m in reversed(modes.interceptors) if isinstance(m, Recorder)), None)
