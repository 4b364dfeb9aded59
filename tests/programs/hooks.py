"""Hooks on modules and tensors: feature extraction, gradient statistics, removal."""

from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(
    OrderedDict(
        conv=nn.Conv2d(3, 4, 3, stride=2),
        act=nn.ReLU(),
        flat=nn.Flatten(),
        head=nn.Linear(4 * 3 * 3, 2),
    )
)
features = {}


def remember(name):
    def hook(module, inputs, output):
        features[name] = (type(module).__name__, tuple(inputs[0].shape), output.detach())

    return hook


handles = [part.register_forward_hook(remember(name)) for name, part in model.named_children()]
gradients = []
handles.append(
    model.head.register_full_backward_hook(
        lambda module, grad_in, grad_out: gradients.append((grad_in[0], grad_out[0]))
    )
)
handles.append(model.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,)))

images = torch.rand(2, 3, 8, 8)
out = model(images)
out.register_hook(lambda grad: grad.clamp(max=0.25))
loss = (out * torch.tensor([1.0, 0.1])).sum()
loss.backward()

for name, (kind, shape, output) in features.items():
    print(name, kind, shape, tuple(output.shape), f"{output.norm():.5f}")
grad_in, grad_out = gradients[0]
print("head grads", tuple(grad_in.shape), grad_out.tolist(), f"{grad_in.norm():.5f}")
print("weight grad", f"{model.conv.weight.grad.abs().sum():.4f}")

features.clear()
for handle in handles:
    handle.remove()
model(images)
print("after removal", features, len(gradients))


def scale(module, inputs, kwargs, output):
    return output * kwargs.get("gain", 1.0)


class Gain(nn.Module):
    def forward(self, x, gain=1.0):
        return x + gain


gain = Gain()
gain.register_forward_hook(scale, with_kwargs=True)
print(gain(torch.ones(2), gain=3.0), gain(torch.ones(2)))

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
y.retain_grad()
y.register_hook(lambda grad: grad * 10)
(y**2).sum().backward()
print(x.grad, y.grad)
