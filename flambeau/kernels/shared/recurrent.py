"""Whole layers of recurrent networks over a sequence ``[T, B, I]``, and their gradients.

The input products of all steps are one matrix product, so are the weights' gradients; only the
state's product is made step by step. Forward functions return what their backward functions need:
the activated gates of all steps, and the cells (LSTM) or the state's product of the new gate (GRU).
Weights are ``w_ih [gates * H, I]`` and ``w_hh [gates * H, H]``; biases may be None. The backward
functions return the gradients of ``x, h, (c,) w_ih, w_hh, b_ih, b_hh``.
"""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.select import compiled

Array = Any
MINIMUM = 4096  #: numbers of the sequence from which Numba is loaded for it


def order(length: int, reverse: bool) -> Any:
    """The steps in the order of the layer."""
    return range(length - 1, -1, -1) if reverse else range(length)


def input_products(x: Array, weight: Array, bias: Array | None) -> Array:
    """``x @ weight.T + bias`` of all steps."""
    rows = x.reshape(-1, x.shape[-1]).dot(weight.T)
    if bias is not None:
        rows += bias
    return rows.reshape(*x.shape[:2], -1)


def _sum(a: Array | None, b: Array | None) -> Array | None:
    return a if b is None else a + b


def before(first: Array, states: Array, reverse: bool) -> Array:
    """The state before each step."""
    pieces = (states[1:], first[None]) if reverse else (first[None], states[:-1])
    return xp.concatenate(pieces)


def input_grads(
    x: Array, d_gates: Array, w_ih: Array, d_hidden: Array, previous: Array, biased: bool
) -> tuple[Array | None, ...]:
    """The gradients of ``x, w_ih, w_hh, b_ih, b_hh`` from those of both products."""
    rows, hidden = (d.reshape(-1, d.shape[-1]) for d in (d_gates, d_hidden))
    dx = rows.dot(w_ih).reshape(x.shape)
    dw_ih = rows.T.dot(x.reshape(-1, x.shape[-1]))
    dw_hh = hidden.T.dot(previous.reshape(-1, previous.shape[-1]))
    if not biased:
        return dx, dw_ih, dw_hh, None, None
    db_ih = rows.sum(0)
    return dx, dw_ih, dw_hh, db_ih, db_ih.copy() if hidden is rows else hidden.sum(0)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + xp.exp(-x))


# ---- LSTM: gates i, f, g, o


