"""Packed sequences: each is run as if it were alone."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch
from flambeau import nn
from flambeau.nn.utils import rnn

LENGTHS = [5, 2, 3, 3, 1]
NETWORKS: dict[str, Any] = {
    "LSTM": lambda: nn.LSTM(3, 4, 2, bidirectional=True),
    "projected LSTM": lambda: nn.LSTM(3, 4, proj_size=2, bidirectional=True),
    "GRU": lambda: nn.GRU(3, 4, bidirectional=True, bias=False),
    "RNN": lambda: nn.RNN(3, 4, 2, nonlinearity="relu"),
}


def states(network: Any, count: int) -> Any:
    rows = network.num_layers * (2 if network.bidirectional else 1)
    h = torch.randn(rows, count, network.proj_size or network.hidden_size).double()
    return (h, torch.randn(rows, count, network.hidden_size).double()) if (
        network.mode == "LSTM"
    ) else h  # fmt: skip


def parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("name", NETWORKS)
def test_as_if_alone(name: str) -> None:
    """Outputs, last states and the gradients of all parameters."""
    torch.manual_seed(0)
    network = NETWORKS[name]().double()
    sequences = [torch.randn(n, 3).double() for n in LENGTHS]
    start = states(network, len(LENGTHS))
    output, last = network(rnn.pack_sequence(sequences, enforce_sorted=False), start)
    outputs = rnn.unpack_sequence(output)
    loss = sum((y**2).sum() for y in outputs) + sum((h**3).sum() for h in parts(last))
    grads = torch.autograd.grad(loss, list(network.parameters()))

    total: Any = 0
    for i, sequence in enumerate(sequences):
        alone = tuple(s[:, i : i + 1] for s in parts(start))
        y, h = network(sequence[:, None], alone if len(alone) > 1 else alone[0])
        assert torch.allclose(outputs[i], y[:, 0])
        for ours, theirs in zip(parts(last), parts(h), strict=True):
            assert torch.allclose(ours[:, i], theirs[:, 0])
        total = total + (y**2).sum() + sum((part**3).sum() for part in parts(h))
    for ours, theirs in zip(
        grads, torch.autograd.grad(total, list(network.parameters())), strict=True
    ):
        assert torch.allclose(ours, theirs)


def test_second_derivatives_and_batches_of_one_length() -> None:
    torch.manual_seed(0)
    network = nn.GRU(2, 3).double()
    x = torch.randn(4, 2, 2).double().requires_grad_()
    packed = rnn.pack_padded_sequence(x, [4, 4])
    dense, packed_output = network(x)[0], network(packed)[0].data
    assert torch.equal(packed_output, dense.flatten(0, 1))

    def of_input(x: Any) -> Any:
        return network(rnn.pack_padded_sequence(x, [4, 2]))[0].data

    assert torch.autograd.gradgradcheck(of_input, (x,))
