"""Samplers: the orders in which samples are taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from flambeau.core.dtype import float64, int64
from flambeau.core.generator import Generator
from flambeau.ops.creation import empty
from flambeau.ops.from_data import as_tensor
from flambeau.ops.random import randint, randperm
from flambeau.ops.sampling import multinomial

__all__ = [
    "BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler",
    "WeightedRandomSampler",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """An order of samples. A subclass defines ``__iter__``, which gives indices (or lists of them,
    for batches), and ``__len__`` where the number is known.

    Example::

        class Backwards(Sampler):
            def __init__(self, dataset):
                self.dataset = dataset

            def __iter__(self):
                return iter(range(len(self.dataset) - 1, -1, -1))
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """The samples in order."""

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def new_generator() -> Generator:
    """A generator whose seed is the next number of the default one."""
    return Generator().manual_seed(random_seed(None))


def random_seed(generator: Generator | None) -> int:
    """The next number of a generator, as a seed."""
    return int(empty((), dtype=int64).random_(generator=generator).item())


class RandomSampler(Sampler[int]):
    """The samples in random order, or with ``replacement`` drawn independently.

    Args:
        data_source: what to sample from.
        replacement: whether a sample may come again.
        num_samples: how many to draw; as many as there are by default. Without replacement more
            than that means several rounds.
        generator: where the order comes from; a new one a round of the loader by default.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source, self.replacement = data_source, replacement
        self._num_samples, self.generator = num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        _check_count(self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many samples are drawn; the length of the data may change meanwhile."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        total = len(self.data_source)
        generator = new_generator() if self.generator is None else self.generator
        if self.replacement:
            for _ in range(self.num_samples // 32):
                yield from _drawn(total, 32, generator)
            yield from _drawn(total, self.num_samples % 32, generator)
            return
        for _ in range(self.num_samples // total):
            yield from randperm(total, generator=generator).tolist()
        rest = self.num_samples % total
        yield from randperm(total, generator=generator).tolist()[:rest]

    def __len__(self) -> int:
        return self.num_samples


def _drawn(total: int, count: int, generator: Generator) -> list[int]:
    return randint(high=total, size=(count,), dtype=int64, generator=generator).tolist()


def _check_count(count: Any) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count <= 0:
        raise ValueError(
            f"num_samples should be a positive integer value, but got num_samples={count}"
        )


class SubsetRandomSampler(Sampler[int]):
    """Some indices in random order.

    Example::

        sampler = SubsetRandomSampler(train_indices)
    """

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for place in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with the given weights, which need not add up to 1.

    Example::

        sampler = WeightedRandomSampler([0.1, 0.9], num_samples=5)
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_count(num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(self.weights.shape)}"
            )
        self.num_samples, self.replacement = num_samples, replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists of ``batch_size``.

    Example::

        list(BatchSampler(SequentialSampler(range(7)), 3, False))  # [[0, 1, 2], [3, 4, 5], [6]]
    """

    sampler: Any
    batch_size: int
    drop_last: bool

    def __init__(
        self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1
