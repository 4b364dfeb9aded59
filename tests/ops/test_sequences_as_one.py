"""Recurrent layers and attention as one operator: the same as step by step, and PyTorch's facts."""

from __future__ import annotations

import math

import pytest

import flambeau as torch
from flambeau.nn import functional as F

CELLS = {"LSTM": "LSTMCell", "GRU": "GRUCell", "RNN": "RNNCell"}


def _grads(loss, tensors, **options):
    return torch.autograd.grad(loss, tensors, **options)


@pytest.mark.parametrize("name", CELLS)
def test_a_layer_is_its_cell_over_the_steps(name):
    torch.manual_seed(0)
    layer, cell = getattr(torch.nn, name)(6, 20), getattr(torch.nn, CELLS[name])(6, 20)
    for own, shared in zip(cell.parameters(), layer.parameters()):
        own.data = shared.data
    x = torch.randn(5, 13, 6, requires_grad=True)
    state, steps = None, []
    for part in x:
        state = cell(part, state)
        steps.append(state[0] if name == "LSTM" else state)
    expected, (out, last) = torch.stack(steps), layer(x)
    assert torch.allclose(out, expected, atol=1e-6)
    for ours, theirs in zip(last, state) if name == "LSTM" else [(last, state)]:
        assert torch.allclose(ours[0], theirs, atol=1e-6)
    ours = _grads((out**2).sum(), [x, *layer.parameters()])
    theirs = _grads((expected**2).sum(), [x, *cell.parameters()])
    for a, b in zip(ours, theirs):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def test_last_states_have_gradients_of_their_own():
    lstm = torch.nn.LSTM(3, 4).double()
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: lstm(x)[1], (x,))
    assert torch.autograd.gradgradcheck(lambda x: lstm(x)[1][1], (x,))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_its_formula(causal):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 3, 16).transpose(1, 2).requires_grad_() for n in (50, 70, 70))
    scores = q @ k.mT / math.sqrt(16)
    if causal:
        later = torch.ones(50, 70, dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    expected, out = (
        scores.softmax(-1) @ v,
        F.scaled_dot_product_attention(q, k, v, is_causal=causal),
    )
    assert torch.allclose(out, expected, atol=1e-6)
    for a, b in zip(_grads((out**2).sum(), (q, k, v)), _grads((expected**2).sum(), (q, k, v))):
        assert torch.allclose(a, b, atol=1e-5)


def test_attention_lies_as_in_pytorch():
    plain = torch.randn(2, 3, 5, 8)
    turned = torch.randn(2, 5, 3, 8).transpose(1, 2).requires_grad_()
    assert F.scaled_dot_product_attention(plain, plain, plain).stride() == (120, 40, 8, 1)
    out = F.scaled_dot_product_attention(turned, plain, plain)
    assert out.stride() == (120, 8, 24, 1)
    assert out.grad_fn.name() == "ScaledDotProductFlashAttentionForCpuBackward0"
    assert _grads(out.sum(), [turned])[0].stride() == (120, 8, 24, 1)
