"""Datasets, samplers and the loader: PyTorch's orders for a seed, batches, messages."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

import flambeau as torch
from flambeau.utils import data
from flambeau.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


class Count(IterableDataset):
    def __init__(self, end=5):
        self.end = end

    def __iter__(self):
        return iter(range(self.end))


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def pairs():
    values = torch.arange(10.0)
    return TensorDataset(values, values * 2)


class TestOrders:
    """What PyTorch 2.13 gives for the same seeds."""

    def test_shuffled_batches_and_what_the_default_generator_gives_next(self):
        torch.manual_seed(0)
        batches = [batch.tolist() for batch in DataLoader(range(10), 3, True)]
        assert batches == [[6, 7, 1], [4, 2, 0], [9, 8, 3], [5]]
        assert torch.rand(1).item() == pytest.approx(0.3074, abs=5e-5)

    def test_a_generator_of_ones_own(self):
        loader = DataLoader(range(10), 3, True, generator=seeded(5))
        assert [batch.tolist() for batch in loader] == [[7, 4, 8], [1, 2, 3], [6, 5, 9], [0]]

    def test_samplers(self):
        ten = range(10)
        assert list(RandomSampler(ten, generator=seeded())) == [5, 6, 1, 2, 0, 8, 9, 3, 7, 4]
        drawn = list(RandomSampler(ten, True, 40, generator=seeded()))
        assert (drawn[:6], drawn[-4:]) == ([5, 9, 4, 8, 3, 3], [3, 6, 2, 0])
        several = list(RandomSampler(ten, False, 25, generator=seeded()))
        assert several[10:14] == [2, 3, 1, 8]
        weighted = WeightedRandomSampler([0.1, 0.2, 0.7], 5, generator=seeded())
        assert list(weighted) == [0, 1, 1, 1, 2]
        assert list(SubsetRandomSampler([3, 4, 5], seeded())) == [4, 5, 3]

    def test_splits(self):
        parts = random_split(range(10), [0.33, 0.33, 0.34], seeded(0))
        assert parts[0].indices == [4, 1, 7, 5]
        assert [len(part) for part in parts] == [4, 3, 3]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"num_replicas": 3, "rank": 1, "seed": 2}, [7, 6, 4, 8]),
            ({"num_replicas": 3, "rank": 1, "shuffle": False}, [1, 4, 7, 0]),
            ({"num_replicas": 3, "rank": 1, "shuffle": False, "drop_last": True}, [1, 4, 7]),
        ],
    )
    def test_shares_of_processes(self, options, expected):
        assert list(DistributedSampler(range(10), **options)) == expected

    def test_epochs_of_processes(self):
        sampler = DistributedSampler(range(10), 2, 0)
        sampler.set_epoch(3)
        assert list(sampler) == [6, 3, 8, 1, 2]


class TestDatasets:
    def test_together(self):
        both = ConcatDataset([pairs(), pairs()])
        assert len(both) == 20
        assert both[13][1].item() == 6.0
        assert both[-1][0].item() == 9.0
        stacked = StackDataset(a=pairs(), b=range(10))
        assert stacked[2]["b"] == 2
        assert stacked.__getitems__([1, 3])[1]["b"] == 3
        assert list(ChainDataset([Count(2), Count(3)])) == [0, 1, 0, 1, 2]
        assert isinstance(Count() + Count(), ChainDataset)
        assert Subset(range(10), [3, 5])[1] == 5

    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: TensorDataset(torch.ones(2), torch.ones(3)), AssertionError, "Size mismatch"),
            (lambda: ConcatDataset([]), AssertionError, "not be an empty iterable"),
            (lambda: ConcatDataset([Count()]), AssertionError, "does not support Iterable"),
            (lambda: ConcatDataset([pairs()])[-11], ValueError, "absolute value of index"),
            (lambda: random_split(pairs(), [3, 3]), ValueError, "Sum of input lengths"),
            (lambda: Dataset()[0], NotImplementedError, "should implement __getitem__"),
            (lambda: RandomSampler([]), ValueError, "num_samples should be a positive integer"),
            (lambda: BatchSampler([1], 0, False), ValueError, "batch_size=0"),
            (lambda: DistributedSampler(range(3), 3, 3), ValueError, "Invalid rank 3"),
        ],
    )
    def test_refusals(self, make, error, message):
        with pytest.raises(error, match=message):
            make()


class TestBatches:
    Pair = namedtuple("Pair", "a b")

    def test_forms_are_kept(self):
        made = default_collate([self.Pair(1, 2.0), self.Pair(3, 4.0)])
        assert type(made) is self.Pair
        assert made.a.dtype is torch.int64
        assert made.b.dtype is torch.float64
        made = default_collate([{"a": np.ones(2), "b": "x"}, {"a": np.zeros(2), "b": "y"}])
        assert made["a"].shape == (2, 2)
        assert made["b"] == ["x", "y"]
        assert default_collate([(1, True), (2, False)])[1].dtype is torch.bool
        assert default_collate([np.float32(1), np.float32(2)]).dtype is torch.float32

    @pytest.mark.parametrize(
        ("batch", "error", "message"),
        [
            ([None], TypeError, "batch must contain tensors, numpy arrays, numbers, dicts or"),
            ([np.array(["a"])], TypeError, "found <U1"),
            ([(1, 2), (3,)], RuntimeError, "each element in list of batch should be of equal size"),
        ],
    )
    def test_refusals(self, batch, error, message):
        with pytest.raises(error, match=message):
            default_collate(batch)

    def test_converting(self):
        made = default_convert([self.Pair(1, np.ones(2)), {"a": np.float32(2)}, "s", 3])
        assert isinstance(made[0].b, torch.Tensor)
        assert made[1]["a"].item() == 2.0
        assert made[2:] == ["s", 3]

    def test_rows_of_tensors_are_what_stacking_would_give(self):
        """A batch of a TensorDataset is indexed, not stacked; the result is the same."""
        plain = [pairs()[index] for index in range(10)]
        for fast, slow in zip(DataLoader(pairs(), 4), DataLoader(plain, 4), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(fast, slow, strict=True))
        parts = random_split(pairs(), [6, 4], seeded())
        assert torch.equal(next(iter(DataLoader(parts[0], 6)))[0], torch.stack([
            parts[0][index][0] for index in range(6)
        ]))  # fmt: skip


class TestLoader:
    def test_iterable_datasets(self):
        assert [b.tolist() for b in DataLoader(Count(), 2)] == [[0, 1], [2, 3], [4]]
        assert [b.tolist() for b in DataLoader(Count(), 2, drop_last=True)] == [[0, 1], [2, 3]]
        assert list(DataLoader(Count(), None)) == [0, 1, 2, 3, 4]

    def test_lengths(self):
        assert len(DataLoader(range(10), 3)) == 4
        assert len(DataLoader(range(10), 3, drop_last=True)) == 3
        with pytest.raises(TypeError, match="has no len"):
            len(DataLoader(Count()))

    def test_samples_several_at_once(self):
        class Batched(Dataset):
            def __len__(self):
                return 4

            def __getitems__(self, indices):
                return [index * 10 for index in indices]

        assert [b.tolist() for b in DataLoader(Batched(), 2)] == [[0, 10], [20, 30]]

    def test_a_batch_sampler_and_a_collate_of_ones_own(self):
        loader = DataLoader(range(5), batch_sampler=[[0, 4], [2]], collate_fn=tuple)
        assert list(loader) == [(0, 4), (2,)]
        assert loader.batch_size is None

    def test_a_length_that_was_wrong(self):
        class Wrong(Count):
            def __len__(self):
                return 2

        loader = DataLoader(Wrong())
        assert len(loader) == 2
        with pytest.warns(UserWarning, match="was reported to be 2"):
            list(loader)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"batch_size": 0}, "batch_size should be a positive integer value"),
            ({"shuffle": True, "sampler": [0]}, "mutually exclusive with shuffle"),
            ({"batch_size": 2, "batch_sampler": [[0]]}, "batch_sampler option is mutually excl"),
            ({"batch_size": None, "drop_last": True}, "disables auto-batching"),
            ({"num_workers": -1}, "num_workers option should be non-negative"),
            ({"prefetch_factor": 2}, "could only be specified in multiprocessing"),
            ({"persistent_workers": True}, "needs num_workers > 0"),
            ({"multiprocessing_context": "fork"}, "can only be used with multi-process loading"),
            ({"timeout": -1}, "timeout option should be non-negative"),
        ],
    )
    def test_refusals(self, options, message):
        with pytest.raises(ValueError, match=message):
            DataLoader(range(3), **options)

    def test_fixed_attributes(self):
        loader = DataLoader(range(3))
        with pytest.raises(ValueError, match="batch_size attribute should not be set after"):
            loader.batch_size = 4
        assert data.get_worker_info() is None
