"""``DataLoader``: batches of a dataset, in the order of a sampler."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from flambeau.core.generator import Generator
from flambeau.utils.data._utils.collate import default_collate, default_convert
from flambeau.utils.data._utils.fetch import IterableFetcher, MapFetcher
from flambeau.utils.data._utils.pin_memory import can_pin, pin_memory
from flambeau.utils.data._utils.processes import Schedule, Workers
from flambeau.utils.data._utils.worker import get_worker_info
from flambeau.utils.data.dataset import Dataset, IterableDataset
from flambeau.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    random_seed,
)

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)
_MAP, _ITERABLE = 0, 1


class _InfiniteConstantSampler(Sampler[None]):
    """Stands for the order of an iterable dataset."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches.

    Args:
        dataset: samples by index, or an ``IterableDataset``.
        batch_size: the samples in a batch; None gives the samples themselves.
        shuffle: a new random order each time.
        sampler: the order, an iterable of indices, instead of ``shuffle``.
        batch_sampler: an iterable of lists of indices, instead of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: how many processes prepare batches; 0 does it here.
        collate_fn: makes a batch from a list of samples.
        pin_memory: batches in page-locked memory, where there is CUDA.
        drop_last: leaves out a last batch that is not full.
        timeout: the seconds to wait for a worker's batch.
        worker_init_fn: called in each worker with its number.
        multiprocessing_context: how workers are started: ``"fork"``, ``"spawn"``, ...
        generator: where the order and the seeds of the workers come from.
        prefetch_factor: how many batches each worker prepares ahead (2 by default).
        persistent_workers: keeps the workers for the next round.
        pin_memory_device: no longer needed.
        in_order: whether batches come in order with several workers.

    With one seed the batches are those of PyTorch.

    Example::

        loader = DataLoader(dataset, batch_size=64, shuffle=True)
        for images, labels in loader:
            ...
    """

    dataset: Dataset[T_co]
    batch_size: int | None
    num_workers: int
    pin_memory: bool
    drop_last: bool
    timeout: float
    sampler: Any
    batch_sampler: Any
    pin_memory_device: str
    prefetch_factor: int | None
    __initialized = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        prefetch_factor = _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset, self.num_workers, self.prefetch_factor = dataset, num_workers, prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn = timeout, worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self._dataset_kind = _ITERABLE if isinstance(dataset, IterableDataset) else _MAP
        if self._dataset_kind == _ITERABLE:
            _check_iterable(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )
        if sampler is None:
            sampler = self._order(dataset, shuffle, generator)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator: Any = None
        self.check_worker_number_rationality()

    def _order(self, dataset: Any, shuffle: bool | None, generator: Generator | None) -> Any:
        if self._dataset_kind == _ITERABLE:
            return _InfiniteConstantSampler()
        if shuffle:
            return RandomSampler(dataset, generator=generator)
        return SequentialSampler(dataset)

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started; None is the default of the platform."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers <= 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading "
                    f"(num_workers > 0), but got num_workers={self.num_workers}"
                )
            context = _context(context)
        self.__multiprocessing_context = context

    def __setattr__(self, name: str, value: Any) -> None:
        fixed = (
            "batch_size", "batch_sampler", "sampler", "drop_last", "dataset",
            "persistent_workers",
        )  # fmt: skip
        if self.__initialized and name in fixed:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        if not self.persistent_workers:
            return _MultiProcessingDataLoaderIter(self)
        if self._iterator is None:
            self._iterator = _MultiProcessingDataLoaderIter(self)
        else:
            self._iterator._reset(self)
        return self._iterator

    def __len__(self) -> int:
        if self._dataset_kind != _ITERABLE:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is not None:
            whole, rest = divmod(length, self.batch_size)
            length = whole if self.drop_last or not rest else whole + 1
        return length

    def check_worker_number_rationality(self) -> None:
        """Warns about more workers than this machine has processors for."""
        if not self.num_workers:
            return
        usable = getattr(os, "sched_getaffinity", None)
        most = len(usable(0)) if usable else os.cpu_count()
        if most is None:
            advice = (
                "DataLoader is not able to compute a suggested max number of worker in current "
                "system."
            )
        elif self.num_workers > most:
            advice = (
                f"Our suggested max number of worker in current system is {most}, which is "
                "smaller than what this DataLoader is going to create."
            )
        else:
            return
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. {advice} "
            "Please be aware that excessive worker creation might get DataLoader running slow or "
            "even freeze, lower the worker number to avoid potential slowness/freeze if "
            "necessary.",
            stacklevel=3,
        )


def _check_workers(
    number: int, timeout: float, prefetch_factor: int | None, persistent: bool
) -> int | None:
    """ValueError for options of workers that do not fit; the batches that each prepares ahead."""
    if number < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable "
            "multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if number == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > "
            "0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if number > 0 and prefetch_factor is None:
        prefetch_factor = 2
    elif prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and number == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    return prefetch_factor


def _check_iterable(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    for name, value, given in (
        ("shuffle", shuffle, shuffle not in (None, False)),
        ("sampler", sampler, sampler is not None),
        ("batch_sampler", batch_sampler, batch_sampler is not None),
    ):
        if given:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                f"{name}={value}"
            )


def _context(given: Any) -> Any:
    if isinstance(given, str):
        valid = multiprocessing.get_all_start_methods()
        if given not in valid:
            raise ValueError(
                "multiprocessing_context option should specify a valid start method in "
                f"{valid!r}, but got multiprocessing_context={given!r}"
            )
        return multiprocessing.get_context(given)
    if not isinstance(given, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={given}"
        )
    return given


# ---- one round


def fetcher_of(
    kind: int, dataset: Any, batched: bool, collate: Callable[[Any], Any], drop_last: bool
) -> Any:
    """What takes samples out of a dataset."""
    if kind == _ITERABLE:
        return IterableFetcher(dataset, batched, collate, drop_last)
    return MapFetcher(dataset, batched, collate)


def make_fetcher(loader: Any) -> Callable[[], Any]:
    """A function that makes what takes samples out of the loader's dataset."""
    parts = loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last
    return functools.partial(fetcher_of, loader._dataset_kind, *parts)


