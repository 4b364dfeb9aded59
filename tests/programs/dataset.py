"""Datasets, samplers, collate functions and the order of a DataLoader for a seed."""

import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    Subset,
    WeightedRandomSampler,
    random_split,
)


class Squares(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"x": torch.tensor(float(index)), "y": index * index, "name": f"item{index}"}


class Countdown(IterableDataset):
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        return iter(range(self.start, 0, -1))


torch.manual_seed(0)
data = Squares(10)
for batch in DataLoader(data, batch_size=4, shuffle=True):
    print(batch["x"].tolist(), batch["y"], batch["name"])

generator = torch.Generator().manual_seed(42)
parts = random_split(data, [0.5, 0.3, 0.2], generator=generator)
print([list(part.indices) for part in parts])
print(len(ConcatDataset([data, Squares(3)])), ConcatDataset([data, Squares(3)])[11]["name"])
print([batch["y"].tolist() for batch in DataLoader(Subset(data, [2, 7, 1]), batch_size=2)])
print([batch.tolist() for batch in DataLoader(Countdown(5), batch_size=2, drop_last=True)])

sampler = WeightedRandomSampler([0.1, 0.2, 0.3, 0.4], 6, generator=torch.Generator().manual_seed(5))
print(list(sampler), list(BatchSampler(SequentialSampler(range(5)), 2, drop_last=False)))


def pad(samples):
    longest = max(len(s) for s in samples)
    return torch.stack([torch.cat([s, s.new_zeros(longest - len(s))]) for s in samples])


ragged = [torch.arange(1, n + 1) for n in (3, 1, 2)]
for batch in DataLoader(ragged, batch_size=2, collate_fn=pad):
    print(batch)
loader = DataLoader(data, batch_size=3, shuffle=True, generator=torch.Generator().manual_seed(9))
print(len(loader), [b["y"].tolist() for b in loader], [b["y"].tolist() for b in loader])
