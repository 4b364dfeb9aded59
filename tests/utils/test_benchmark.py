"""Timing: the printed forms are PyTorch's, character by character."""

from __future__ import annotations

import numpy
import pytest

import flambeau as torch
from flambeau.utils import benchmark


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
