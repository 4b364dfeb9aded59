"""Small tools: swapping tensors, throughput, native frames, names of devices, determinism."""

from __future__ import annotations

import json
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import flambeau as torch
from flambeau.utils import ThroughputBenchmark, deterministic, swap_tensors


def test_swapped_tensors() -> None:
    """Values, gradients, attributes and classes change places; identities stay."""
    a, b = torch.nn.Parameter(torch.ones(2)), torch.zeros(3)
    a.note, a.grad = "mine", torch.full((2,), 5.0)
    swap_tensors(a, b)
    assert a.tolist() == [0.0] * 3 and type(a) is torch.Tensor and not a.requires_grad
    assert b.tolist() == [1.0] * 2 and isinstance(b, torch.nn.Parameter) and b.note == "mine"
    assert b.grad.tolist() == [5.0, 5.0] and a.grad is None
    (b * 3).sum().backward()
    assert b.grad.tolist() == [8.0, 8.0]


def test_graphs_of_swapped_tensors_are_closed() -> None:
    """A pass that would reach what the tensor was raises, as do weak references."""
    a, b = torch.ones(2, requires_grad=True), torch.zeros(2)
    y = (a * 2).sum()
    swap_tensors(a, b)
    with pytest.raises(RuntimeError, match="was poisoned by swap_tensors"):
        y.backward()
    keep = weakref.ref(a)
    with pytest.raises(RuntimeError, match=r"^Cannot swap t1 because it has weakref"):
        swap_tensors(a, b)
    assert keep() is a


def test_throughput(tmp_path: Path) -> None:
    """All calls are made, from several threads, with inputs of the set."""
    calls: list[int] = []
    bench = ThroughputBenchmark(lambda x, y=0: calls.append(len(x)) or torch.ones(3).exp())
    with pytest.raises(RuntimeError, match=r"^Please provide benchmark inputs\."):
        bench.benchmark()
    bench.add_input([1], y=2)
    bench.add_input([1, 2])
    trace = tmp_path / "trace.json"
    stats = bench.benchmark(3, num_warmup_iters=2, num_iters=20, profiler_output_path=str(trace))
    assert len(calls) == 3 * 2 + 20 and set(calls) <= {1, 2}
    assert stats.num_iters == 20 and stats.latency_avg_ms > 0
    assert "Total number of iterations: 20" in str(stats)
    assert json.loads(trace.read_text())["traceEvents"]
    assert bench.run_once([1]).shape == (3,)


def test_memory_that_nobody_has_written_to() -> None:
    """Deterministic mode fills it, unless told otherwise."""
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.empty(2).isnan().all() and torch.empty_like(torch.ones(2)).isnan().all()
        assert torch.empty(1, dtype=torch.int32).item() == 2**31 - 1
        assert torch.empty(1, dtype=torch.bool).item() is True
        deterministic.fill_uninitialized_memory = False
        assert deterministic.fill_uninitialized_memory is False
        torch.ones(2).new_empty(2)
    finally:
        torch.use_deterministic_algorithms(False)
        deterministic.fill_uninitialized_memory = True
    with pytest.raises(RuntimeError, match="expected a bool, but got int"):
        deterministic.fill_uninitialized_memory = 1


def test_native_frames() -> None:
    """Innermost first, numbered, as many as asked for."""
    lines = torch.utils.get_cpp_backtrace(1, 3).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["frame #0", "frame #1", "frame #2"]


RENAMING = """
import flambeau as torch
from flambeau.utils import generate_methods_for_privateuse1_backend as generate
torch.utils.rename_privateuse1_backend("foo")
torch.utils.rename_privateuse1_backend("foo")
assert str(torch.device("foo", 1)) == "foo:1"
generate(for_storage=True)
assert torch.ones(1).is_foo is False and torch.ones(1).untyped_storage().is_foo is False
for act, error in (
    (lambda: torch.ones(1).foo(), NotImplementedError),
    (lambda: torch.nn.Linear(1, 1).foo(), NotImplementedError),
    (generate, RuntimeError),
    (lambda: torch.utils.rename_privateuse1_backend("bar"), RuntimeError),
):
    try:
        act()
    except error:
        continue
    raise AssertionError(act)
"""


def test_a_device_type_of_ones_own() -> None:
    """A name can be given once in a process; there are no tensors on it."""
    subprocess.run([sys.executable, "-c", RENAMING], check=True)
