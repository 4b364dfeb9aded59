"""Timing: the printed forms are PyTorch's, character by character."""

from __future__ import annotations

import shutil

import numpy
import pytest

import flambeau as torch
from flambeau import nn
from flambeau.utils import benchmark
from flambeau.utils.benchmark import CopyIfCallgrind, FunctionCount, FunctionCounts, Timer


def task(sub: str, column: str, threads: int = 1) -> benchmark.TaskSpec:
    return benchmark.TaskSpec("f", "", label="LAB", sub_label=sub, description=column,
                              num_threads=threads)  # fmt: skip


def test_measurement_prints_as_pytorch() -> None:
    times = [1e-3, 1.1e-3, 0.9e-3, 1.2e-3, 3e-3]
    measured = benchmark.Measurement(10, times, task("a", "x"))
    assert repr(measured).splitlines()[1:] == [
        "LAB: a",
        "x",
        "  Median: 110.00 us",
        "  IQR:    20.00 us (100.00 to 120.00)",
        "  5 measurements, 10 runs per measurement, 1 thread",
        "  WARNING: Interquartile range is 18.2% of the median measurement.",
        "           This could indicate system fluctuation.",
    ]
    assert measured.has_warnings and measured.num_threads == 1
    assert benchmark.Measurement(10, [1e-3] * 20, task("a", "x")).significant_figures == 3


def test_compare_prints_as_pytorch() -> None:
    rows = [("a", "x", 1, 1e-3), ("a", "y", 1, 2e-3), ("b", "x", 1, 3e-3), ("b", "y", 2, 4e-6)]
    measured = [benchmark.Measurement(1, [t], task(s, c, n)) for s, c, n, t in rows]
    assert str(benchmark.Compare(measured)).splitlines() == [
        "[----------- LAB -----------]",
        "         |    x     |    y   ",
        "1 threads: ------------------",
        "      a  |  1000.0  |  2000.0",
        "      b  |  3000.0  |        ",
        "2 threads: ------------------",
        "      b  |          |     4.0",
        "",
        "Times are in microseconds (us).",
    ]
    compare = benchmark.Compare(measured)
    compare.trim_significant_figures()
    assert str(compare).splitlines()[3] == "      a  |  1000  |  2000"
    with pytest.raises(ValueError, match="Expected an instance of `Measurement`"):
        benchmark.Compare([1])


def test_timer_counts_and_repeats() -> None:
    clock = iter(numpy.arange(1e6))
    calls: list[int] = []
    timer = benchmark.Timer(
        "f()", globals={"f": lambda: calls.append(1)}, timer=lambda: next(clock)
    )
    measured = timer.timeit(7)
    assert (measured.number_per_run, measured.raw_times, len(calls)) == (7, [1.0], 9)
    quick = benchmark.Timer("x + 1", globals={"x": torch.ones(2)}, label="l", sub_label="s")
    found = quick.blocked_autorange(min_run_time=0.01)
    assert sum(found.raw_times) >= 0.01 and found.title == "l: s"
    with pytest.raises(ValueError, match="Currently only a `str` stmt"):
        benchmark.Timer(lambda: None)


def test_fuzzer_draws_within_constraints() -> None:
    n = benchmark.FuzzedParameter("n", 2, 64, "loguniform")
    x = benchmark.FuzzedTensor("x", ("n", "n"), max_elements=1000, probability_contiguous=0.0)
    fuzzer = benchmark.Fuzzer([n], [x], seed=1)
    for tensors, about, params in fuzzer.take(5):
        assert tensors["x"].shape == (params["n"], params["n"]) == about["x"]["size"]
        assert tensors["x"].numel() <= 1000
    assert benchmark.trim_sigfig(1234.5, 2) == 1200.0
    assert benchmark.select_unit(1e-4) == ("us", 1e-6)


COUNTS = FunctionCounts(
    (
        FunctionCount(5, "/x/Python/ceval.c:f [lib]"),
        FunctionCount(-3, "dictobject.c:lookdict_unicode"),
    ),
    inclusive=False,
)


