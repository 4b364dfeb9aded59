"""A worker process of a loader: it takes indices and gives back batches."""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from flambeau.ops.seeding import manual_seed
from flambeau.settings import set_num_threads
from flambeau.utils.data._utils import transport

ORPHAN_CHECK = 5.0  # seconds between looks at whether the main process is still there
END, RESUME = "end", "resume"


@dataclass(frozen=True)
class WorkerInfo:
    """A worker of a loader: its number, how many there are, its seed and its dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_current: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The worker that this process is: ``id``, ``num_workers``, ``seed`` and ``dataset``.

    None in the main process.
    """
    return _current


class Failure:
    """An exception of a worker, on its way to the main process."""

    def __init__(self, where: str) -> None:
        kind, _, _ = sys.exc_info()
        assert kind is not None
        self.kind, self.where = kind, where
        self.text = traceback.format_exc()

    def __reduce__(self) -> tuple[Any, ...]:
        return _failure, (self.kind, self.where, self.text)

    def reraise(self) -> None:
        """Raises the exception again, with the worker's traceback in its message."""
        message = f"Caught {self.kind.__name__} {self.where}.\nOriginal {self.text}"
        if self.kind is KeyError:
            raise KeyError(_Text(message))
        try:
            error = self.kind(message)
        except Exception:  # a class that wants other arguments
            raise RuntimeError(message) from None
        raise error


class _Text(str):
    """A message that KeyError shows with its line breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _failure(kind: type[BaseException], where: str, text: str) -> Failure:
    made = object.__new__(Failure)
    made.kind, made.where, made.text = kind, where, text
    return made


def run(
    number: int,
    count: int,
    base_seed: int,
    dataset: Any,
    make_fetcher: Callable[[], Any],
    init: Callable[[int], None] | None,
    orders: Any,
    results: Any,
) -> None:
    """The life of a worker: until it is told to stop, or the main process is gone."""
    parent = os.getppid()
    where = f"in DataLoader worker process {number}"
    failure = _begin(number, count, base_seed, dataset, init, where)
    fetcher = None
    while (order := _next_order(orders, parent)) is not None:
        task, index = order
        if task == RESUME:
            fetcher = None
            continue
        try:
            if failure is None:
                fetcher = make_fetcher() if fetcher is None else fetcher
                answer = fetcher.fetch(index)
            else:
                answer, failure = failure, None
        except StopIteration:
            answer = END
        except Exception:
            answer = Failure(where)
        try:
            transport.send(results, (task, answer))
        except (BrokenPipeError, ConnectionError):
            return
        except Exception:  # what cannot be pickled
            transport.send(results, (task, Failure(where)))


def _begin(
    number: int, count: int, base_seed: int, dataset: Any, init: Any, where: str
) -> Failure | None:
    """Seeds the generators and says who this process is; what went wrong meanwhile."""
    global _current
    seed = base_seed + number
    random.seed(seed)
    manual_seed(seed)
    words = [number, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))
    set_num_threads(1)
    _current = WorkerInfo(number, count, seed, dataset)
    try:
        if init is not None:
            init(number)
    except Exception:
        return Failure(where)
    return None


def _next_order(orders: Any, parent: int) -> Any:
    """The next task, or None when it is time to go."""
    while not orders.poll(ORPHAN_CHECK):
        if os.getppid() != parent:
            return None
    try:
        return orders.recv()
    except (EOFError, OSError):
        return None
