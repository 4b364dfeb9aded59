"""Learning rates over time, parameter groups and one optimizer per family."""

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR

torch.manual_seed(4)
data = torch.randn(64, 5)
target = data @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]) + 0.3


def fit(make_optimizer, make_scheduler, steps=12):
    torch.manual_seed(0)
    model = nn.Linear(5, 1)
    optimizer = make_optimizer(model)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(data).squeeze(1), target)
        loss.backward()
        optimizer.step()
        rates.append(scheduler.get_last_lr())
        scheduler.step()
    return loss.item(), rates


def grouped(model):
    return torch.optim.SGD(
        [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.3}], lr=0.05, momentum=0.8
    )


for name, optimizer, scheduler in [
    ("sgd step", lambda m: torch.optim.SGD(m.parameters(), lr=0.1), lambda o: StepLR(o, 4, 0.5)),
    (
        "nesterov cosine",
        lambda m: torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9, nesterov=True),
        lambda o: CosineAnnealingLR(o, 12),
    ),
    (
        "adam cosine",
        lambda m: torch.optim.Adam(m.parameters(), lr=0.3),
        lambda o: CosineAnnealingLR(o, 6, eta_min=0.01),
    ),
    (
        "amsgrad step",
        lambda m: torch.optim.Adam(m.parameters(), lr=0.3, amsgrad=True),
        lambda o: StepLR(o, 5),
    ),
    (
        "adamw step",
        lambda m: torch.optim.AdamW(m.parameters(), lr=0.3, weight_decay=0.1),
        lambda o: StepLR(o, 3, gamma=0.7),
    ),
    ("groups", grouped, lambda o: StepLR(o, 6, 0.1)),
]:
    loss, rates = fit(optimizer, scheduler)
    print(f"{name}: loss {loss:.6f}")
    print("  " + " ".join(",".join(f"{rate:.5g}" for rate in group) for group in rates))

optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.5)
scheduler = StepLR(optimizer, step_size=2, gamma=0.1)
for _ in range(3):
    optimizer.step()
    scheduler.step()
state = scheduler.state_dict()
print(state["last_epoch"], state["_last_lr"])
print(optimizer)
