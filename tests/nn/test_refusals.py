"""What cells and products refuse, in PyTorch's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import flambeau as torch
from flambeau import nn

F: Any = nn.functional
x, X, w, W = (torch.zeros(2, 3), torch.zeros(2, 3).double(), torch.zeros(3, 4),
              torch.zeros(3, 4).double())  # fmt: skip
b, B = torch.zeros(4), torch.zeros(4).double()
gru, lstm = nn.GRUCell(3, 4), nn.LSTMCell(3, 4)
zeros = torch.zeros

REFUSED: dict[str, Callable[[], Any]] = {
    "input has inconsistent input_size: got 5 expected 3": lambda: gru(zeros(2, 5)),
    "Input batch size 2 doesn't match hidden0 batch size 3": lambda: gru(x, zeros(3, 4)),
    "hidden0 has inconsistent hidden_size: got 5, expected 4": lambda: gru(x, zeros(2, 5)),
    "Input batch size 2 doesn't match hidden0 batch size 4": lambda: gru(x, zeros(4)),
    "hidden1 has inconsistent hidden_size: got 5, expected 4": (
        lambda: lstm(x, (zeros(2, 4), zeros(2, 5)))
    ),
    "mat1 and mat2 must have the same dtype, but got Double and Float": lambda: gru(X),
    "mat1 and mat2 must have the same dtype, but got Float and Double": (
        lambda: F.linear(x, W.T, B)
    ),
    "self and mat2 must have the same dtype, but got Double and Float": (
        lambda: F.linear(x, w.T, B)
    ),
    "expected m1 and m2 to have the same dtype, but got: float != double": (
        lambda: F.linear(x, W.T)
    ),
    "self and mat2 must have the same dtype, but got Float and Double": (
        lambda: torch.addmm(b, x, W)
    ),
    "mat1 and mat2 must have the same dtype, but got Long and Double": (
        lambda: torch.addmm(B, x.long(), W)
    ),
    "expected scalar type Float but found Double": lambda: torch.bmm(x[None], W[None]),
    "Input dtypes must be the same, got: input float, batch1: double, batch2: double": (
        lambda: torch.baddbmm(b, X[None], W[None])
    ),
    "addmv input tensors must have the same dtype, but got Float, Float, and Double": (
        lambda: torch.addmv(zeros(2), x, W[:, 0])
    ),
    "addmv input tensors must have the same dtype, but got Double, Float, and Double": (
        lambda: torch.mv(x, W[:, 0])
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(RuntimeError, match=f"^{re.escape(message)}"):
        REFUSED[message]()


@pytest.mark.parametrize("cell", [nn.RNNCell, nn.GRUCell])
def test_cells_take_one_example(cell: type[Any]) -> None:
    """Without a batch, input and state are vectors."""
    layer = cell(3, 4)
    one, state = torch.randn(3), torch.randn(4)
    whole = layer(one[None], state[None])
    assert torch.allclose(layer(one, state), whole[0])
    with pytest.raises(IndexError, match="Dimension out of range"):
        layer(x, zeros(2))
