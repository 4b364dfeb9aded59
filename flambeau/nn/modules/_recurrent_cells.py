"""Cells: one step of a recurrent network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn.modules._rnn_base import draw_parameters
from flambeau.nn.modules.module import Module
from flambeau.ops import recurrent
from flambeau.ops.creation import empty, zeros


class RNNCellBase(Module):
    """The parameters of a cell: one step of a recurrent network.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether there are biases.
        num_chunks: the number of gates.
    """

    __constants__ = ["input_size", "hidden_size", "bias"]
    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        shapes = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,) if bias else None,
            "bias_hh": (rows,) if bias else None,
        }
        for name, shape in shapes.items():
            made = None if shape is None else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, made)
        self.reset_parameters()

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.__dict__.get("nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def reset_parameters(self) -> None:
        """Draws all parameters anew, uniform within ``1 / sqrt(hidden_size)``."""
        draw_parameters(self, self.hidden_size)

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _check_rank(self, value: Tensor, name: str) -> None:
        if value.dim() not in (1, 2):
            shown = type(self).__name__
            raise ValueError(f"{shown}: Expected {name} to be 1D or 2D, got {value.dim()}D instead")

    def _state_of(self, input: Tensor, hx: Tensor | None, batched: bool) -> Tensor:
        """The state as a batch, zeros without one."""
        if hx is None:
            size = (input.size(0), self.hidden_size)
            return zeros(size, dtype=input.dtype, device=input.device)
        return hx if batched else hx.unsqueeze(0)

    def _step(self, cell: Callable[..., Tensor], input: Tensor, hx: Tensor | None) -> Tensor:
        """The next state of a cell that has one."""
        self._check_rank(input, "input")
        if hx is not None:
            self._check_rank(hx, "hidden")
        batched = input.dim() == 2
        rows = input if batched else input.unsqueeze(0)
        result = cell(rows, self._state_of(rows, hx, batched), *self._weights())
        return result if batched else result.squeeze(0)


class RNNCell(RNNCellBase):
    """``h' = tanh(W_ih @ x + b_ih + W_hh @ h + b_hh)``, or with ``relu``.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether there are biases.
        nonlinearity: ``"tanh"`` or ``"relu"``.

    Shapes: input (N, input_size) or (input_size), state (N, hidden_size) or (hidden_size).

    >>> nn.RNNCell(10, 20)(torch.randn(3, 10)).shape
    torch.Size([3, 20])
    """

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]
    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        cell = recurrent.rnn_tanh_cell if self.nonlinearity == "tanh" else recurrent.rnn_relu_cell
        return self._step(cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`.

    Args:
        input_size: features of the input.
        hidden_size: features of the states.
        bias: whether there are biases.

    The call takes (N, input_size) or (input_size) and ``(h, c)``; it returns the next ``(h, c)``.

    >>> h, c = nn.LSTMCell(10, 20)(torch.randn(3, 10))
    >>> h.shape
    torch.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        self._check_rank(input, "input")
        for place, one in enumerate(hx or ()):
            self._check_rank(one, f"hx[{place}]")
        batched = input.dim() == 2
        rows = input if batched else input.unsqueeze(0)
        states = [self._state_of(rows, one, batched) for one in (hx or (None, None))]
        h, c = recurrent.lstm_cell(rows, states, *self._weights())
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a `GRU`.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether there are biases.

    >>> nn.GRUCell(10, 20)(torch.randn(3, 10)).shape
    torch.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(recurrent.gru_cell, input, hx)
