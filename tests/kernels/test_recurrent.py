"""Recurrent layers: both forms agree, for sizes that fill no panel, both ways, with and without
biases."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.twins import close, random, twins

SHAPES = [(7, 3, 5, 9), (5, 17, 20, 70), (4, 8, 3, 128)]  # steps, batch, inputs, units
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def _inputs(mode, steps, batch, size, units, biased):
    rows = GATES[mode] * units
    states = [
        random(batch, units, dtype=np.float32, seed=s) for s in range(2 if mode == "lstm" else 1)
    ]
    weights = [random(rows, n, dtype=np.float32) / n**0.5 for n in (size, units)]
    biases = [random(rows, dtype=np.float32, seed=s) for s in (3, 4)] if biased else [None, None]
    x = random(steps, batch, size, dtype=np.float32)
    return [x, *states, *weights], biases


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mode", ["lstm", "gru", "rnn"])
def test_both_forms_agree(mode, shape, reverse):
    shared, compiled = twins("recurrent")
    for flag in (False, True):  # biases, and ReLU
        tensors, biases = _inputs(mode, *shape, flag)
        params = (flag, reverse) if mode == "rnn" else (reverse,)
        forward, backward = f"{mode}_forward", f"{mode}_backward"
        expected = getattr(shared, forward)(*tensors, *biases, *params)
        close(getattr(compiled, forward)(*tensors, *biases, *params), expected, np.float32)
        results = expected if isinstance(expected, tuple) else (expected,)
        grads = [random(*r.shape, dtype=np.float32, seed=9) for r in results]
        if mode == "lstm":
            grads, kept = grads[:2], (results[0], *results[2:])
        else:
            grads, kept = grads[:1], results
        given = (*grads, *tensors, *kept, *params, flag)
        expected = getattr(shared, backward)(*given)
        close(getattr(compiled, backward)(*given), expected, np.float32, 4)
