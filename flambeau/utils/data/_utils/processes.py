"""The main process's side of the workers: who does what, and in which order results come."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import weakref
from multiprocessing.connection import wait
from typing import Any

from flambeau.utils.data._utils import transport, worker
from flambeau.utils.data._utils.worker import END, RESUME, Failure

PATIENCE = 5.0  # seconds that a worker gets to finish before it is ended


class Workers:
    """The processes, with a pipe for orders and one for results each."""

    def __init__(self, loader: Any, base_seed: int, make_fetcher: Any) -> None:
        context = loader.multiprocessing_context or multiprocessing.get_context()
        self.processes: list[Any] = []
        self.orders: list[Any] = []
        self.results: list[Any] = []
        count = loader.num_workers
        for number in range(count):
            orders_end, orders = context.Pipe(duplex=False)
            results, results_end = context.Pipe(duplex=True)
            process = context.Process(
                target=worker.run,
                args=(
                    number, count, base_seed, loader.dataset, make_fetcher,
                    loader.worker_init_fn, orders_end, results_end,
                ),
                daemon=True,
            )  # fmt: skip
            process.start()
            orders_end.close()
            results_end.close()  # so that the end of the worker is the end of the pipe
            self.processes.append(process)
            self.orders.append(orders)
            self.results.append(results)
        parts = self.processes, self.orders, self.results
        self.stop = weakref.finalize(self, _stop, os.getpid(), *parts)

    def order(self, number: int, task: Any, index: Any) -> None:
        """Gives a task to a worker."""
        try:
            self.orders[number].send((task, index))
        except OSError:
            raise self.death(number) from None

    def answer(self, busy: list[int], timeout: float) -> tuple[Any, Any]:
        """The next result of any of these workers."""
        waiting = {self.results[number]: number for number in busy}
        ready = wait(list(waiting), timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        number = waiting[ready[0]]  # type: ignore[index]
        try:
            return transport.receive(self.results[number])
        except (EOFError, OSError):
            raise self.death(number) from None

    def death(self, number: int) -> RuntimeError:
        """The error for a worker that is gone."""
        process = self.processes[number]
        process.join(PATIENCE)
        code, pid = process.exitcode, process.pid
        if code is not None and code < 0:
            name = signal.strsignal(-code) or str(-code)
            return RuntimeError(f"DataLoader worker (pid {pid}) is killed by signal: {name}. ")
        return RuntimeError(
            f"DataLoader worker (pid(s) {pid}) exited unexpectedly with exit code {code}"
        )


def _stop(owner: int, processes: list[Any], orders: list[Any], results: list[Any]) -> None:
    """Tells the workers to go, and ends those that do not."""
    if os.getpid() != owner:  # a forked child has inherited this, but not the workers
        return
    for connection in orders:
        try:
            connection.send(None)
        except OSError:
            continue
    for connection in (*orders, *results):
        connection.close()
    until = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.terminate()
            process.join()


class Schedule:
    """Which task is where, and whose turn it is.

    Tasks are numbered in the order of the sampler and go round the workers, each of which has
    ``prefetch`` of them; results that come too early wait for their turn.
    """

    def __init__(self, workers: Workers, prefetch: int, in_order: bool, iterable: bool) -> None:
        self.workers, self.prefetch = workers, prefetch
        self.in_order, self.iterable = in_order, iterable
        self.begin()

    def begin(self) -> None:
        """Nothing is under way."""
        count = len(self.workers.processes)
        self.next_task = self.next_result = self.turn = 0
        self.owner: dict[int, int] = {}  # of the tasks under way
        self.early: dict[int, Any] = {}
        self.active = [True] * count

    def fill(self, indices: Any) -> None:
        """Gives the workers as much as they prepare ahead."""
        for _ in range(self.prefetch * len(self.active)):
            self.more(indices)

    def more(self, indices: Any) -> None:
        """Gives the next task to the next worker that still works."""
        count = len(self.active)
        for step in range(count):
            number = (self.turn + step) % count
            if self.active[number]:
                break
        else:
            return
        try:
            index = next(indices)
        except StopIteration:
            return
        self.turn = number + 1
        self.workers.order(number, self.next_task, index)
        self.owner[self.next_task] = number
        self.next_task += 1

    def result(self, indices: Any, timeout: float) -> Any:
        """The next batch; StopIteration when there are no more."""
        while True:
            self._skip()
            if self.next_result >= self.next_task:
                raise StopIteration
            if self.next_result in self.early:
                answer = self.early.pop(self.next_result)
                self.next_result += 1
                break
            busy = sorted(set(self.owner.values()))
            task, answer = self.workers.answer(busy, timeout)
            number = self.owner.pop(task)
            if isinstance(answer, str) and answer == END and self.iterable:
                self.active[number] = False
                self.more(indices)
                continue
            if task == self.next_result:
                self.next_result += 1
                break
            if not self.in_order:
                self.early[task] = _GONE
                break
            self.early[task] = answer
        self.more(indices)
        if isinstance(answer, Failure):
            answer.reraise()
        return answer

    def _skip(self) -> None:
        """Passes over tasks that have been given away, or whose worker had no more samples."""
        while self.next_result < self.next_task:
            waits = self.next_result in self.owner
            if waits or self.early.get(self.next_result, _GONE) is not _GONE:
                return
            self.early.pop(self.next_result, None)
            self.next_result += 1

    def drain(self, timeout: float) -> None:
        """Takes in what is still under way, and starts the workers anew."""
        while self.owner:
            task, _ = self.workers.answer(sorted(set(self.owner.values())), timeout)
            self.owner.pop(task)
        for number in range(len(self.active)):
            self.workers.order(number, RESUME, None)
        self.begin()


_GONE = object()
