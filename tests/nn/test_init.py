"""Initial values: PyTorch 2.13's for the same seed, by digests of the values it drew."""

from __future__ import annotations

import hashlib

import pytest

import flambeau as torch
from flambeau import nn

LAYERS = [
    (lambda n: n.Linear(20, 30), "bc5b466b58f3d12e"),
    (lambda n: n.Bilinear(3, 4, 5), "fdcfec1d9510aade"),
    (lambda n: n.Conv2d(6, 8, 3, groups=2), "cdbd571a3fdd5bd7"),
    (lambda n: n.ConvTranspose1d(4, 6, 3), "214d102ac054d34b"),
    (lambda n: n.LSTM(5, 6, 2, bidirectional=True, proj_size=3), "60f7998690e42d9f"),
    (lambda n: n.GRUCell(4, 5), "b82c805a3950d913"),
    (lambda n: n.Embedding(10, 3, padding_idx=2), "6909355805e98241"),
    (lambda n: n.MultiheadAttention(8, 2, kdim=5, add_bias_kv=True), "689c3a666b889a4c"),
    (lambda n: n.Transformer(8, 2, 1, 1, 16, batch_first=True), "54095c939900ab38"),
    (lambda n: n.AdaptiveLogSoftmaxWithLoss(16, 12, [4, 8]), "3d4113102432ec6b"),
    (lambda n: n.BatchNorm2d(4), "5f9e45bf2ca8996f"),
]
FUNCTIONS = [
    ("trunc_normal_", (50, 40), {}, "ac5f838688e9c87a"),
    ("trunc_normal_", (6,), {"a": 2.0, "b": 3.0}, "01e4fe0f104ddfa3"),
    ("xavier_uniform_", (5, 7), {"gain": 1.4}, "76ba5bc7b964157a"),
    ("xavier_normal_", (8, 3, 3), {}, "6a7b8a20a5e5952f"),
    (
        "kaiming_uniform_",
        (5, 7),
        {"mode": "fan_out", "nonlinearity": "relu"},
        "bce6db5ad2f669ea",
    ),
    ("kaiming_normal_", (8, 4), {"a": 0.3}, "dea9a91ffe59566f"),
    ("sparse_", (20, 5), {"sparsity": 0.3}, "6b708f21665dfd00"),
]


def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()[:16]


@pytest.mark.parametrize(("make", "expected"), LAYERS)
def test_layers_start_as_pytorch_starts_them(make, expected):
    torch.manual_seed(11)
    state = make(nn).state_dict()
    parts = [
        part for key, value in state.items() for part in (key.encode(), value.numpy().tobytes())
    ]
    assert digest(*parts) == expected


@pytest.mark.parametrize(("name", "shape", "options", "expected"), FUNCTIONS)
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_functions_draw_what_pytorch_draws(name, shape, options, expected):
    torch.manual_seed(5)
    values = torch.empty(*shape)
    assert getattr(nn.init, name)(values, **options) is values
    assert digest(values.numpy().tobytes()) == expected


def test_orthogonal_rows():
    weight = nn.init.orthogonal_(torch.empty(5, 3, 4, dtype=torch.float64), gain=3.0).reshape(5, 12)
    assert torch.allclose(weight @ weight.T, 9 * torch.eye(5, dtype=torch.float64))


def test_identities():
    x = torch.rand(2, 4, 7)
    conv = nn.Conv1d(4, 4, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight)
    assert torch.equal(conv(x), x)
    assert nn.init.eye_(torch.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.init.xavier_uniform_(torch.empty(3)), "Fan in and fan out can not be computed"),
        (lambda: nn.init.kaiming_normal_(torch.empty(3, 3), mode="fan"), "Mode fan not supported"),
        (lambda: nn.init.calculate_gain("nothing"), "Unsupported nonlinearity nothing"),
        (lambda: nn.init.eye_(torch.empty(3)), "Only tensors with 2 dimensions are supported"),
        (lambda: nn.init.dirac_(torch.empty(3, 3)), "Only tensors with 3, 4, or 5 dimensions"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gains():
    gains = [nn.init.calculate_gain(name) for name in ("linear", "tanh", "relu", "selu")]
    assert gains == [1, 5 / 3, 2**0.5, 0.75]
    assert nn.init.calculate_gain("leaky_relu", 0.2) == pytest.approx((2 / 1.04) ** 0.5)


def test_a_parameter_stays_a_leaf():
    parameter = nn.Parameter(torch.empty(3, 4))
    nn.init.constant_(parameter, 2.0)
    assert parameter.is_leaf and parameter.requires_grad and parameter.sum().item() == 24.0


def test_old_names_warn():
    with pytest.warns(FutureWarning, match="deprecated in favor of `nn.init.normal_`"):
        nn.init.normal(torch.empty(2))
