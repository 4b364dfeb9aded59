"""Recurrent networks: cells, and whole layers over a sequence or a packed batch of sequences.

Weights of a layer and direction are ``w_ih [gates * H, I]``, ``w_hh [gates * H, H]`` and, with
biases, ``b_ih`` and ``b_hh``; an LSTM with projections has ``w_hr [P, H]`` last. A layer of plain
tensors is one operator (``recurrent_layers``), of a packed batch one for each number of sequences;
projections, narrow floats and transforms are taken step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from flambeau.core.autocast import autocast
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.dropout import dropout as drop
from flambeau.ops.joining import cat, stack
from flambeau.ops.linear import linear
from flambeau.ops.recurrent_layers import layer as fused
from flambeau.ops.recurrent_layers import suits

Weights = Sequence[Tensor]
State = tuple[Tensor, ...]


# ---- one step: from the products of the input and of the state


def _rnn_step(activation: str) -> Callable[..., State]:
    def step(
        x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None
    ) -> State:
        return (getattr(x + linear(state[0], w_hh, b_hh), activation)(),)

    return step


def _lstm_step(
    x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None
) -> State:
    """S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997; gates i, f, g, o."""
    h, c = state
    i, f, g, o = (x + linear(h, w_hh, b_hh)).chunk(4, -1)  # type: ignore[attr-defined]
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else linear(h, w_hr)), c


def _gru_step(
    x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None
) -> State:
    """K. Cho et al., "Learning phrase representations", 2014; the reset gate scales the product."""
    h = state[0]
    x_r, x_z, x_n = x.chunk(3, -1)  # type: ignore[attr-defined]
    h_r, h_z, h_n = linear(h, w_hh, b_hh).chunk(3, -1)  # type: ignore[attr-defined]
    z = (x_z + h_z).sigmoid()
    n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    return (n + z * (h - n),)


_STEPS = {
    "rnn_tanh": _rnn_step("tanh"),
    "rnn_relu": _rnn_step("relu"),
    "lstm": _lstm_step,
    "gru": _gru_step,
}


# ---- layers


def _split(weights: Weights, biases: bool, count: int) -> list[list[Any]]:
    """The weights of each layer and direction as ``w_ih, w_hh, b_ih, b_hh, w_hr``."""
    per = len(weights) // count
    groups = [list(weights[i * per : (i + 1) * per]) for i in range(count)]
    plain = [g if biases else [*g[:2], None, None, *g[2:]] for g in groups]
    return [g if len(g) == 5 else [*g, None] for g in plain]


def _direction(
    mode: str, input: Tensor, state: State, weights: list[Any], reverse: bool
) -> tuple[Tensor, State]:
    """One layer in one direction over ``[T, B, I]``."""
    if suits(input, state, weights):
        return fused(mode, input, state, weights, reverse)
    step, (w_ih, w_hh, b_ih, b_hh, w_hr) = _STEPS[mode], weights
    products = linear(input, w_ih, b_ih).unbind(0)  # type: ignore[attr-defined]
    outputs = []
    for x in reversed(products) if reverse else products:
        state = step(x, state, w_hh, b_hh, w_hr)
        outputs.append(state[0])
    return stack(outputs[::-1] if reverse else outputs), state


def _packed_direction(
    mode: str, data: Tensor, sizes: list[int], state: State, weights: list[Any], reverse: bool
) -> tuple[Tensor, State]:
    """The same over a packed batch: step ``t`` has the first ``sizes[t]`` sequences.

    Steps with as many sequences are taken together.
    """
    runs = [(n, len(list(steps))) for n, steps in groupby(sizes)]
    pieces = data.split([n * steps for n, steps in runs])  # type: ignore[attr-defined]
    outputs: list[Any] = [None] * len(runs)
    for at in range(len(runs) - 1, -1, -1) if reverse else range(len(runs)):
        n, steps = runs[at]
        dense = pieces[at].reshape(steps, n, -1)
        begun = tuple([s[:n] for s in state])  # type: ignore[index]
        output, new = _direction(mode, dense, begun, weights, reverse)
        outputs[at] = output.flatten(0, 1)  # type: ignore[attr-defined]
        state = tuple(
            [cat((fresh, old[n:])) if n < len(old) else fresh for fresh, old in zip(new, state)]
        )  # type: ignore
    return cat(outputs), state


def _run(
    mode: str,
    over: Any,
    input: Tensor,
    states: State,
    weights: Weights,
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Tensor, State]:
    """All layers; `over` runs one direction of one layer."""
    directions = 2 if bidirectional else 1
    groups = _split(weights, biases, layers * directions)
    input, *states = autocast(mode, (input, *states))  # type: ignore[assignment]
    final: list[State] = []
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            at = layer * directions + direction
            state = tuple([s[at] for s in states])  # type: ignore[index]
            output, state = over(mode, input, state, groups[at], direction == 1)
            outputs.append(output)
            final.append(state)
        input = outputs[0] if directions == 1 else cat(outputs, -1)
        if dropout and train and layer + 1 < layers:
            input = drop(input, dropout, True)
    return input, tuple([stack(parts) for parts in zip(*final)])


def _layers(mode: str) -> Callable[..., Any]:
    """``lstm(input, hx, params, ...)``, or ``lstm(data, batch_sizes, hx, params, ...)`` when
    packed."""

    def run(input: Tensor, second: Any, third: Any, *rest: Any) -> Any:
        if isinstance(third, Tensor) or (isinstance(second, Tensor) and isinstance(third, tuple)):
            params, has_biases, num_layers, dropout, train, bidirectional = rest
            sizes, hx = [int(n) for n in second.tolist()], third

            def packed(
                mode: str, data: Tensor, state: State, weights: list[Any], reverse: bool
            ) -> Any:
                return _packed_direction(mode, data, sizes, state, weights, reverse)

            states = tuple(hx) if isinstance(hx, tuple | list) else (hx,)
            output, final = _run(
                mode,
                packed,
                input,
                states,
                params,
                has_biases,
                num_layers,
                dropout,
                train,
                bidirectional,
            )
            return output, *final
        has_biases, num_layers, dropout, train, bidirectional, batch_first = rest
        states = tuple(second) if isinstance(second, tuple | list) else (second,)
        sequence = input.transpose(0, 1) if batch_first else input  # type: ignore[attr-defined]
        output, final = _run(
            mode,
            _direction,
            sequence,
            states,
            third,
            has_biases,
            num_layers,
            dropout,
            train,
            bidirectional,
        )
        return (output.transpose(0, 1) if batch_first else output), *final  # type: ignore

    run.__name__ = run.__qualname__ = mode
    rows = {"gru": 9, "lstm": 12}.get(mode, 3)
    state = "torch.zeros(1, 1, 3)" if mode != "lstm" else "(torch.zeros(1, 1, 3),) * 2"
    run.__doc__ = f"""All layers of ``{mode}`` over a sequence ``[T, B, I]``: output and last state.

    ``{mode}(input, hx, params, has_biases, num_layers, dropout, train, bidirectional,
    batch_first)``; of a packed sequence ``{mode}(data, batch_sizes, hx, params, has_biases,
    num_layers, dropout, train, bidirectional)``. ``hx`` is ``[layers, B, H]``, for ``lstm`` two;
    ``params`` lists the weights ``[rows, I]`` and ``[rows, H]``, then biases, of each layer and
    direction. RuntimeError where their sizes do not fit.

    >>> weights = [torch.zeros({rows}, 2), torch.zeros({rows}, 3)]
    >>> sequence, state = torch.ones(4, 1, 2), {state}
    >>> torch.{mode}(sequence, state, weights, False, 1, 0.0, False, False, False)[0].shape
    torch.Size([4, 1, 3])
    """
    return run


rnn_tanh, rnn_relu, lstm, gru = (_layers(mode) for mode in ("rnn_tanh", "rnn_relu", "lstm", "gru"))


# ---- cells


def _cell(
    mode: str, x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, b_ih: Any, b_hh: Any
) -> State:
    if x.shape[1] != w_ih.shape[1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {x.shape[1]} expected {w_ih.shape[1]}"
        )
    for place, part in enumerate(state):
        if part.size(0) != x.shape[0]:
            raise RuntimeError(
                f"Input batch size {x.shape[0]} doesn't match hidden{place} batch size "
                f"{part.size(0)}"
            )
        if part.size(1) != w_hh.shape[1]:
            raise RuntimeError(
                f"hidden{place} has inconsistent hidden_size: got {part.size(1)}, expected "
                f"{w_hh.shape[1]}"
            )
    return _STEPS[mode](linear(x, w_ih, b_ih), state, w_hh, b_hh, None)


def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
                  b_hh: Tensor | None = None) -> Tensor:  # fmt: skip
    """``tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    ``[B, I]`` (or ``[I]``) and ``[B, H]``; the weights are ``[H, I]`` and ``[H, H]``. RuntimeError
    where the sizes do not fit.

    >>> torch.rnn_tanh_cell(torch.ones(1, 2), torch.zeros(1, 1), torch.ones(1, 2), torch.ones(1, 1))
    tensor([[0.9640]])
    """
    return _cell("rnn_tanh", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
                  b_hh: Tensor | None = None) -> Tensor:  # fmt: skip
    """``relu(W_ih x + b_ih + W_hh h + b_hh)``.

    ``[B, I]`` (or ``[I]``) and ``[B, H]``; the weights are ``[H, I]`` and ``[H, H]``. RuntimeError
    where the sizes do not fit.

    >>> torch.rnn_relu_cell(torch.ones(1, 2), torch.zeros(1, 1), torch.ones(1, 2), torch.ones(1, 1))
    tensor([[2.]])
    """
    return _cell("rnn_relu", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def lstm_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
              b_hh: Tensor | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One step of an LSTM: the new ``h`` and ``c``.

    ``[B, I]`` (or ``[I]``) and two of ``[B, H]``; the weights are ``[4 * H, I]`` and
    ``[4 * H, H]``. RuntimeError where the sizes do not fit.

    >>> state = torch.zeros(1, 3), torch.ones(1, 3)
    >>> torch.lstm_cell(torch.zeros(1, 2), state, torch.ones(12, 2), torch.zeros(12, 3))[1]
    tensor([[0.5000, 0.5000, 0.5000]])
    """
    h, c = _cell("lstm", input, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
             b_hh: Tensor | None = None) -> Tensor:  # fmt: skip
    """One step of a GRU: the new ``h``.

    ``[B, I]`` (or ``[I]``) and ``[B, H]``; the weights are ``[3 * H, I]`` and ``[3 * H, H]``.
    RuntimeError where the sizes do not fit.

    >>> torch.gru_cell(torch.zeros(1, 2), torch.ones(1, 3), torch.ones(9, 2), torch.zeros(9, 3))
    tensor([[0.5000, 0.5000, 0.5000]])
    """
    return _cell("gru", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


__all__ = exported(globals())
