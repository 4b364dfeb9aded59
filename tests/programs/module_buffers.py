"""A module with parameters, buffers and children: names, repr, modes, copies and counting."""

import copy

import torch
from torch import nn


class RunningCentre(nn.Module):
    """Subtracts a running mean, kept in a buffer."""

    def __init__(self, features, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.scale = nn.Parameter(torch.ones(features))
        self.register_parameter("shift", None)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("calls", torch.tensor(0), persistent=False)

    def forward(self, x):
        if self.training:
            self.calls += 1
            self.mean.lerp_(x.detach().mean(0), self.momentum)
        return (x - self.mean) * self.scale

    def extra_repr(self):
        return f"{self.scale.numel()}, momentum={self.momentum}"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList([nn.Linear(3, 3, bias=False), RunningCentre(3)])
        self.heads = nn.ModuleDict(
            {"a": nn.Linear(3, 1), "b": nn.Sequential(nn.Linear(3, 2), nn.SiLU())}
        )

    def forward(self, x):
        for layer in self.inner:
            x = layer(x)
        return {name: head(x) for name, head in self.heads.items()}


torch.manual_seed(2)
net = Net()
print(net)
for name, parameter in net.named_parameters():
    print(name, tuple(parameter.shape), parameter.requires_grad)
print([name for name, _ in net.named_buffers()], list(net.state_dict()))
print([name for name, _ in net.named_modules()])

x = torch.randn(5, 3) + 1
for _ in range(3):
    net(x)
print(net.inner[1].calls, net.inner[1].mean)
net.eval()
before = net.inner[1].mean.clone()
outputs = net(x)
print(torch.equal(before, net.inner[1].mean), {k: f"{v.sum():.5f}" for k, v in outputs.items()})

twin = copy.deepcopy(net)
with torch.no_grad():
    twin.heads["a"].weight.zero_()
print(twin(x)["a"].std().item(), bool(net.heads["a"].weight.any()))

net.inner.requires_grad_(False)
print(sum(p.numel() for p in net.parameters() if p.requires_grad), "trainable")
net.apply(lambda m: nn.init.constant_(m.weight, 0.5) if isinstance(m, nn.Linear) else None)
print(net.to(torch.float64).heads["b"][0].weight)
try:
    net.heads.missing
except AttributeError as error:
    print("AttributeError:", error)
