"""A classifier on three clouds of points: train, validate, report per class."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
centres = torch.tensor([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
labels = torch.arange(3).repeat_interleave(100)
points = centres[labels] + 0.9 * torch.randn(300, 2)
order = torch.randperm(300)
train = TensorDataset(points[order[:240]], labels[order[:240]])
valid = TensorDataset(points[order[240:]], labels[order[240:]])

model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)


def run_epoch(loader: DataLoader, learn: bool) -> tuple[float, float]:
    model.train(learn)
    total, correct = 0.0, 0
    with torch.set_grad_enabled(learn):
        for inputs, targets in loader:
            outputs = model(inputs)
            loss = loss_fn(outputs, targets)
            if learn:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * inputs.size(0)
            correct += (outputs.argmax(1) == targets).sum().item()
    return total / len(loader.dataset), correct / len(loader.dataset)


for epoch in range(6):
    train_loss, train_accuracy = run_epoch(DataLoader(train, 32, shuffle=True), learn=True)
    valid_loss, valid_accuracy = run_epoch(DataLoader(valid, 60), learn=False)
    print(
        f"epoch {epoch}: train {train_loss:.5f} {train_accuracy:.3f}"
        f"  valid {valid_loss:.5f} {valid_accuracy:.3f}"
    )

with torch.no_grad():
    inputs, targets = valid.tensors
    guess = model(inputs).argmax(1)
    for label in range(3):
        chosen = targets == label
        print(label, int(chosen.sum()), int((guess[chosen] == label).sum()))
