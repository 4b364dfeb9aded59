"""One layer and direction of a recurrent network over a sequence, as one operator each way.

Second derivatives need first ones made of tensors: then the steps are taken again, one by one, and
gone back through by the same formulas as in ``kernels/shared/recurrent.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import recurrent as kernels
from flambeau.ops.direct import run
from flambeau.ops.joining import cat, stack
from flambeau.ops.linear import linear

Maybe = Tensor | None
State = tuple[Tensor, ...]
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
WEIGHTS = ("w_ih", "w_hh", "b_ih", "b_hh")


def _sizes(x: Any, h: Any, *wide: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of results ``[T, B, count * H]``."""
    return tuple([(*x.shape[:2], count * h.shape[-1]) for count in wide])


_lstm = Op("lstm_layer", kernels.lstm_forward, inputs=("input", "h", "c", *WEIGHTS),
    params=("reverse",), outputs=4, differentiable=(0, 1), accepts="f",
    shape=lambda x, h, c, *rest: (_sizes(x, h, 1)[0], c.shape, *_sizes(x, h, 4, 1)))  # fmt: skip
_lstm_backward = Op("lstm_layer_backward", kernels.lstm_backward, outputs=7,
    inputs=("grad_output", "grad_c", "input", "h", "c", "w_ih", "w_hh", "out", "gates", "cells"),
    params=("reverse", "biased"),
    shape=lambda grad, grad_c, *rest: _like(*rest[:5], rest[-1]))  # fmt: skip
_gru = Op("gru_layer", kernels.gru_forward, inputs=("input", "h", *WEIGHTS), params=("reverse",),
    outputs=3, differentiable=(0,), accepts="f",
    shape=lambda x, h, *rest: _sizes(x, h, 1, 3, 1))  # fmt: skip
_gru_backward = Op("gru_layer_backward", kernels.gru_backward, outputs=6,
    inputs=("grad_output", "input", "h", "w_ih", "w_hh", "out", "gates", "kept"),
    params=("reverse", "biased"), shape=lambda grad, *rest: _like(*rest[:4], rest[-1]))  # fmt: skip
_rnn = Op("rnn_layer", kernels.rnn_forward, inputs=("input", "h", *WEIGHTS), accepts="f",
    params=("rectified", "reverse"), shape=lambda x, h, *rest: _sizes(x, h, 1)[0])  # fmt: skip
_rnn_backward = Op("rnn_layer_backward", kernels.rnn_backward, outputs=6,
    inputs=("grad_output", "input", "h", "w_ih", "w_hh", "out"),
    params=("rectified", "reverse", "biased"),
    shape=lambda grad, *rest: _like(*rest[:4], rest[-1]))  # fmt: skip


def _like(*arrays: Any) -> tuple[Any, ...]:
    """The shapes of the gradients: of the arrays but the last, which says whether of biases too."""
    bias = arrays[-2].shape[:1] if arrays[-1] else (0,)
    return (*[a.shape for a in arrays[:-1]], bias, bias)


def suits(input: Tensor, state: State, weights: list[Any]) -> bool:
    """Whether the operators take the layer: plain tensors of one kind, in float32 or float64."""
    tensors = [t for t in (*state, *weights) if t is not None]
    kind = input._kind
    if kind is None or modes.interceptors or modes.autocast is not None or not kind.floating:
        return False
    if kind.dtype.itemsize < 4 or kind.dtype.rank != 2 or weights[4] is not None:
        return False
    return all([t._kind is kind for t in tensors]) and _fits(input, state, weights)


def _fits(input: Tensor, state: State, weights: list[Any]) -> bool:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    if input.ndim != 3 or not input.shape[0] or w_ih.ndim != 2 or w_hh.ndim != 2:
        return False
    rows, size = w_hh.shape
    return (
        w_ih.shape == (rows, input.shape[2])
        and all([s.shape == (input.shape[1], size) for s in state])
        and (b_ih is None) is (b_hh is None)
        and (b_ih is None or b_ih.shape == b_hh.shape == (rows,))
    )


def layer(
    mode: str, input: Tensor, state: State, weights: list[Any], reverse: bool
) -> tuple[Tensor, State]:
    """The outputs ``[T, B, H]`` and the last state, of a layer that ``suits``."""
    tensors = (input, *state, *weights[:4])
    if mode == "lstm":
        out, cell, _, _ = run(_lstm, tensors, (reverse,))
        return out, (out[0 if reverse else -1], cell)
    if mode == "gru":
        out = run(_gru, tensors, (reverse,))[0]
    else:
        out = run(_rnn, tensors, (mode == "rnn_relu", reverse))
    return out, (out[0 if reverse else -1],)


@_lstm.vjp
def _(grad: Any, input: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Maybe,
      b_hh: Maybe, result0: Tensor, result2: Tensor, result3: Tensor,
      reverse: bool) -> Any:  # fmt: skip
    grad_out, grad_c = grad[:2]
    if grad_out is None:
        grad_out = result0.detach() * 0  # type: ignore
    if grad_c is None:
        grad_c = c.detach() * 0  # type: ignore
    weights = w_ih, w_hh, b_ih, b_hh
    if modes.grad:
        zero = (grad_c.detach() * 0, grad_c)
        return _through(_lstm_back, _lstm_step, grad_out, zero, input, (h, c), weights, reverse)
    saved = grad_out, grad_c, input, h, c, w_ih, w_hh, result0, result2, result3
    return run(_lstm_backward, saved, (reverse, b_ih is not None))


