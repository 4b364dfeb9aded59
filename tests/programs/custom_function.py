"""torch.autograd.Function: a Legendre polynomial, a straight-through step, two inputs."""

import torch
from torch.autograd import Function, gradcheck, gradgradcheck


class Legendre3(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 0.5 * (5 * x**3 - 3 * x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * x**2 - 1)


class Binarize(Function):
    @staticmethod
    def forward(ctx, x, threshold):
        ctx.threshold = threshold
        return (x > threshold).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output, None


class ScaledProduct(Function):
    @staticmethod
    def forward(x, y, scale):
        return x @ y * scale

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, y, ctx.scale = inputs
        ctx.save_for_backward(x, y)

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        grad_x = grad @ y.t() * ctx.scale if ctx.needs_input_grad[0] else None
        grad_y = x.t() @ grad * ctx.scale if ctx.needs_input_grad[1] else None
        return grad_x, grad_y, None


x = torch.linspace(-1, 1, 5, dtype=torch.float64, requires_grad=True)
y = Legendre3.apply(x)
y.sum().backward()
print(y)
print(x.grad)
print("gradcheck", gradcheck(Legendre3.apply, (x,)), gradgradcheck(Legendre3.apply, (x,)))

weights = torch.tensor([0.2, -0.4, 0.9, 0.5], requires_grad=True)
bits = Binarize.apply(weights, 0.4)
(bits * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
print(bits, weights.grad)
print(type(bits.grad_fn).__name__)

torch.manual_seed(3)
a = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
b = torch.randn(3, 2, dtype=torch.float64)
ScaledProduct.apply(a, b, 0.5).square().sum().backward()
print(a.grad, b.grad)
try:
    Legendre3.apply(torch.ones(2, requires_grad=True)).backward()
except RuntimeError as error:
    print("RuntimeError:", str(error).splitlines()[0])
