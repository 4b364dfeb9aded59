"""Clip gradients by norm and by value, accumulate them, freeze a layer."""

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

torch.manual_seed(5)
model = nn.Sequential(
    nn.Linear(6, 10), nn.Sigmoid(), nn.Linear(10, 10), nn.Sigmoid(), nn.Linear(10, 1)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
inputs = torch.randn(32, 6)
target = 30 * inputs[:, :1]

for step in range(5):
    optimizer.zero_grad(set_to_none=True)
    loss = nn.functional.mse_loss(model(inputs), target)
    loss.backward()
    norm = clip_grad_norm_(model.parameters(), max_norm=1.0)
    after = torch.norm(torch.stack([p.grad.norm() for p in model.parameters()]))
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f} norm {norm:.4f} after {after:.4f}")

optimizer.zero_grad()
for part, wanted in zip(inputs.chunk(4), target.chunk(4)):
    (nn.functional.mse_loss(model(part), wanted) / 4).backward()
accumulated = [p.grad.clone() for p in model.parameters()]
optimizer.zero_grad()
nn.functional.mse_loss(model(inputs), target).backward()
close = [
    torch.allclose(a, p.grad, rtol=1e-4, atol=1e-5) for a, p in zip(accumulated, model.parameters())
]
print("accumulated", close)

clip_grad_value_(model.parameters(), 0.01)
print("largest", max(p.grad.abs().max().item() for p in model.parameters()))
print("infinity norm", float(clip_grad_norm_(model.parameters(), 1.0, norm_type=float("inf"))))

for parameter in model[0].parameters():
    parameter.requires_grad = False
model[0].weight.grad = None
model[0].bias.grad = None
model(inputs).sum().backward()
print("frozen", model[0].weight.grad is None, f"{model[2].weight.grad.norm():.5f}")
model[4].weight.grad.fill_(float("nan"))
try:
    clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)
except RuntimeError as error:
    print("RuntimeError:", str(error).splitlines()[0])