@_gru.vjp
def _(grad: Tensor, input: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Maybe, b_hh: Maybe,
      result0: Tensor, result1: Tensor, result2: Tensor, reverse: bool) -> Any:  # fmt: skip
    if modes.grad:
        weights, zero = (w_ih, w_hh, b_ih, b_hh), (h.detach() * 0,)  # type: ignore
        return _through(_gru_back, _gru_step, grad, zero, input, (h,), weights, reverse)
    saved = grad, input, h, w_ih, w_hh, result0, result1, result2
    return run(_gru_backward, saved, (reverse, b_ih is not None))


@_rnn.vjp
def _(grad: Tensor, input: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Maybe, b_hh: Maybe,
      result: Tensor, rectified: bool, reverse: bool) -> Any:  # fmt: skip
    if modes.grad:
        weights, zero = (w_ih, w_hh, b_ih, b_hh), (h.detach() * 0,)  # type: ignore
        back, step = (_relu_back, _relu_step) if rectified else (_tanh_back, _tanh_step)
        return _through(back, step, grad, zero, input, (h,), weights, reverse)
    saved = grad, input, h, w_ih, w_hh, result
    return run(_rnn_backward, saved, (rectified, reverse, b_ih is not None))


def _through(
    back: Callable[..., Any], step: Callable[..., Any], grad: Tensor, carried: State, input: Tensor,
    state: State, weights: tuple[Any, ...], reverse: bool,
) -> list[Any]:  # fmt: skip
    """The gradients of all inputs in tensors: the steps forward, and back through each.

    ``step`` returns the activations and the next state; ``back`` the gradients of the input's and
    of the state's products, and of the state apart from its product.
    """
    w_ih, w_hh, b_ih, b_hh = weights
    products: Any = linear(input, w_ih, b_ih).unbind(0)  # type: ignore[attr-defined]
    order = list(range(len(products)))[:: -1 if reverse else 1]
    taken = []
    for t in order:
        gates, after = step(products[t], state, w_hh, b_hh)
        taken.append((t, state, gates, after))
        state = after
    d_input: list[Any] = [None] * len(order)
    d_hidden, previous = list(d_input), list(d_input)
    for t, before, gates, after in reversed(taken):
        d_input[t], d_hidden[t], rest = back(grad[t] + carried[0], carried, before, gates, after)  # type: ignore
        previous[t] = before[0]
        carried = (rest[0] + d_hidden[t].mm(w_hh), *rest[1:])
    rows, back_rows = cat(d_input), cat(d_hidden)
    flat: Any = input.reshape(-1, input.shape[-1])  # type: ignore[attr-defined]
    found = [
        stack(d_input).matmul(w_ih),
        *carried,
        rows.mT.mm(flat),
        back_rows.mT.mm(cat(previous)),
    ]  # type: ignore
    return [*found, *([None] * 2 if b_ih is None else [rows.sum(0), back_rows.sum(0)])]


def _slope(s: Any) -> Any:
    """The derivative of the sigmoid whose value is ``s``."""
    return s * (1 - s)


def _lstm_step(x: Any, state: Any, w_hh: Tensor, b_hh: Maybe) -> Any:
    i, f, g, o = (x + linear(state[0], w_hh, b_hh)).chunk(4, -1)  # type: ignore[attr-defined]
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * state[1] + i * g
    return (i, f, g, o), (o * c.tanh(), c)


def _lstm_back(dh: Any, carried: Any, before: Any, gates: Any, after: Any) -> Any:
    i, f, g, o = gates
    bent = after[1].tanh()
    dc = carried[1] + dh * o * (1 - bent * bent)
    parts = dc * g * _slope(i), dc * before[1] * _slope(f), dc * i * (1 - g * g)
    d = cat((*parts, dh * bent * _slope(o)), -1)
    return d, d, (dh * 0, dc * f)


def _gru_step(x: Any, state: Any, w_hh: Tensor, b_hh: Maybe) -> Any:
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = linear(state[0], w_hh, b_hh).chunk(3, -1)  # type: ignore[attr-defined]
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return (r, z, n, h_n), (n + z * (state[0] - n),)


def _gru_back(dh: Any, carried: Any, before: Any, gates: Any, after: Any) -> Any:
    r, z, n, product = gates
    dn = dh * (1 - z) * (1 - n * n)
    dr, dz = dn * product * _slope(r), dh * (before[0] - n) * _slope(z)
    return cat((dr, dz, dn), -1), cat((dr, dz, dn * r), -1), (dh * z,)


def _tanh_step(x: Any, state: Any, w_hh: Tensor, b_hh: Maybe) -> Any:
    y = (x + linear(state[0], w_hh, b_hh)).tanh()
    return y, (y,)


def _tanh_back(dh: Any, carried: Any, before: Any, y: Any, after: Any) -> Any:
    d = dh * (1 - y * y)
    return d, d, (dh * 0,)


def _relu_step(x: Any, state: Any, w_hh: Tensor, b_hh: Maybe) -> Any:
    y = (x + linear(state[0], w_hh, b_hh)).relu()
    return y, (y,)


def _relu_back(dh: Any, carried: Any, before: Any, y: Any, after: Any) -> Any:
    d = dh * (y > 0)
    return d, d, (dh * 0,)