@compiled(MINIMUM)
def lstm_forward(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Array | None,
    b_hh: Array | None, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """The outputs ``[T, B, H]``, the last cell, the gates ``[T, B, 4 * H]`` and all cells."""
    gates, size, turned = input_products(x, w_ih, _sum(b_ih, b_hh)), h.shape[-1], w_hh.T
    out = xp.empty((*x.shape[:2], size), x.dtype)
    cells = xp.empty_like(out)
    for t in order(len(x), reverse):
        g = gates[t]
        g += h.dot(turned)
        g[:, : 2 * size] = _sigmoid(g[:, : 2 * size])
        g[:, 2 * size : 3 * size] = xp.tanh(g[:, 2 * size : 3 * size])
        g[:, 3 * size :] = _sigmoid(g[:, 3 * size :])
        i, f, new, o = (g[:, k * size : (k + 1) * size] for k in range(4))
        cells[t] = c = f * c + i * new
        out[t] = h = o * xp.tanh(c)
    return out, c.copy(), gates, cells


@compiled(MINIMUM)
def lstm_backward(
    grad: Array, grad_c: Array, x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array,
    out: Array, gates: Array, cells: Array, reverse: bool, biased: bool,
) -> tuple[Array | None, ...]:  # fmt: skip
    """The gradients of all inputs, from those of the outputs and of the last cell."""
    size, d_gates, previous = h.shape[-1], xp.empty_like(gates), before(c, cells, reverse)
    dh, dc = xp.zeros_like(h), grad_c
    for t in order(len(x), not reverse):
        i, f, new, o = (gates[t][:, k * size : (k + 1) * size] for k in range(4))
        dh, bent = dh + grad[t], xp.tanh(cells[t])
        dc = dc + dh * o * (1 - bent * bent)
        d = d_gates[t]
        d[:, :size] = dc * new * i * (1 - i)
        d[:, size : 2 * size] = dc * previous[t] * f * (1 - f)
        d[:, 2 * size : 3 * size] = dc * i * (1 - new * new)
        d[:, 3 * size :] = dh * bent * o * (1 - o)
        dh, dc = d.dot(w_hh), dc * f
    dx, *rest = input_grads(x, d_gates, w_ih, d_gates, before(h, out, reverse), biased)
    return dx, dh, dc, *rest


# ---- GRU: gates r, z, n; the reset gate scales the state's product of n


@compiled(MINIMUM)
def gru_forward(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None,
    reverse: bool,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The outputs ``[T, B, H]``, the gates ``[T, B, 3 * H]`` and the state's products of n."""
    gates, size, turned = input_products(x, w_ih, b_ih), h.shape[-1], w_hh.T
    out = xp.empty((*x.shape[:2], size), x.dtype)
    kept = xp.empty_like(out)
    for t in order(len(x), reverse):
        g, product = gates[t], h.dot(turned)
        if b_hh is not None:
            product += b_hh
        kept[t] = product[:, 2 * size :]
        g[:, : 2 * size] = _sigmoid(g[:, : 2 * size] + product[:, : 2 * size])
        g[:, 2 * size :] = xp.tanh(g[:, 2 * size :] + g[:, :size] * kept[t])
        z, n = g[:, size : 2 * size], g[:, 2 * size :]
        out[t] = h = n + z * (h - n)
    return out, gates, kept


@compiled(MINIMUM)
def gru_backward(
    grad: Array, x: Array, h: Array, w_ih: Array, w_hh: Array, out: Array, gates: Array,
    kept: Array, reverse: bool, biased: bool,
) -> tuple[Array | None, ...]:  # fmt: skip
    """The gradients of all inputs."""
    size, previous = h.shape[-1], before(h, out, reverse)
    d_gates, d_hidden, dh = xp.empty_like(gates), xp.empty_like(gates), xp.zeros_like(h)
    for t in order(len(x), not reverse):
        r, z, n = (gates[t][:, k * size : (k + 1) * size] for k in range(3))
        dh = dh + grad[t]
        d, back = d_gates[t], d_hidden[t]
        d[:, 2 * size :] = dn = dh * (1 - z) * (1 - n * n)
        d[:, :size] = dn * kept[t] * r * (1 - r)
        d[:, size : 2 * size] = dh * (previous[t] - n) * z * (1 - z)
        back[:, : 2 * size] = d[:, : 2 * size]
        back[:, 2 * size :] = dn * r
        dh = dh * z + back.dot(w_hh)
    dx, *rest = input_grads(x, d_gates, w_ih, d_hidden, previous, biased)
    return dx, dh, *rest


# ---- networks of Elman: one gate


@compiled(MINIMUM)
def rnn_forward(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None,
    rectified: bool, reverse: bool,
) -> Array:  # fmt: skip
    """The outputs ``[T, B, H]``: of tanh, or of ReLU when ``rectified``."""
    out, turned = input_products(x, w_ih, _sum(b_ih, b_hh)), w_hh.T
    for t in order(len(x), reverse):
        y = out[t] + h.dot(turned)
        out[t] = h = xp.maximum(y, 0) if rectified else xp.tanh(y)
    return out


@compiled(MINIMUM)
def rnn_backward(
    grad: Array, x: Array, h: Array, w_ih: Array, w_hh: Array, out: Array, rectified: bool,
    reverse: bool, biased: bool,
) -> tuple[Array | None, ...]:  # fmt: skip
    """The gradients of all inputs."""
    d_gates, dh = xp.empty_like(out), xp.zeros_like(h)
    for t in order(len(x), not reverse):
        y = out[t]
        d_gates[t] = (dh + grad[t]) * ((y > 0) if rectified else 1 - y * y)
        dh = d_gates[t].dot(w_hh)
    dx, *rest = input_grads(x, d_gates, w_ih, d_gates, before(h, out, reverse), biased)
    return dx, dh, *rest


silence(globals())
