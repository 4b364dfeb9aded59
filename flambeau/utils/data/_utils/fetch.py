"""Takes the samples of a batch out of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.utils.data._utils.collate import default_collate
from flambeau.utils.data.dataset import Subset, TensorDataset


class MapFetcher:
    """By index; ``batched`` says whether an index is a list of them."""

    def __init__(self, dataset: Any, batched: bool, collate: Callable[[Any], Any]) -> None:
        self.dataset, self.batched, self.collate = dataset, batched, collate

    def fetch(self, index: Any) -> Any:
        """The samples at an index, put together."""
        dataset = self.dataset
        if not self.batched:
            return self.collate(dataset[index])
        if self.collate is default_collate and index:
            rows = _rows(dataset, index)
            if rows is not None:
                return rows
        if callable(getattr(dataset, "__getitems__", None)):
            return self.collate(dataset.__getitems__(index))
        return self.collate([dataset[one] for one in index])


def _rows(dataset: Any, indices: list[int]) -> list[Any] | None:
    """A batch of a TensorDataset, or a Subset of one, without taking it apart first."""
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[index] for index in indices]
    if type(dataset) is not TensorDataset:
        return None
    return [tensor[indices] for tensor in dataset.tensors]


class IterableFetcher:
    """One after the other, until the dataset ends."""

    def __init__(
        self, dataset: Any, batched: bool, collate: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.samples = iter(dataset)
        self.batched, self.collate, self.drop_last = batched, collate, drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The next samples, as many as there are indices."""
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate(next(self.samples))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate(batch)
