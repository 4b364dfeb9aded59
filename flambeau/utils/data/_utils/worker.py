"""What a worker process knows about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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


def become(info: WorkerInfo) -> None:
    """Makes this process a worker."""
    global _current
    _current = info
