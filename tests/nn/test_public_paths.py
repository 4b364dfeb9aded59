"""Where classes say they live: where PyTorch's files and programs look for them."""

from __future__ import annotations

import importlib
import io
import pickle
from typing import Any

import pytest

import flambeau as torch
from flambeau import nn
from flambeau.nn.utils import prune
from flambeau.serialization.names import find, name_in_files

LAYERS = [value for value in vars(nn).values() if isinstance(value, type)]
PATHS = [
    "nn.modules.rnn.LSTM",
    "nn.modules.rnn.LSTMCell",
    "nn.modules.rnn.RNNBase",
    "nn.modules.conv.ConvTranspose2d",
    "nn.modules.conv.LazyConv1d",
    "nn.modules.loss.CrossEntropyLoss",
    "nn.modules.loss.TripletMarginLoss",
    "nn.modules.activation.ReLU",
    "nn.modules.activation.PReLU",
    "nn.modules.activation.MultiheadAttention",
    "nn.modules.pooling.AdaptiveAvgPool2d",
    "nn.modules.container.ParameterDict",
    "nn.modules.transformer.TransformerDecoderLayer",
    "nn.utils.prune.L1Unstructured",
    "nn.utils.prune.PruningContainer",
    "optim.Muon",
    "optim.Adafactor",
    "optim.adam.Adam",
]


@pytest.mark.parametrize("path", PATHS)
def test_pytorch_paths(path: str) -> None:
    module, _, name = path.rpartition(".")
    cls = getattr(importlib.import_module(f"flambeau.{module}"), name)
    assert cls.__module__ == f"flambeau.{module}"
    assert name_in_files(cls) == (f"torch.{module}", name)


@pytest.mark.parametrize("cls", LAYERS, ids=lambda cls: cls.__name__)
def test_files_name_public_modules(cls: type) -> None:
    named = name_in_files(cls)
    assert named is not None and find(*named) is cls
    assert not any(part.startswith("_") for part in named[0].split("."))


def test_layers_are_pickled() -> None:
    """Plainly, and as a whole by ``torch.save``."""
    model = nn.Sequential(nn.LSTMCell(2, 3), nn.PReLU(), nn.NLLLoss(), nn.AdaptiveMaxPool1d(1))
    prune.l1_unstructured(model[1], "weight", 1)
    assert str(pickle.loads(pickle.dumps(model))) == str(model)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    assert str(torch.load(file, weights_only=False)) == str(model)
    assert b"flambeau" not in file.getvalue()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_functions_are_looked_up_at_each_call(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that count operations replace functions of ``nn.functional``."""
    seen: list[str] = []

    def counted(name: str) -> Any:
        original = getattr(nn.functional, name)

        def function(*args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            return original(*args, **kwargs)

        return function

    names = [f"conv{rank}d", f"conv_transpose{rank}d", f"max_unpool{rank}d"]
    for name in names:
        monkeypatch.setattr(nn.functional, name, counted(name))
    x = torch.ones(1, 1, *[4] * rank)
    indices = torch.arange(4**rank).reshape(x.shape)
    getattr(nn, f"Conv{rank}d")(1, 1, 2)(x)
    getattr(nn, f"ConvTranspose{rank}d")(1, 1, 2)(x)
    getattr(nn, f"MaxUnpool{rank}d")(2)(x, indices)
    assert seen == names
