"""The profilers: what is recorded, how it is added up, printed and written down."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import flambeau as torch
from flambeau.autograd import profiler as old
from flambeau.core.modes import flags
from flambeau.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule

CPU = [ProfilerActivity.CPU]


def step() -> None:
    x = torch.ones(4, 3, requires_grad=True)
    w = torch.ones(3, 2)
    with record_function("forward"):
        y = (x @ w).exp().sum()
    y.backward()


def test_events_are_nested_and_add_up() -> None:
    before = flags.active
    with profile(activities=CPU, record_shapes=True, profile_memory=True, with_flops=True) as prof:
        step()
    assert flags.active == before
    events = prof.events()
    block = next(e for e in events if e.name == "forward")
    assert block.is_user_annotation
    assert [child.name for child in block.cpu_children] == ["aten::mm", "aten::exp", "aten::sum"]
    mm = block.cpu_children[0]
    assert (mm.input_shapes, mm.flops, mm.cpu_memory_usage) == ([[4, 3], [3, 2]], 48, 32)
    assert block.cpu_memory_usage == 32 + 32 + 4 and block.self_cpu_memory_usage == 0
    assert block.cpu_time_total >= block.self_cpu_time_total >= 0
    node = next(e for e in events if e.name == "ExpBackward0")
    assert node.cpu_parent.name == "autograd::engine::evaluate_function: ExpBackward0"
    assert node.sequence_nr == block.cpu_children[1].sequence_nr >= 0
    assert prof.key_averages().self_cpu_time_total == pytest.approx(events.self_cpu_time_total)


def test_table_has_the_usual_columns() -> None:
    with profile(activities=CPU, profile_memory=True, with_flops=True) as prof:
        for _ in range(3):
            step()
    averages = prof.key_averages()
    assert next(a for a in averages if a.key == "forward").count == 3
    lines = averages.table(sort_by="count", row_limit=2).splitlines()
    assert lines[1].split("  ")[-2].strip() == "Total FLOPs"
    assert [t for t in ("Name", "Self CPU %", "CPU time avg", "CPU Mem", "# of Calls")
            if t not in lines[1]] == []  # fmt: skip
    assert len(lines) == 3 + 2 + 2 and lines[-1].startswith("Self CPU time total: ")
    assert lines[0] == lines[2] == lines[5]
    with pytest.raises(AttributeError, match="no column"):
        averages.table(sort_by="nothing")


def test_stacks_name_the_lines_of_the_program() -> None:
    with profile(activities=CPU, with_stack=True) as prof:
        step()
    event = next(e for e in prof.events() if e.name == "aten::exp")
    assert "test_profiler.py(" in event.stack[0] and event.stack[0].endswith("): step")
    node = next(e for e in prof.events() if e.name == "ExpBackward0")
    assert node.stack[0] == event.stack[0]  # a gradient knows its forward line
    table = prof.key_averages(group_by_stack_n=2).table()
    assert "Source Location" in table


def test_schedule_and_traces(tmp_path: Path) -> None:
    plan = schedule(skip_first=1, wait=1, warmup=1, active=2, repeat=1)
    assert [plan(i).name for i in range(7)] == [
        "NONE", "NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE", "NONE", "NONE",
    ]  # fmt: skip
    handler = torch.profiler.tensorboard_trace_handler(str(tmp_path), "worker", use_gzip=True)
    with profile(activities=CPU, schedule=plan, on_trace_ready=handler) as prof:
        for _ in range(7):
            step()
            prof.step()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("worker.") and path.name.endswith(".pt.trace.json.gz")
    trace = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    named = [e["name"] for e in trace if e.get("cat") == "user_annotation"]
    assert named == ["ProfilerStep#3", "forward", "ProfilerStep#4", "forward"]
    assert {e["ph"] for e in trace} == {"M", "X", "s", "f"}
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=1, warmup=0, active=0)


def test_metadata_stacks_and_unfinished_recordings(tmp_path: Path) -> None:
    with profile(activities=CPU, with_stack=True) as prof:
        step()
        prof.add_metadata("note", "text")
        prof.add_metadata_json("list", "[1, 2]")
    prof.export_chrome_trace(str(tmp_path / "trace.json"))
    written = json.loads((tmp_path / "trace.json").read_text())
    assert (written["note"], written["list"]) == ("text", [1, 2])
    prof.export_stacks(str(tmp_path / "stacks.txt"), "self_cpu_time_total")
    assert ":_step " in (tmp_path / "stacks.txt").read_text()
    with pytest.raises(AssertionError, match="must be initialized before getting key averages"):
        profile(schedule=lambda step: ProfilerAction.NONE).key_averages()
    with pytest.raises(RuntimeError, match="Profiler didn't finish running"):
        old.profile().table()


def test_autograd_profile_and_decorator() -> None:
    @record_function("named")
    def named() -> torch.Tensor:
        return torch.ones(2) + 1

    named()
    with old.profile() as prof:
        named()
    assert [e.name for e in prof.function_events] == ["named", "aten::add"]
    assert prof.total_average().count == 2
    with old.profile(enabled=False) as nothing:
        assert nothing is None
    with pytest.warns(UserWarning, match="not emitted"), old.emit_nvtx():
        pass
