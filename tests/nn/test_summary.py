"""summary and the forms that tensors and modules have in a notebook."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.shared = nn.Linear(8, 8)
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        x = self.body(x).relu().mean((2, 3))
        return self.shared(self.shared(x)), {"first": x}


def lines(text):
    return [" ".join(line.split()) for line in str(text).splitlines()]


class TestSummary:
    def test_a_network(self):
        model = Net()
        found = torch.summary(model, (2, 3, 4, 4))
        convolution, products = 2 * 2 * 8 * 16 * 27, 2 * 2 * 2 * 64
        assert found.flops == convolution + products
        assert found.parameters == 216 + 16 + 72 + 6 == found.trainable
        assert found.buffer_bytes == 8 * 4 * 2 + 8
        rows = lines(found)
        assert rows[0] == "layer output parameters FLOPs"
        assert "0: Conv2d [2, 8, 4, 4] 216 13,824" in rows
        assert "shared: Linear [2, 8] x2 72 512" in rows
        assert "unused: Linear - 6" in rows
        assert "Net [2, 8], [2, 8] 310 14,336" in rows

    def test_the_model_is_as_before(self):
        model = Net()
        model.unused.eval()
        before = {k: v.clone() for k, v in model.state_dict().items()}
        torch.summary(model, torch.ones(1, 3, 4, 4))
        assert model.training and not model.unused.training
        assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
        assert not model.body._forward_hooks and not model.body._forward_pre_hooks

    def test_hooks_go_after_an_error(self):
        model = Net()
        with pytest.raises(RuntimeError):
            torch.summary(model, (2, 5, 4, 4))
        assert not model.body._forward_hooks and model.training

    def test_inputs(self):
        model = nn.Bilinear(2, 3, 4)
        pair = torch.ones(5, 2), torch.ones(5, 3)
        by_name = dict(zip(("input1", "input2"), pair, strict=True))
        assert torch.summary(model, pair).layers[0].shapes == [(5, 4)]
        assert torch.summary(model, by_name).layers[0].shapes == [(5, 4)]
        assert torch.summary(model).layers[0].output == "-"

    def test_depth_and_html(self):
        found = torch.summary(Net(), (1, 3, 4, 4), depth=1)
        assert [layer.path for layer in found.layers] == ["", "body", "shared", "unused"]
        html = found._repr_html_()
        assert html.count("<tr>") == 5 and "shared: Linear" in html


class TestNotebook:
    def test_matrix(self):
        html = torch.arange(200.0).reshape(10, 20)._repr_html_()
        assert "10 x 20 · float32 · cpu · 800 B" in html
        assert html.count("<tr>") == 9 and ">199<" in html and ">85<" not in html

    def test_others(self):
        assert "<pre>tensor(" in torch.ones(2, 2, 2)._repr_html_()
        assert "requires grad" in torch.ones(3, requires_grad=True)._repr_html_()
        assert "no dimensions" in torch.tensor(1)._repr_html_()
        assert "meta" in torch.ones(2, 2, device="meta")._repr_html_()
        assert "<pre>" in torch.ones(0, 2)._repr_html_()

    def test_module(self):
        html = Net()._repr_html_()
        assert html.count("<details") == 2 and "310 parameters" in html
        assert "Conv2d</b>(3, 8, kernel_size=(3, 3)" in html
