"""The tensor tutorial: creation, attributes, indexing, joining, arithmetic, NumPy, printing."""

import numpy as np
import torch

data = [[1, 2], [3, 4]]
x = torch.tensor(data)
print(x, x.dtype, x.shape, x.device, x.layout)
print(torch.ones_like(x), torch.zeros(2, 3), torch.arange(0, 1, 0.25), torch.eye(2))
print(torch.linspace(0, 1, 5), torch.full((2,), 7), torch.empty(0))

t = torch.arange(12).reshape(3, 4)
print(t[0], t[:, -1], t[..., 1:3], t[t % 2 == 0], t[[0, 2], [1, 3]])
t[:, 1] = 0
print(t.t(), t.sum(), t.sum(0), t.float().mean(1), t.max(1))
print(torch.cat([t, t], 1).shape, torch.stack([t, t]).shape, t.chunk(2, 1)[1], t.unbind()[0])
print(t.view(2, 6).stride(), t.t().is_contiguous(), t.permute(1, 0).contiguous().stride())

a = torch.tensor([1.5, -2.0, float("nan"), float("inf")])
print(a, a.abs(), a.isnan(), torch.nan_to_num(a), a[:2].int())
b = torch.tensor([1e-8, 1.0, 1e8])
print(b, b.double(), 1 / torch.tensor([0.0, -0.0]), torch.tensor([True, False]) & True)
print(torch.tensor(3) / 2, torch.tensor(7) // 2, torch.tensor(-7) % 3, 2 ** torch.tensor([1, 2, 3]))
print((t.float() @ t.float().t()).tolist(), torch.einsum("ij,kj->ik", t, t).tolist())

n = np.ones(3)
shared = torch.from_numpy(n)
np.add(n, 1, out=n)
shared.mul_(2)
print(shared, n, torch.tensor([1.0, 2.0]).numpy().dtype, np.asarray(torch.arange(3)))
print(torch.arange(2000).reshape(50, 40))
print(
    torch.sort(torch.tensor([3, 1, 2]), descending=True),
    torch.topk(torch.tensor([4.0, 9.0, 1.0]), 2),
)
print(torch.where(t > 5, t, -1), t.clamp(2, 8), torch.unique(torch.tensor([3, 1, 3, 2])))
print(torch.complex(torch.tensor([1.0]), torch.tensor([-2.0])), torch.randn(0, 3).shape)
print(t.dtype, (t + 0.5).dtype, (t.to(torch.float16) + 1).dtype, torch.result_type(t, 1.0))
print(torch.tensor([[0.1234567, 1000.0]]), torch.tensor(2.0, requires_grad=True) * 3)
for bad in (lambda: torch.ones(2, 3) @ torch.ones(2, 3), lambda: torch.ones(3) + torch.ones(4)):
    try:
        bad()
    except RuntimeError as error:
        print("RuntimeError:", str(error).splitlines()[0])