def test_counts_of_instructions() -> None:
    """Lists are added, subtracted, renamed, chosen from and printed."""
    assert (COUNTS + COUNTS).sum() == (COUNTS * 2).sum() == 4 and len(COUNTS - COUNTS) == 0
    assert COUNTS[0] == (5, "/x/Python/ceval.c:f [lib]") and len(COUNTS[:1]) == 1
    assert list(COUNTS.transform(lambda name: "one")) == [(2, "one")]
    assert COUNTS.denoise().sum() == 5
    assert repr(COUNTS).splitlines()[1:] == [
        "    5  /x/Python/ceval.c:f [lib]", "   -3  dictobject.c:lookdict_unicode", "", "Total: 2",
    ]  # fmt: skip
    long = FunctionCounts(tuple([FunctionCount(i, "n" * 200) for i in range(30)]), inclusive=True)
    assert len(repr(long).splitlines()) == 1 + 9 + 1 + 9 and " ... " in repr(long)
    with pytest.raises(AssertionError, match="Cannot merge inclusive and exclusive counts"):
        COUNTS + long


def test_globals_of_other_processes() -> None:
    """Numbers, text and modules may be copied; what is not wrapped, or anything else, may not."""
    wrapped = {"a": CopyIfCallgrind(3, setup="import math"), "n": CopyIfCallgrind(nn.Linear(1, 1))}
    assert wrapped["a"].setup == "import math" and wrapped["a"].serialization.name == "PICKLE"
    assert CopyIfCallgrind.unwrap_all({**wrapped, "b": 4})["a"] == 3
    with pytest.raises(ValueError, match=r"^Unsupported type: <class 'list'>"):
        CopyIfCallgrind([1])
    with pytest.raises(ValueError, match="`repeats` must be >= 1"):
        Timer("1").collect_callgrind(repeats=0)


@pytest.mark.skipif(shutil.which("callgrind_annotate") is None, reason="Valgrind is not installed")
def test_callgrind_counts_a_statement() -> None:
    """More for more work; the loop itself is counted apart."""
    timer = Timer("x + x", setup="x = torch.ones(k)", globals={"k": CopyIfCallgrind(4)}, label="l")
    stats = timer.collect_callgrind(number=5)
    assert stats.number_per_run == 5 and stats.stmt_callgrind_out is None
    assert stats.counts() > stats.baseline_exclusive_stats.sum() > 0
    assert stats.stats(inclusive=True)[0].count <= stats.counts()
    assert stats.delta(stats).sum() == 0 and "5 runs per measurement, 1 thread" in repr(stats)
    names = [name for _, name in stats.as_standardized().stats()]
    assert not [name for name in names if name.endswith("]")]


def test_callgrind_needs_its_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what is missing; unwrapped globals are refused."""
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "which", lambda name: None)
        with pytest.raises(OSError, match="Missing: valgrind, callgrind_control"):
            Timer("1").collect_callgrind()
    monkeypatch.setattr(shutil, "which", lambda name: name)
    with pytest.raises(ValueError, match="requires that globals be wrapped in `CopyIfCallgrind`"):
        Timer("x", globals={"x": 1}).collect_callgrind()


@pytest.mark.parametrize("coalesced", [True, False])
def test_random_sparse_tensors(coalesced: bool) -> None:
    """Density, sparse dimensions and coalescing follow the parameters."""
    parameters = [
        benchmark.FuzzedParameter("n", minval=8, maxval=16, distribution="uniform"),
        benchmark.FuzzedParameter("density", distribution={0.5: 1.0}),
        benchmark.FuzzedParameter("coalesced", distribution={coalesced: 1.0}),
        benchmark.FuzzedParameter("sparse_dim", distribution={1: 1.0}),
    ]
    sparse = benchmark.FuzzedSparseTensor("x", ("n", 4), sparse_dim="sparse_dim")
    for made, about, params in benchmark.Fuzzer(parameters, [sparse], seed=1).take(3):
        x, known = made["x"], about["x"]
        assert x.layout is torch.sparse_coo and tuple(x.shape) == (params["n"], 4)
        assert x.is_coalesced() is known["is_coalesced"] is coalesced
        assert (known["sparse_dim"], known["dense_dim"], known["is_hybrid"]) == (1, 1, True)
        count = -(-(params["n"] + 4) // 2)
        assert x._nnz() <= count if coalesced else x._nnz() == 2 * count