class _BaseDataLoaderIter:
    """One round of a loader. A subclass defines ``_next_data``."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._pin_memory = loader.pin_memory and _can_pin()
        self._start(loader)

    def _start(self, loader: Any) -> None:
        self._base_seed = random_seed(loader.generator)
        self._sampler_iter = iter(loader._index_sampler)
        self._num_yielded = 0
        self._reported = loader._IterableDataset_len_called

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def _next_index(self) -> Any:
        return next(self._sampler_iter)

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        if self._reported is not None and self._num_yielded > self._reported:
            self._warn_length()
        return pin_memory(data) if self._pin_memory else data

    def _warn_length(self) -> None:
        text = (
            f"Length of IterableDataset {self._loader.dataset} was reported to be "
            f"{self._reported} (when accessing len(dataloader)), but {self._num_yielded} samples "
            "have been fetched. "
        )
        if self._loader.num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly "
                "configuring the IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for "
                "examples."
            )
        warnings.warn(text, stacklevel=3)

    def __len__(self) -> int:
        return len(self._loader._index_sampler)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """A round in this process."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._dataset_fetcher = make_fetcher(loader)()

    def _next_data(self) -> Any:
        return self._dataset_fetcher.fetch(self._next_index())


def _can_pin() -> bool:
    """Whether there is CUDA; warns where there is none."""
    if can_pin():
        return True
    warnings.warn(
        "'pin_memory' argument is set as true but no accelerator is found, then device pinned "
        "memory won't be used.",
        stacklevel=5,
    )
    return False


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """A round, or with persistent workers one after the other, in worker processes."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._workers = Workers(loader, self._base_seed, make_fetcher(loader))
        iterable = loader._dataset_kind == _ITERABLE
        prefetch = loader.prefetch_factor
        self._schedule = Schedule(self._workers, prefetch, loader.in_order, iterable)
        self._schedule.fill(self._sampler_iter)

    def _reset(self, loader: Any) -> None:
        """Starts another round with the same workers."""
        self._schedule.drain(loader.timeout)
        self._start(loader)
        self._schedule.fill(self._sampler_iter)

    def _next_data(self) -> Any:
        try:
            return self._schedule.result(self._sampler_iter, self._loader.timeout)
        except StopIteration:
            if not self._loader.persistent_workers:
                self._workers.stop()
            raise
        except RuntimeError:
            if any(not process.is_alive() for process in self._workers.processes):
                self._workers.stop()
            raise
