"""``ThroughputBenchmark``: how many calls of a module several threads get through."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from flambeau.autograd.profiler import profile
from flambeau.utils.benchmark.common import select_unit

Call = tuple[tuple[Any, ...], dict[str, Any]]


def _with_unit(seconds: float) -> str:
    unit, scale = select_unit(seconds)
    return f"{seconds / scale:.3f}{unit}"


@dataclass(frozen=True)
class ExecutionStats:
    """What one run of a benchmark has shown."""

    num_iters: int
    latency_avg_ms: float  # of one call, as its thread saw it
    num_calling_threads: int

    @property
    def iters_per_second(self) -> float:
        """Calls a second, of all threads together."""
        return self.num_iters / self.total_time_seconds

    @property
    def total_time_seconds(self) -> float:
        """The time that the calls took, where threads ran beside each other."""
        return self.num_iters * (self.latency_avg_ms / 1000) / self.num_calling_threads

    def __str__(self) -> str:
        return "\n".join([
            f"Average latency per example: {_with_unit(self.latency_avg_ms / 1000)}",
            f"Total number of iterations: {self.num_iters}",
            "Total number of iterations per second (across all threads): "
            f"{self.iters_per_second:.2f}",
            f"Total time: {_with_unit(self.total_time_seconds)}",
        ])  # fmt: skip


class ThroughputBenchmark:
    """Calls a module from several threads with inputs drawn from a set, as a server would.

    Operators of NumPy and compiled kernels run beside each other; Python runs in one thread at a
    time.

    >>> bench = ThroughputBenchmark(torch.nn.Linear(3, 2))
    >>> bench.add_input(torch.ones(1, 3))
    >>> bench.benchmark(num_calling_threads=2, num_warmup_iters=1, num_iters=10).num_iters >= 10
    True
    """

    def __init__(self, module: Callable[..., Any]) -> None:
        self._module = module
        self._inputs: list[Call] = []

    def add_input(self, *args: Any, **kwargs: Any) -> None:
        """Adds the arguments of a call to the set."""
        self._inputs.append((args, kwargs))

    def run_once(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the module."""
        return self._module(*args, **kwargs)

    def benchmark(
        self,
        num_calling_threads: int = 1,
        num_warmup_iters: int = 10,
        num_iters: int = 100,
        profiler_output_path: str = "",
    ) -> ExecutionStats:
        """Calls the module ``num_iters`` times in all, after ``num_warmup_iters`` in each thread.

        With ``profiler_output_path`` the operators of one of the threads are recorded, and written
        there as a Chrome trace.
        """
        if not self._inputs:
            raise RuntimeError(
                "Please provide benchmark inputs.Did you forget to call add_input()? "
            )
        turns, seconds = itertools.count(), [0.0]
        barrier, lock = threading.Barrier(num_calling_threads), threading.Lock()

        def serve() -> None:
            for _ in range(num_warmup_iters):
                self._draw()
            barrier.wait()
            spent = 0.0
            while next(turns) < num_iters:
                start = perf_counter()
                self._draw()
                spent += perf_counter() - start
            with lock:
                seconds[0] += spent

        self._serve(serve, num_calling_threads, profiler_output_path)
        return ExecutionStats(num_iters, 1e3 * seconds[0] / num_iters, num_calling_threads)

    def _draw(self) -> None:
        args, kwargs = random.choice(self._inputs)
        self._module(*args, **kwargs)

    def _serve(self, serve: Callable[[], None], threads: int, trace: str) -> None:
        others = [threading.Thread(target=serve) for _ in range(threads - 1)]
        for thread in others:
            thread.start()
        with profile(enabled=bool(trace)) as recording:
            serve()
        for thread in others:
            thread.join()
        if recording is not None:
            recording.export_chrome_trace(trace)
