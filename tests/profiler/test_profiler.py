"""The profilers: what is recorded, how it is added up, printed and written down."""

from __future__ import annotations

import gzip
import json
import sqlite3
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
    assert block.cpu_memory_usage == 32 + 4 and block.self_cpu_memory_usage == -32  # mm's is freed
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
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
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
    assert [e.name for e in prof.function_events] == ["named", "aten::ones", "aten::add"]
    assert prof.total_average().count == 3
    with old.profile(enabled=False) as nothing:
        assert nothing is None
    with pytest.warns(UserWarning, match="not emitted"), old.emit_nvtx():
        pass


def test_factory_functions_are_seen() -> None:
    """By name, with their time and memory, inside the block that calls them."""
    before = flags.active, flags.devices
    recording = profile(activities=CPU, profile_memory=True, with_stack=True)
    with recording as prof, record_function("making"):
        kept = [
            torch.ones(4), torch.full((2,), 3.0), torch.rand(50, 50), torch.arange(5),
            torch.tensor([1.0]), torch.eye(3), torch.linspace(0, 1, 3), torch.randperm(9),
        ]  # fmt: skip
        kept += [torch.zeros_like(kept[0]), kept[0].new_empty(2), torch.randn_like(kept[0])]
    assert (flags.active, flags.devices) == before
    block = prof.events()[0]
    names = [event.name.removeprefix("aten::") for event in block.cpu_children]
    assert names == ["ones", "full", "rand", "arange", "tensor", "eye", "linspace", "randperm",
                     "zeros_like", "new_empty", "randn_like"]  # fmt: skip
    assert [e.cpu_memory_usage for e in block.cpu_children] == [t._array.nbytes for t in kept]
    assert all(e.cpu_time_total > 0 for e in block.cpu_children)
    assert all("test_factory_functions" in e.stack[0] for e in block.cpu_children)


def test_memory_that_is_given_back() -> None:
    """Counts, negative, for the event that runs, or for one of its own."""
    with profile(activities=CPU, profile_memory=True) as prof:
        x = torch.ones(100)
        with record_function("forget"):
            del x
        y = torch.ones(10)
        z = y.view(2, 5).detach()  # no memory of their own
        del y, z
    found = {e.name: e.cpu_memory_usage for e in prof.events()}
    assert found["forget"] == -400 and found["[memory]"] == -40
    assert found["aten::view"] == found["aten::detach"] == 0


def test_optimizers_are_named() -> None:
    """Their steps, and their clearing of gradients."""
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    with profile(activities=CPU) as prof:
        (w * w).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    names = [e.name for e in prof.events() if e.name.startswith("Optimizer")]
    assert names == ["Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad"]


def test_traces_with_notes(tmp_path: Path) -> None:
    """Both profilers write them, by whatever way is asked for."""
    with old.profile() as prof:
        torch.ones(2)
    prof.export_chrome_trace(str(tmp_path / "a.json"), {"note": 1}, use_python_export=True)
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["note"] == 1 and written["traceEvents"][-1]["name"] == "aten::ones"


def test_observer_and_its_folder(tmp_path: Path) -> None:
    """The file may be compressed; the folder stands beside it if it is asked for."""
    path = str(tmp_path / "trace.json.gz")
    observer = torch.profiler.ExecutionTraceObserver().register_callback(path)
    assert observer.get_resources_dir() is None
    observer.set_extra_resource_collection(True)
    assert observer.get_resources_dir() == str(tmp_path / "trace.json_resources")
    with observer:
        torch.ones(2).exp()
    with gzip.open(path, "rt") as file:
        assert [node["name"] for node in json.load(file)["nodes"]] == ["aten::exp"]
    assert observer.get_resources_dir_for_et_path(str(tmp_path / "other.json")) is None


def _nvprof_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.executescript("""
            CREATE TABLE StringTable (_id_ INTEGER, value TEXT);
            INSERT INTO StringTable VALUES (1, 'add'), (2, 'kernel_of_add'), (3, 'mul');
            CREATE TABLE CUPTI_ACTIVITY_KIND_MARKER (id INTEGER, name INTEGER, timestamp INTEGER);
            INSERT INTO CUPTI_ACTIVITY_KIND_MARKER VALUES
                (8, 3, 9000), (8, 0, 9500), (7, 1, 1000), (7, 0, 5000);
            CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME
                (_id_ INTEGER, cbid INTEGER, start INTEGER, end INTEGER, correlationId INTEGER);
            INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (1, 211, 2000, 2500, 40);
            CREATE TABLE CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL
                (name INTEGER, start INTEGER, end INTEGER, correlationId INTEGER);
            INSERT INTO CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL VALUES (2, 3000, 4500, 40);
        """)


def test_databases_of_nvprof(tmp_path: Path) -> None:
    """Marks become events, with the kernels launched between their ends."""
    _nvprof_database(tmp_path / "trace.nvvp")
    events = old.load_nvprof(str(tmp_path / "trace.nvvp"))
    assert [(e.name, e.time_range.start, e.cpu_time_total) for e in events] == [
        ("add", 1.0, 4.0), ("mul", 9.0, 0.5),
    ]  # fmt: skip
    assert events[0].kernels == [("kernel_of_add", 0, 1.5)] and events[1].kernels == []
    with pytest.raises(sqlite3.Error):
        old.parse_nvprof_trace(str(tmp_path / "nothing"))
