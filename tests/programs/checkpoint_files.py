"""Save and load state dicts of a model and its optimizer, then train on from there."""

import tempfile
from pathlib import Path

import torch
from torch import nn


def build():
    torch.manual_seed(11)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    return model, torch.optim.AdamW(model.parameters(), lr=0.01)


def step(model, optimizer, seed):
    inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed))
    loss = nn.functional.mse_loss(model(inputs), inputs.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


model, optimizer = build()
print("first", [f"{step(model, optimizer, seed):.5f}" for seed in range(3)])
print(list(model.state_dict()))
print({name: tuple(value.shape) for name, value in model.state_dict().items()})

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "checkpoint.pt"
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    torch.save(state, path)
    loaded = torch.load(path, weights_only=True)

expected = [step(model, optimizer, seed) for seed in range(3, 6)]
fresh, fresh_optimizer = build()
print(fresh.load_state_dict(loaded["model"]))
fresh_optimizer.load_state_dict(loaded["optimizer"])
resumed = [step(fresh, fresh_optimizer, seed) for seed in range(3, 6)]
print("resumed at epoch", loaded["epoch"], resumed == expected, [f"{v:.5f}" for v in resumed])
print(loaded["optimizer"]["param_groups"][0]["lr"], len(loaded["optimizer"]["state"]))
print(int(loaded["model"]["1.num_batches_tracked"]))

del loaded["model"]["3.bias"]
loaded["model"]["extra"] = torch.zeros(1)
print(fresh.load_state_dict(loaded["model"], strict=False))
try:
    fresh.load_state_dict(loaded["model"])
except RuntimeError as error:
    print(error)
