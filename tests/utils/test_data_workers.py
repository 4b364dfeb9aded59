"""Worker processes of the loader."""

from __future__ import annotations

import os
import signal

import pytest

import flambeau as torch
from flambeau.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
from flambeau.utils.data._utils import processes


class Numbers(Dataset):
    """Numbers, a large row, and what must not be asked for."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return index, torch.full((5000,), float(index)), torch.rand(1)


class Part(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, 7, info.num_workers))


class Bad(Dataset):
    def __init__(self, action):
        self.action = action

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return self.action() if index == 2 else index


def fail():
    raise ValueError("bad sample")


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    os._exit(3)


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}, {"prefetch_factor": 1}])
def test_order_and_values(options):
    loader = DataLoader(Numbers(), 3, num_workers=2, **options)
    for _ in range(2):
        batches = list(loader)
        assert [batch[0].tolist() for batch in batches] == [
            [0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11],
        ]  # fmt: skip
        assert batches[3][1][2].tolist() == [11.0] * 5000
        batches[0][1].zero_()  # the memory is the batch's own


def test_random_numbers_are_those_of_pytorch():
    torch.manual_seed(0)
    loader = DataLoader(Numbers(), 1, num_workers=2)
    drawn = [batch[2].item() for batch in loader][:4]
    # worker k starts at base seed + k, and draws for its own samples
    torch.manual_seed(0)
    base = torch.empty((), dtype=torch.int64).random_().item()
    expected = []
    for worker in range(2):
        generator = torch.Generator().manual_seed(base + worker)
        expected.append([torch.rand(1, generator=generator).item() for _ in range(2)])
    assert drawn == [expected[0][0], expected[1][0], expected[0][1], expected[1][1]]


def test_iterable_datasets_share_the_work():
    loader = DataLoader(Part(), 2, num_workers=2, persistent_workers=True)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == [[0, 2], [1, 3], [4, 6], [5]]


def test_results_as_they_come():
    loader = DataLoader(Numbers(), 1, num_workers=2, in_order=False)
    assert sorted(batch[0].item() for batch in loader) == list(range(12))


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (fail, ValueError, r"Caught ValueError in DataLoader worker process 0.\nOriginal Trace"),
        (be_killed, RuntimeError, "is killed by signal: Killed"),
        (leave, RuntimeError, "exited unexpectedly with exit code 3"),
        (lambda: signal.pause(), RuntimeError, "DataLoader timed out after 0.5 seconds"),
    ],
)
def test_what_goes_wrong(action, error, message, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 0.2)
    loader = DataLoader(
        Bad(action), 1, num_workers=1, timeout=0.5 if "lambda" in str(action) else 0
    )
    batches = iter(loader)
    with pytest.raises(error, match=message):
        list(batches)
    del batches


def test_a_round_that_is_left_early():
    loader = DataLoader(Numbers(), 1, num_workers=2, persistent_workers=True)
    assert next(iter(loader))[0].item() == 0
    assert len(list(loader)) == 12


def test_beginnings():
    def init(number):
        raise RuntimeError(f"not worker {number}")

    with pytest.raises(RuntimeError, match="not worker 0"):
        list(DataLoader(Numbers(), num_workers=1, worker_init_fn=init))
