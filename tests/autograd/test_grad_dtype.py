"""``Tensor.grad_dtype``: gradients in another dtype than the tensor's."""

from __future__ import annotations

import pytest

import flambeau as torch


def leaf() -> torch.Tensor:
    return torch.ones(2, requires_grad=True)


def test_gradients_arrive_in_the_dtype() -> None:
    x = leaf()
    assert x.grad_dtype is torch.float32
    x.grad_dtype = torch.float64
    seen = []
    x.register_hook(lambda grad: seen.append(grad.dtype))
    for factor in (2, 3):
        (factor * x).sum().backward()
    assert (x.grad.dtype, x.grad.tolist(), seen) == (torch.float64, [5.0, 5.0], [torch.float64] * 2)
    assert torch.autograd.grad((2 * x).sum(), x)[0].dtype is torch.float64
    x.grad = None
    x.grad_dtype = None
    (2 * x).sum().backward()
    assert x.grad_dtype is None and x.grad.dtype is torch.float32


def test_it_may_be_set_before_gradients_are_asked_for() -> None:
    x = torch.ones(2)
    x.grad_dtype = torch.bfloat16
    (2 * x.requires_grad_()).sum().backward()
    assert x.grad.dtype is torch.bfloat16
    assert x.detach().grad_dtype is torch.float32


def test_assigned_gradients_have_the_dtype() -> None:
    x, wide = leaf(), torch.ones(2, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="'double' to a tensor with grad_dtype 'Float'"):
        x.grad = wide
    x.grad_dtype = torch.float64
    x.grad = wide
    with pytest.raises(RuntimeError, match="'float' to a tensor with grad_dtype 'Double'"):
        x.grad = torch.ones(2)
    with pytest.raises(RuntimeError, match="Cannot set grad_dtype to 'Half' because there is"):
        x.grad_dtype = torch.float16
    x.grad_dtype = None
    x.grad = torch.ones(2)
    assert x.grad.dtype is torch.float32


def test_what_is_refused() -> None:
    x = leaf()
    with pytest.raises(RuntimeError, match=r"must be a torch\.dtype or None, but got int"):
        x.grad_dtype = 3
    y = 2 * x
    with pytest.raises(RuntimeError, match="grad_dtype can only be accessed on leaf tensors"):
        y.grad_dtype
    with pytest.raises(RuntimeError, match="grad_dtype can only be set on leaf tensors"):
        y.grad_dtype = torch.float64
