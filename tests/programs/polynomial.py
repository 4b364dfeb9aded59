"""Fit a third-degree polynomial to a sine, by hand and then with nn and optim."""

import math

import torch

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 500)
y = torch.sin(x)

coefficients = [torch.randn((), requires_grad=True) for _ in range(4)]
for step in range(1, 401):
    guess = sum(c * x**power for power, c in enumerate(coefficients))
    loss = (guess - y).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        for power, c in enumerate(coefficients):
            c -= 0.3 / 10**power * c.grad
            c.grad = None
    if step % 100 == 0:
        print("by hand", step, f"{loss.item():.6f}")
print("coefficients", [round(c.item(), 5) for c in coefficients])

powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for step in range(1, 201):
    loss = loss_fn(model(powers), y)
    if step % 50 == 0:
        print("with nn", step, f"{loss.item():.4f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
linear = model[0]
print("bias", f"{abs(linear.bias.item()):.4f}")
print("weight", [round(w, 5) for w in linear.weight[0].tolist()])
