"""``gradcheck`` and ``gradgradcheck``: what they find, and what they accept."""

from __future__ import annotations

import pytest

import flambeau as torch

gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck


class Cube(torch.autograd.Function):
    """x ** 3 with a chosen factor in its gradient, wrong unless it is 3."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ctx.factor * x**2, None


class FlatSecond(Cube):
    """Right in first order, wrong in second."""

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x.detach() ** 2, None


def point(*values: complex, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def test_right_gradients() -> None:
    """Of several inputs and outputs, of complex numbers too."""
    x, y = point(1.0, 2.0), point(0.5, -1.5)
    assert gradcheck(lambda a, b: (a * b, a.sin() + b), (x, y))
    assert gradgradcheck(lambda a, b: a.exp() * b, (x, y))
    z = point(1 + 2j, 0.5 - 1j, dtype=torch.complex128)
    assert gradcheck(lambda a: a * a.conj() + a.exp(), (z,))
    assert gradcheck(lambda a: Cube.apply(a, 3), (x,))


def test_wrong_gradients() -> None:
    """An error, or False where that is asked."""
    x = point(1.0, 2.0)
    with pytest.raises(RuntimeError) as caught:
        gradcheck(lambda a: Cube.apply(a, 2), (x,))
    first = str(caught.value).split("\n")[0]
    assert first == "Jacobian mismatch for output 0 with respect to input 0,"
    assert not gradcheck(lambda a: Cube.apply(a, 2), (x,), raise_exception=False)


def test_wrong_second_derivatives() -> None:
    """Only ``gradgradcheck`` finds them."""
    x = point(1.0, 2.0)
    assert gradcheck(lambda a: FlatSecond.apply(a, 3), (x,))
    assert not gradgradcheck(lambda a: FlatSecond.apply(a, 3), (x,), raise_exception=False)


def test_inputs() -> None:
    """One must require a gradient; those of single precision are warned of."""
    with pytest.raises(ValueError, match="gradcheck expects at least one input tensor to require"):
        gradcheck(torch.sin, (torch.ones(2),))
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double"):
        gradcheck(torch.sin, (point(1.0, dtype=torch.float32),), eps=1e-2, atol=1e-2)
