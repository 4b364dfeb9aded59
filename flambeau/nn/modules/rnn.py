"""Recurrent networks over sequences, and the cells of one step.

The recurrences themselves are operators (``ops/recurrent.py``); here are the parameters, checks,
packed sequences and batches.
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any, overload

from flambeau.core.modes import modes
from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn import init
from flambeau.nn.modules.module import Module
from flambeau.nn.utils.rnn import PackedSequence
from flambeau.ops import recurrent
from flambeau.ops.creation import empty, zeros

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

TYPES = {"input_size": int, "hidden_size": int, "bias": bool, "batch_first": bool}
GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _chosen(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    return tensor.index_select(dim, permutation)


class RNNBase(Module):
    """Parameters, checks and the handling of batches that `RNN`, `LSTM` and `GRU` share.

    Args:
        mode: ``"RNN_TANH"``, ``"RNN_RELU"``, ``"LSTM"`` or ``"GRU"``.
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: each layer takes the result of the one below.
        bias: whether there are biases.
        batch_first: whether sequences are (N, L, features) rather than (L, N, features).
        dropout: probability of dropout between the layers.
        bidirectional: whether a second network runs from the end; results are joined.
        proj_size: features of the projected state of an LSTM; 0: no projection.
    """

    __constants__ = [
        "mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout",
        "bidirectional", "proj_size",
    ]  # fmt: skip
    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
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
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        _check_sizes(self, dropout)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                names = self._add_layer(layer, f"_l{layer}{suffix}", device, dtype)
                self._all_weights.append(names)
        self.reset_parameters()

    def _add_layer(self, layer: int, suffix: str, device: Any, dtype: Any) -> list[str]:
        """Registers the parameters of one layer in one direction; returns their names."""
        state = self.proj_size or self.hidden_size
        directions = 2 if self.bidirectional else 1
        width = self.input_size if layer == 0 else state * directions
        rows = GATES[self.mode] * self.hidden_size
        shapes = {"weight_ih": (rows, width), "weight_hh": (rows, state)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size > 0:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            made = Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name + suffix, made)
        return [name + suffix for name in shapes]

    def reset_parameters(self) -> None:
        """Draws all parameters anew, uniform within ``1 / sqrt(hidden_size)``."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Does nothing: parameters are used where they are."""

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    # --- checks

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raises for an input of another dtype, rank or number of features."""
        weight = getattr(self, self._all_weights[0][0])
        if input.dtype != weight.dtype and modes.autocast is None:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: "
                f"model.to({input.dtype})"
            )
        rank = 2 if batch_sizes is not None else 3
        if input.dim() != rank:
            raise RuntimeError(f"input must have {rank} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {input.size(-1)}"
            )

    def _batch(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return input.size(0 if self.batch_first else 1)

    def _layers_and_directions(self) -> int:
        return self.num_layers * (2 if self.bidirectional else 1)

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the state that belongs to an input."""
        width = self.proj_size or self.hidden_size
        return self._layers_and_directions(), self._batch(input, batch_sizes), width

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raises for a state of another shape."""
        if tuple(hx.size()) != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raises for an input or state that does not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its batch in another order."""
        return hx if permutation is None else _chosen(hx, permutation)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        own = self.__dict__
        for name in ("_flat_weights", "_flat_weights_names", "_flat_weight_refs"):
            own.pop(name, None)  # of other libraries
        own.setdefault("proj_size", 0)

    # --- the call

    def forward(self, *input: Any) -> Any:
        """Runs the network; `RNN`, `LSTM` and `GRU` give it its signature."""
        return self._forward(*input)

    def _forward(self, input: Any, hx: Any = None) -> Any:
        """Batches and unpacks, checks, runs the recurrence, and undoes the first."""
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            hx = self._state(data, hx, batch_sizes, order)
            self.check_forward_args(data, hx, batch_sizes)
            output, hidden = self._run(data, hx, batch_sizes)
            packed = PackedSequence(output, batch_sizes, order, back)
            return packed, self.permute_hidden(hidden, back)
        if input.dim() not in (2, 3):
            kind = (
                "1D tensor"
                if self.mode.startswith("RNN") and input.dim() == 1
                else f"{input.dim()}D"
            )
            shown = self.mode.partition("_")[0]
            raise ValueError(f"{shown}: Expected input to be 2D or 3D, got {kind} instead")
        batched = input.dim() == 3
        _check_rank(hx, batched)
        if not batched:
            batch = 0 if self.batch_first else 1
            input = input.unsqueeze(batch)
            hx = _each(hx, lambda one: one.unsqueeze(1))
        hx = self._state(input, hx, None, None)
        self.check_forward_args(input, hx, None)
        output, hidden = self._run(input, hx, None)
        if not batched:
            output = output.squeeze(batch)
            hidden = _each(hidden, lambda one: one.squeeze(1))
        return output, hidden

    def _state(self, input: Tensor, hx: Any, batch_sizes: Any, order: Any) -> Any:
        """The given state in the order of a packed batch, or zeros."""
        if hx is not None:
            return self.permute_hidden(hx, order)
        return self._zeros(input, self.get_expected_hidden_size(input, batch_sizes))

    def _zeros(self, input: Tensor, size: tuple[int, int, int]) -> Any:
        return zeros(size, dtype=input.dtype, device=input.device)

    def _run(self, input: Tensor, hx: Any, batch_sizes: Tensor | None) -> tuple[Tensor, Any]:
        """The recurrence: output and last state."""
        function = getattr(recurrent, self.mode.lower())
        options = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is None:
            results = function(input, hx, self._flat_weights, *options, self.batch_first)
        else:
            results = function(input, batch_sizes, hx, self._flat_weights, *options)
        return results[0], results[1] if len(results) == 2 else tuple(results[1:])


