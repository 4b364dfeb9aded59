"""A sampler that gives each process its part of the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from importlib import import_module
from typing import Any

from flambeau.core.generator import Generator
from flambeau.ops.random import randperm
from flambeau.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[Any]):
    """Every process takes each ``num_replicas``-th index of one order that all share.

    The order is filled up with its own beginning, or with ``drop_last`` shortened, until it can
    be shared out evenly. ``set_epoch`` changes it from round to round.

    Args:
        dataset: what to sample from.
        num_replicas: the number of processes; that of the process group by default.
        rank: which of them this is; the rank in the process group by default.
        shuffle: a random order, the same in all processes.
        seed: of the order; equal in all processes.
        drop_last: whether to leave out the last indices that not every process could get.

    Example::

        sampler = DistributedSampler(dataset)
        for epoch in range(10):
            sampler.set_epoch(epoch)
            train(DataLoader(dataset, sampler=sampler))
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None:
            num_replicas = _group().get_world_size()
        if rank is None:
            rank = _group().get_rank()
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.epoch, self.drop_last = 0, drop_last
        self.shuffle, self.seed = shuffle, seed
        total = len(dataset)
        if drop_last and total % num_replicas != 0:
            self.num_samples = math.ceil((total - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(total / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[Any]:
        order = self._order()
        missing = self.total_size - len(order)
        if self.drop_last:
            order = order[: self.total_size]
        elif missing <= len(order):
            order += order[:missing]
        else:
            order += (order * math.ceil(missing / len(order)))[:missing]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def _order(self) -> list[int]:
        if not self.shuffle:
            return list(range(len(self.dataset)))
        generator = Generator().manual_seed(self.seed + self.epoch)
        return randperm(len(self.dataset), generator=generator).tolist()

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Makes the next order another one, the same in all processes."""
        self.epoch = epoch


def _group() -> Any:
    """The distributed package, if it is there and a process group is running."""
    distributed = import_module("flambeau.distributed")
    if not distributed.is_available():
        raise RuntimeError("Requires distributed package to be available")
    if not distributed.is_initialized():
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return distributed
