"""Recurrent networks over sequences. (`_rnn_base.py`: what they share; `_recurrent_cells.py`:
cells.)"""

from __future__ import annotations

from typing import Any, overload

from flambeau.core.publish import adopt
from flambeau.core.tensor import Tensor
from flambeau.nn.modules._recurrent_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from flambeau.nn.modules._rnn_base import RNNBase, chosen

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]


class RNN(RNNBase):
    """``h = tanh(W_ih @ x + b_ih + W_hh @ h + b_hh)`` along sequences. Options: see `RNNBase`.

    Args:
        nonlinearity: ``"tanh"`` or ``"relu"``.

    The call takes sequences (L, N, input_size), (L, input_size) or packed, and the first state
    (layers * directions, N, hidden_size), zeros without it. It returns the states of the last
    layer, (L, N, directions * hidden_size), and the last state of all layers.

    >>> output, hidden = nn.RNN(10, 20, 2)(torch.randn(5, 3, 10))
    >>> output.shape, hidden.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    @overload
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None: ...

    @overload
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> Any:
        return self._forward(input, hx)


class LSTM(RNNBase):
    """Long short-term memory along sequences. Options: see `RNNBase`. Source: Hochreiter 1997.

    ``i, f, g, o = W_ih @ x + b_ih + W_hh @ h + b_hh``;
    ``c = sigmoid(f) * c + sigmoid(i) * tanh(g)``; ``h = sigmoid(o) * tanh(c)``, and ``W_hr @ h``
    with a projection.

    The call takes sequences (L, N, input_size), (L, input_size) or packed, and the first states
    ``(h, c)``, zeros without them. It returns the states of the last layer and the last ``(h, c)``
    of all layers, (layers * directions, N, features).

    >>> output, (h, c) = nn.LSTM(10, 20, 2)(torch.randn(5, 3, 10))
    >>> output.shape, h.shape, c.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]), torch.Size([2, 3, 20]))
    """

    @overload
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None: ...

    @overload
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the cell state that belongs to an input."""
        return self._layers_and_directions(), self._batch(input, batch_sizes), self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raises for an input or states that do not fit."""
        self.check_input(input, batch_sizes)
        state = self.get_expected_hidden_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], state, "Expected hidden[0] size {}, got {}")
        cell = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[1], cell, "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Both states with their batch in another order."""
        if permutation is None:
            return hx
        return chosen(hx[0], permutation), chosen(hx[1], permutation)

    def _zeros(self, input: Tensor, size: tuple[int, int, int]) -> Any:
        hidden = super()._zeros(input, size)
        return hidden, super()._zeros(input, (*size[:2], self.hidden_size))

    def forward(self, input: Any, hx: Any = None) -> Any:
        return self._forward(input, hx if hx is None or isinstance(hx, tuple) else tuple(hx))


class GRU(RNNBase):
    """Gated recurrent units along sequences. Options: see `RNNBase`. Source: Cho 2014.

    ``r, z`` are sigmoids of ``W_ih @ x + b_ih + W_hh @ h + b_hh``;
    ``n = tanh(W_in @ x + b_in + r * (W_hn @ h + b_hn))``; ``h = (1 - z) * n + z * h``.

    The call takes sequences (L, N, input_size), (L, input_size) or packed, and the first state
    (layers * directions, N, hidden_size), zeros without it. It returns the states of the last
    layer and the last state of all layers.

    >>> output, hidden = nn.GRU(10, 20, 2)(torch.randn(5, 3, 10))
    >>> output.shape, hidden.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    @overload
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None: ...

    @overload
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> Any:
        return self._forward(input, hx)


adopt(globals())
