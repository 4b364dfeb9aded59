"""The same seed gives the same numbers: all the common draws, states, generators, dropout."""

import torch
from torch import nn

torch.manual_seed(1234)
print(torch.rand(3), torch.randn(3))
print(torch.randn(17).sum(), torch.rand(2, 2, dtype=torch.float64))
print(torch.randint(0, 100, (8,)), torch.randperm(10))
print(torch.normal(2.0, 3.0, (3,)), torch.bernoulli(torch.full((6,), 0.3)))
print(torch.multinomial(torch.tensor([1.0, 2.0, 3.0, 4.0]), 3))
print(torch.empty(3).uniform_(-1, 1), torch.empty(3).exponential_(2.0))

state = torch.get_rng_state()
first = torch.rand(4)
torch.set_rng_state(state)
print(torch.equal(first, torch.rand(4)), state.dtype, state.numel())

generator = torch.Generator().manual_seed(99)
print(torch.randn(4, generator=generator), generator.initial_seed())
copy = torch.Generator()
copy.set_state(generator.get_state())
print(torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=copy)))

torch.manual_seed(0)
layer = nn.Linear(3, 2)
print(layer.weight, layer.bias)
print(nn.Embedding(3, 2).weight, nn.Conv2d(1, 1, 2).weight)
dropout = nn.Dropout(0.5)
x = torch.ones(10)
print(dropout(x))
dropout.eval()
print(dropout(x))
for name in ("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"):
    print(name, getattr(nn.init, name)(torch.empty(2, 3)))
with torch.random.fork_rng():
    torch.manual_seed(5)
    inner = torch.rand(1)
print(inner, torch.rand(1), torch.initial_seed())
