"""Parameters, checks and batches of recurrent networks.

The recurrences themselves are operators (``ops/recurrent.py``).
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from flambeau.core.modes import modes
from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn import init
from flambeau.nn.modules.module import Module
from flambeau.nn.utils.rnn import PackedSequence
from flambeau.ops import recurrent
from flambeau.ops.creation import empty, zeros

TYPES = {"input_size": int, "hidden_size": int, "bias": bool, "batch_first": bool}


GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def draw_parameters(module: Module, hidden_size: int) -> None:
    """Draws all parameters uniform within ``1 / sqrt(hidden_size)``."""
    bound = 1.0 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


def chosen(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    """The tensor with one dimension in another order."""
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
        draw_parameters(self, self.hidden_size)

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
        return hx if permutation is None else chosen(hx, permutation)

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
