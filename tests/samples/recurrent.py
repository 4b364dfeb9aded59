"""Samples of recurrent layers and cells."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
SIZE, HIDDEN = 2, 2


def _weights(make: Make, gates: int, size: int = SIZE) -> list[torch.Tensor]:
    rows = gates * HIDDEN
    return [make(rows, size), make(rows, HIDDEN), make(rows), make(rows)]


def _cell(gates: int, states: int = 1) -> Generator:
    def generate(make: Make) -> list[Sample]:
        state = [make(3, HIDDEN) for _ in range(states)]
        hx = state[0] if states == 1 else tuple(state)
        return [((make(3, SIZE), hx, *_weights(make, gates)), {})]

    return generate


def _layer(gates: int, states: int = 1) -> Generator:
    """One layer over a batch of sequences, both orders; two directions with two layers."""

    def generate(make: Make) -> list[Sample]:
        def start(layers: int) -> object:
            hx = [make(layers, 3, HIDDEN) for _ in range(states)]
            return hx[0] if states == 1 else hx

        one = _weights(make, gates)
        four = [
            w for size in (SIZE, SIZE, 2 * HIDDEN, 2 * HIDDEN) for w in _weights(make, gates, size)
        ]
        return [
            ((make(2, 3, SIZE), start(1), one, True, 1, 0.0, True, False, False), {}),
            ((make(3, 2, SIZE), start(1), one, True, 1, 0.0, True, False, True), {}),
            ((make(2, 3, SIZE), start(4), four, True, 2, 0.0, True, True, False), {}),
        ]

    return generate


SAMPLES: dict[str, Generator] = {
    "rnn_tanh_cell": _cell(1),
    "rnn_relu_cell": _cell(1),
    "gru_cell": _cell(3),
    "lstm_cell": _cell(4, 2),
    "rnn_tanh": _layer(1),
    "rnn_relu": _layer(1),
    "gru": _layer(3),
    "lstm": _layer(4, 2),
}