def _each(hx: Any, change: Any) -> Any:
    """The change made to a state, or to both states of an LSTM."""
    if hx is None:
        return None
    return tuple(map(change, hx)) if isinstance(hx, tuple) else change(hx)


def _check_rank(hx: Any, batched: bool) -> None:
    """Raises where input and state do not agree on whether there is a batch."""
    if hx is None:
        return
    parts = hx if isinstance(hx, tuple) else (hx,)
    rank = 3 if batched else 2
    if all(one.dim() == rank for one in parts):
        return
    kind = "batched 3-D" if batched else "unbatched 2-D"
    if isinstance(hx, tuple):
        shown = ", ".join(f"{one.dim()}-D" for one in parts)
        raise RuntimeError(
            f"For {kind} input, hx and cx should also be {rank}-D but got ({shown}) tensors"
        )
    raise RuntimeError(f"For {kind} input, hx should also be {rank}-D but got {hx.dim()}-D tensor")


def _check_sizes(module: RNNBase, dropout: Any) -> None:
    """Raises for sizes and options that no recurrent network has."""
    if (
        isinstance(dropout, bool)
        or not isinstance(dropout, numbers.Number)
        or not 0 <= dropout <= 1
    ):
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and module.num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={module.num_layers}",
            stacklevel=4,
        )
    for name, kind in TYPES.items():
        value = getattr(module, name)
        if not isinstance(value, kind):
            raise TypeError(
                f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
            )
    for name in ("input_size", "hidden_size", "num_layers"):
        if getattr(module, name) <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if module.proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if module.proj_size >= module.hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if module.mode not in GATES:
        raise ValueError(f"Unrecognized RNN mode: {module.mode}")


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
        return _chosen(hx[0], permutation), _chosen(hx[1], permutation)

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
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _check_rank(self, value: Tensor, name: str) -> None:
        if value.dim() not in (1, 2):
            shown = type(self).__name__
            raise ValueError(f"{shown}: Expected {name} to be 1D or 2D, got {value.dim()}D instead")

    def _state_of(self, input: Tensor, hx: Tensor | None) -> Tensor:
        """The state as a batch, zeros without one."""
        if hx is None:
            size = (input.size(0), self.hidden_size)
            return zeros(size, dtype=input.dtype, device=input.device)
        return hx if hx.dim() == 2 else hx.unsqueeze(0)


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
        self._check_rank(input, "input")
        if hx is not None:
            self._check_rank(hx, "hidden")
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        batched = input.dim() == 2
        rows = input if batched else input.unsqueeze(0)
        cell = recurrent.rnn_tanh_cell if self.nonlinearity == "tanh" else recurrent.rnn_relu_cell
        result = cell(rows, self._state_of(rows, hx), *self._weights())
        return result if batched else result.squeeze(0)


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
        states = [self._state_of(rows, one) for one in (hx or (None, None))]
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
        self._check_rank(input, "input")
        if hx is not None:
            self._check_rank(hx, "hidden")
        batched = input.dim() == 2
        rows = input if batched else input.unsqueeze(0)
        result = recurrent.gru_cell(rows, self._state_of(rows, hx), *self._weights())
        return result if batched else result.squeeze(0)
