"""Layers: what they compute against their formulas, their options, what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import flambeau as torch
from flambeau import nn


def close(result, expected, tolerance=1e-6):
    result = result.detach().numpy()
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result, expected, atol=tolerance, rtol=1e-5)


class TestLinear:
    def test_formula(self):
        layer, x = nn.Linear(3, 2), torch.rand(4, 5, 3)
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        close(layer(x), x.numpy() @ weight.T + bias)
        close(nn.Linear(3, 2, bias=False)(torch.zeros(3)), [0, 0])

    def test_reparametrised_weights_are_found(self):
        layer = nn.Linear(2, 2)
        del layer._parameters["weight"]
        layer.weight = torch.zeros(2, 2)
        assert torch.equal(layer(torch.ones(2)), layer.bias)

    def test_lazy(self):
        layer = nn.LazyLinear(3)
        assert layer.has_uninitialized_params() and nn.parameter.is_lazy(layer.weight)
        assert repr(layer.weight) == "<UninitializedParameter>"
        with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized"):
            _ = layer.weight.shape
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            _ = layer.weight + 1
        weight = layer.double().weight
        assert layer(torch.ones(2, 5, dtype=torch.float64)).shape == (2, 3)
        assert type(layer) is nn.Linear and layer.weight is weight
        assert type(weight) is nn.Parameter and not layer._forward_pre_hooks

    def test_lazy_takes_shapes_from_a_state(self):
        layer = nn.LazyLinear(3)
        layer.load_state_dict(nn.Linear(4, 3).state_dict())
        assert layer.weight.shape == (3, 4)


class TestConvolution:
    @pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
    def test_same_padding(self, mode):
        layer = nn.Conv1d(1, 1, 4, padding="same", dilation=2, padding_mode=mode, bias=False)
        x = np.arange(1.0, 9.0, dtype=np.float32)
        kinds = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
        padded = np.pad(x, (3, 3), mode=kinds[mode])
        kernel = layer.weight.detach().numpy()[0, 0]
        expected = sum(kernel[k] * padded[2 * k : 2 * k + 8] for k in range(4))
        close(layer(torch.from_numpy(x)[None])[0], expected, 1e-5)

    def test_transposed_output_size(self):
        layer = nn.ConvTranspose2d(2, 3, 3, stride=2)
        x = torch.rand(1, 2, 4, 4)
        assert layer(x).shape == (1, 3, 9, 9)
        assert layer(x, output_size=[10, 9]).shape == (1, 3, 10, 9)
        with pytest.raises(ValueError, match=r"valid sizes range from \[9, 9\] to \[10, 10\]"):
            layer(x, output_size=[11, 9])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"groups": 3}, "in_channels must be divisible by groups"),
            ({"groups": 0}, "groups must be a positive integer"),
            ({"padding": "some"}, "Invalid padding string 'some'"),
            ({"padding": "same", "stride": 2}, "not supported for strided convolutions"),
            ({"padding_mode": "some"}, "padding_mode must be one of"),
        ],
    )
    def test_refusals(self, options, message):
        with pytest.raises(ValueError, match=message):
            nn.Conv2d(4, 4, 3, **options)


class TestNormalisation:
    def test_running_statistics(self):
        norm = nn.BatchNorm1d(2, momentum=None)
        batches = [torch.randn(5, 2) for _ in range(3)]
        for batch in batches:
            norm(batch)
        close(norm.running_mean, np.mean([b.numpy().mean(0) for b in batches], 0))
        close(norm.running_var, np.mean([b.numpy().var(0, ddof=1) for b in batches], 0))
        assert norm.num_batches_tracked.item() == 3
        norm.reset_running_stats()
        assert norm.running_var.tolist() == [1, 1]
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            norm(torch.randn(1, 2))

    def test_evaluation_uses_them(self):
        norm = nn.BatchNorm2d(2).eval()
        norm.running_mean.fill_(3.0)
        x = torch.randn(1, 2, 2, 2)
        close(norm(x), (x.numpy() - 3) / math.sqrt(1 + 1e-5))

    def test_layer_norm(self):
        x = torch.randn(3, 2, 4)
        rows = x.numpy().reshape(3, 8)
        scaled = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)
        close(nn.LayerNorm((2, 4))(x), scaled.reshape(3, 2, 4), 1e-5)
        assert repr(nn.LayerNorm(4, bias=False)) == (
            "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=False)"
        )

    def test_bias_option(self):
        state = nn.BatchNorm1d(2, bias=False).state_dict()
        assert "bias" not in state and "weight" in state

    def test_synchronised(self):
        model = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(2)))
        assert type(model[0]) is nn.SyncBatchNorm and "0.running_mean" in model.state_dict()


class TestEmbedding:
    def test_padding_and_pretrained(self):
        table = nn.Embedding(4, 2, padding_idx=-1)
        assert table.padding_idx == 3 and table.weight[3].abs().sum() == 0
        table(torch.tensor([3, 1, 1])).sum().backward()
        assert table.weight.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]
        frozen = nn.Embedding.from_pretrained(torch.ones(2, 3))
        assert not frozen.weight.requires_grad
        with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings"):
            nn.Embedding(3, 2, padding_idx=3)


class TestDropout:
    def test_training_and_evaluation(self):
        torch.manual_seed(0)
        layer, x = nn.Dropout(0.5), torch.ones(1000)
        dropped = layer(x)
        assert set(dropped.unique().tolist()) == {0.0, 2.0}
        assert torch.equal(layer.eval()(x), x)
        with pytest.raises(ValueError, match="probability has to be between 0 and 1, but got -1"):
            nn.Dropout(-1)


class TestRecurrent:
    def test_lstm_against_its_formula(self):
        torch.manual_seed(0)
        net, x = nn.LSTM(2, 3), torch.randn(4, 1, 2)
        w_ih, w_hh, b_ih, b_hh = (one.detach().numpy() for one in net.parameters())
        h, c = np.zeros(3), np.zeros(3)

        def sigmoid(v):
            return 1 / (1 + np.exp(-v))

        for step in x.numpy()[:, 0]:
            i, f, g, o = np.split(w_ih @ step + b_ih + w_hh @ h + b_hh, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        output, (last, cell) = net(x)
        close(last[0, 0], h)
        close(cell[0, 0], c)
        close(output[-1, 0], h)

    @pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
    def test_packed_sequences_equal_single_ones(self, kind):
        torch.manual_seed(1)
        net = kind(2, 3, num_layers=2, bidirectional=True)
        sequences = [torch.randn(length, 2) for length in (2, 4, 1)]
        packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
        output, state = net(packed)
        state = state[0] if isinstance(state, tuple) else state
        results = nn.utils.rnn.unpack_sequence(output)
        for place, sequence in enumerate(sequences):
            alone, last = net(sequence)
            last = last[0] if isinstance(last, tuple) else last
            close(results[place], alone.detach().numpy())
            close(state[:, place], last.detach().numpy())

    def test_batch_first_and_names(self):
        net = nn.GRU(2, 3, batch_first=True, bidirectional=True)
        assert net(torch.zeros(5, 4, 2))[0].shape == (5, 4, 6)
        assert list(net.state_dict())[4:] == [
            "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse",
            "bias_hh_l0_reverse",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "smaller than hidden_size"),
            (lambda: nn.GRU(3, 4, proj_size=2), ValueError, "only supported for LSTM"),
            (lambda: nn.RNN(3, 4, nonlinearity="some"), ValueError, "Unknown nonlinearity 'some'"),
            (lambda: nn.RNN(3, 0), ValueError, "hidden_size must be greater than zero"),
            (lambda: nn.RNN(3, 4.5), TypeError, "hidden_size should be of type int, got: float"),
            (
                lambda: nn.GRU(3, 4)(torch.ones(5, 2, 3), torch.ones(1, 3, 4)),
                RuntimeError,
                r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]",
            ),
            (
                lambda: nn.LSTM(3, 4)(torch.ones(5)),
                ValueError,
                "LSTM: Expected input to be 2D or 3D, got 1D instead",
            ),
        ],
    )
    def test_refusals(self, call, error, message):
        with pytest.raises(error, match=message):
            call()


def test_old_response_normalisation():
    layer = nn.CrossMapLRN2d(3, alpha=1.0, beta=1.0, k=0)
    x = torch.arange(1.0, 8.0).reshape(1, 7, 1, 1)
    close((x / layer(x) * 3).flatten(), [5, 14, 30, 51, 78, 111, 86], 1e-4)
