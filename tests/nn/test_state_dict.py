"""state_dict and load_state_dict: content, strictness, messages, versions."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import flambeau as torch
from flambeau import nn


def model():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_content_shares_memory():
    net = model()
    state = net.state_dict()
    assert list(state) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
        "1.num_batches_tracked",
    ]  # fmt: skip
    assert state._metadata == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}
    with torch.no_grad():
        net[0].weight.zero_()
    assert state["0.weight"].abs().sum() == 0 and not state["0.weight"].requires_grad
    assert net.state_dict(keep_vars=True)["0.weight"] is net[0].weight


def test_prefix_and_destination():
    into = OrderedDict(first=torch.ones(1))
    nn.Linear(1, 1).state_dict(destination=into, prefix="net.")
    assert list(into) == ["first", "net.weight", "net.bias"]
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        assert list(nn.Linear(1, 1).state_dict(OrderedDict(), "p.")) == ["p.weight", "p.bias"]


def test_messages_of_strict_loading():
    state = {"weight": torch.ones(2, 2), "q": torch.ones(1), "bias": 4}
    with pytest.raises(RuntimeError) as caught:
        nn.Linear(2, 3).load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Linear:\n"
        '\tUnexpected key(s) in state_dict: "q". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([2, 2]) from "
        "checkpoint, the shape in current model is torch.Size([3, 2]).\n"
        '\tWhile copying the parameter named "bias", expected torch.Tensor or Tensor-like object '
        "from checkpoint but received <class 'int'>"
    )


def test_lenient_loading():
    state = model().state_dict()
    del state["0.bias"]
    state["extra.weight"] = torch.ones(1)
    missing, unexpected = model().load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["0.bias"], ["extra.weight"])
    assert repr(model().load_state_dict(model().state_dict())) == "<All keys matched successfully>"
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        model().load_state_dict([1])


def test_copy_and_assign():
    layer = nn.Linear(2, 2).double()
    weight, state = layer.weight, nn.Linear(2, 2).state_dict()
    layer.load_state_dict(state)
    assert layer.weight is weight and weight.dtype is torch.float64
    layer.load_state_dict(state, assign=True)
    assert layer.weight is not weight and layer.weight.dtype is torch.float32
    assert isinstance(layer.weight, nn.Parameter) and layer.weight.requires_grad


def test_meta_parameters_are_assigned():
    layer = nn.Linear(2, 2, device="meta")
    state = nn.Linear(2, 2).state_dict()
    with pytest.warns(UserWarning, match="which is a no-op"):
        layer.load_state_dict(state)
    layer.load_state_dict(state, assign=True)
    assert torch.equal(layer.weight, state["weight"])


def test_extra_state():
    class Counter(nn.Module):
        count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    counter, other = Counter(), Counter()
    counter.count = 5
    other.load_state_dict(counter.state_dict())
    assert other.count == 5 and list(counter.state_dict()) == ["_extra_state"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"_extra_state"'):
        other.load_state_dict({})


def test_files_of_version_1_do_not_count_batches():
    state = nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"]
    state._metadata[""]["version"] = 1
    nn.BatchNorm1d(2).load_state_dict(state)


def test_prefix_of_wrapped_models():
    state = nn.DataParallel(nn.Linear(1, 1)).state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"]
