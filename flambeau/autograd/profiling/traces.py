"""Events as files: Chrome traces, which Perfetto and TensorBoard read, and folded stacks."""

from __future__ import annotations

import gzip
import json
import os
from typing import Any


def write_chrome_trace(events: Any, path: str, extra: dict[str, Any] | None = None) -> None:
    """Writes a trace; it is compressed if the name ends in ``.gz``."""
    trace = {
        "schemaVersion": 1,
        "deviceProperties": [],
        "displayTimeUnit": "ms",
        "baseTimeNanoseconds": 0,
        **(extra or {}),
        "traceEvents": [*_names(events), *_spans(events), *_arrows(events)],
        "traceName": os.fspath(path),
    }
    opener: Any = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wt") as file:
        json.dump(trace, file)


def _names(events: Any) -> list[dict[str, Any]]:
    pid = os.getpid()
    named = [{"ph": "M", "name": "process_name", "ts": 0, "pid": pid, "tid": 0,
              "args": {"name": "python"}}]  # fmt: skip
    for thread in dict.fromkeys([e.thread for e in events]):
        named.append({"ph": "M", "name": "thread_name", "ts": 0, "pid": pid, "tid": thread,
                      "args": {"name": f"thread {thread}"}})  # fmt: skip
    return named


def _spans(events: Any) -> list[dict[str, Any]]:
    pid = os.getpid()
    spans = []
    for event in events:
        args: dict[str, Any] = {"External id": event.id, "Sequence number": event.sequence_nr}
        if event.input_shapes:
            args["Input Dims"] = event.input_shapes
        if event.stack:
            args["Call stack"] = ";".join(reversed(event.stack))
        if event.flops:
            args["flops"] = event.flops
        spans.append({
            "ph": "X", "cat": "user_annotation" if event.is_user_annotation else "cpu_op",
            "name": event.trace_name, "pid": pid, "tid": event.thread,
            "ts": event.time_range.start, "dur": event.time_range.elapsed_us(), "args": args,
        })  # fmt: skip
        for kernel in event.kernels:
            spans.append({
                "ph": "X", "cat": "kernel", "name": kernel.name, "pid": pid,
                "tid": f"device {kernel.device}", "ts": event.time_range.start,
                "dur": kernel.duration, "args": {"External id": event.id},
            })  # fmt: skip
    return spans


def _arrows(events: Any) -> list[dict[str, Any]]:
    """From each operator to the node of the backward pass that belongs to it."""
    pid, arrows = os.getpid(), []
    starts = {e.sequence_nr: e for e in events if e.sequence_nr >= 0 and e.scope == 0}
    for end in events:
        start = starts.get(end.sequence_nr) if end.scope == 1 else None
        if start is None:
            continue
        for event, phase in ((start, "s"), (end, "f")):
            arrows.append({
                "ph": phase, "id": end.sequence_nr, "pid": pid, "tid": event.thread,
                "ts": event.time_range.start, "cat": "fwdbwd", "name": "fwdbwd",
                **({"bp": "e"} if phase == "f" else {}),
            })  # fmt: skip
    return arrows


def write_stacks(events: Any, path: str, metric: str) -> None:
    """Writes ``outermost;...;innermost microseconds``, a line per event with a stack."""
    attribute = metric.replace("cuda", "device")
    swap = str.maketrans({" ": "_", ";": "_", "\t": "_", "\n": "_"})
    with open(path, "w") as file:
        for event in events:
            value = int(getattr(event, attribute, 0))
            if event.stack and value > 0:
                frames = [frame.translate(swap) for frame in reversed(event.stack)]
                file.write(f"{';'.join(frames)} {value}\n")
