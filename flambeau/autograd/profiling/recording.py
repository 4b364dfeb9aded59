"""``Recorder``: the interceptor that times operators, and the nodes of backward passes."""

from __future__ import annotations

import sys
import threading
from time import perf_counter_ns
from typing import Any
from weakref import WeakKeyDictionary

from flambeau.autograd.profiling.events import FunctionEvent
from flambeau.autograd.profiling.ledger import Ledger
from flambeau.core.flops import count, shape_of
from flambeau.core.interception import FactoryWatcher
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor

_ELEMENTWISE = frozenset(("add", "mul"))  # the profiler counts their elements as FLOPs
BACKWARD = 1  # the scope of the events of backward passes


class Recorder(FactoryWatcher):
    """Makes a :class:`FunctionEvent` of each operator, node and named block while it is open."""

    def __init__(
        self, shapes: bool = False, memory: bool = False, stacks: bool = False,
        flops: bool = False, cuda: bool = True,
    ) -> None:  # fmt: skip
        self.shapes, self.memory, self.stacks, self.flops = shapes, memory, stacks, flops
        self.cuda = cuda
        self.events: list[FunctionEvent] = []
        self.open: list[FunctionEvent] = []
        self.nodes: WeakKeyDictionary[Any, FunctionEvent] = WeakKeyDictionary()
        self.timers: list[tuple[FunctionEvent, Any, Any]] = []
        self.sequence, self.origin = 0, perf_counter_ns()
        self.ledger = Ledger(self)
        self.factory: tuple[int, float] = (0, 0.0)  # the frame that makes a tensor, since when
        self.last: tuple[int, FunctionEvent | None] = (0, None)  # and the event of the tensor

    def __enter__(self) -> Recorder:
        self.outer, modes.watcher = modes.watcher, self
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        modes.watcher = self.outer
        self.ledger.close()
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
        event.time_range.start = self.now()
        return event

    def now(self) -> float:
        """Microseconds since the recording began."""
        return (perf_counter_ns() - self.origin) / 1e3

    def end(self, event: FunctionEvent) -> None:
        """Closes an event, and those inside that an error has left open."""
        now = self.now()
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
            self.nodes[node] = event
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
                self.ledger.take(event, made, tensors)

    # ---- factory functions

    def starts(self) -> None:
        super().starts()
        self.factory = (id(_factory_frame()), self.now())

    def made(self, tensor: Tensor) -> None:
        """An event for a factory function, from the moment at which it knew what to make."""
        super().made(tensor)
        frame = _factory_frame()
        event = self.begin(f"aten::{frame.f_code.co_name.strip('_')}")
        if self.factory[0] == id(frame):
            event.time_range.start = self.factory[1]
        self.end(event)
        self.last = (id(frame), event)
        if self.memory:
            self.ledger.take(event, tensor)

    def filled(self) -> None:
        super().filled()
        if self.last[1] is not None and self.last[0] == id(_factory_frame()):
            self.last[1].time_range.end = self.now()

    # ---- backward passes

    def pull(self, node: Any, grad: Any) -> Any:
        """The gradients that a node computes, inside events with its name."""
        name = node.name()
        forward = self.nodes.get(node)
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


def _device_library(tensors: Any) -> Any:
    for tensor in tensors:
        if isinstance(tensor, Tensor) and tensor.device.type == "cuda":
            return tensor.kind.xp
    return None


def _elapsed(start: Any, end: Any) -> float:
    library = sys.modules[type(start).__module__.partition(".")[0]]
    return library.cuda.get_elapsed_time(start, end)


_FACTORIES = frozenset(
    f"flambeau.ops.{name}" for name in ("creation", "factories", "from_data", "random", "sequences")
)


def _factory_frame() -> Any:
    """The call of the factory function that is running: the outermost of its frames."""
    frame: Any = sys._getframe(2)
    while frame.f_globals["__name__"] not in _FACTORIES:  # watchers
        frame = frame.f_back
    while frame.f_back is not None and frame.f_back.f_globals.get("__name__") in _FACTORIES:
        frame = frame.f_back
    return frame


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
