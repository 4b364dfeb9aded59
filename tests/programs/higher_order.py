"""Gradients of gradients: Newton's method, a gradient penalty, Hessian-vector products."""

import torch

x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
value = x**5
for order in range(1, 5):
    (value,) = torch.autograd.grad(value, x, create_graph=True)
    print("derivative", order, value.item())


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
for step in range(6):
    loss = rosenbrock(point)
    (gradient,) = torch.autograd.grad(loss, point, create_graph=True)
    hessian = torch.stack([torch.autograd.grad(g, point, retain_graph=True)[0] for g in gradient])
    a, b, c, d = hessian.flatten().tolist()
    inverse = torch.tensor([[d, -b], [-c, a]], dtype=torch.float64) / (a * d - b * c)
    point = (point - inverse @ gradient).detach().requires_grad_()
    print("newton", step, f"{loss.item():.6g}", [f"{v:.6g}" for v in point.tolist()])

torch.manual_seed(9)
critic = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Softplus(), torch.nn.Linear(8, 1))
samples = torch.randn(10, 3, requires_grad=True)
(slope,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=True)
penalty = (slope.norm(dim=1) - 1).square().mean()
penalty.backward()
print(
    "penalty", f"{penalty.item():.5f}", f"{critic[0].weight.grad.norm():.5f}", critic[2].bias.grad
)

matrix = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
v = torch.tensor([1.0, -1.0])
p = torch.tensor([0.5, 0.25], requires_grad=True)
(g,) = torch.autograd.grad(0.5 * p @ matrix @ p, p, create_graph=True)
print("hessian vector", torch.autograd.grad(g, p, grad_outputs=v)[0])
used = torch.ones(2, requires_grad=True)
unused = torch.ones(2, requires_grad=True)
print(torch.autograd.grad(used.exp().sum(), [used, unused], allow_unused=True))
try:
    torch.autograd.grad(used.sum(), unused)
except RuntimeError as error:
    print("RuntimeError:", str(error).splitlines()[0])
