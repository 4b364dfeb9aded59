"""nn.utils: clipping, vectors, packing, norms, parametrisations, pruning, fusion."""

from __future__ import annotations

import math
import warnings

import pytest

import flambeau as torch
from flambeau import nn
from flambeau.nn import utils
from flambeau.nn.utils import parametrize, prune, rnn, stateless


def with_gradients(*grads):
    parameters = []
    for values in grads:
        parameter = nn.Parameter(torch.zeros(len(values)))
        parameter.grad = torch.tensor(values)
        parameters.append(parameter)
    return [*parameters, nn.Parameter(torch.zeros(1))]


class TestClipping:
    @pytest.mark.parametrize(("norm", "total"), [(2.0, 5.0), (1, 7.0), (math.inf, 4.0)])
    def test_norms(self, norm, total):
        parameters = with_gradients([3.0], [0.0, -4.0])
        assert utils.clip_grad_norm_(parameters, 1.0, norm).item() == pytest.approx(total)
        after = utils.get_total_norm([one.grad for one in parameters[:2]], norm)
        assert after.item() == pytest.approx(1.0, rel=1e-5)

    def test_small_gradients_stay(self):
        parameters = with_gradients([0.5])
        utils.clip_grad_norm_(parameters, 1.0)
        assert parameters[0].grad.item() == 0.5

    def test_nothing_and_nan(self):
        assert utils.clip_grad_norm_([nn.Parameter(torch.zeros(1))], 1.0).item() == 0.0
        with pytest.raises(RuntimeError, match=r"total norm of order 2\.0 .* is non-finite"):
            utils.clip_grad_norm_(with_gradients([math.nan]), 1.0, error_if_nonfinite=True)

    def test_values(self):
        parameters = with_gradients([3.0, -0.1])
        utils.clip_grad_value_(parameters, 0.25)
        assert parameters[0].grad.tolist() == pytest.approx([0.25, -0.1])


def test_parameter_vectors():
    layer = nn.Linear(2, 3)
    vector = utils.parameters_to_vector(layer.parameters())
    utils.vector_to_parameters(vector.detach() * 2, layer.parameters())
    assert torch.equal(utils.parameters_to_vector(layer.parameters()), vector * 2)


class TestSequences:
    def test_packing(self):
        padded = torch.arange(8.0).reshape(4, 2, 1)
        packed = rnn.pack_padded_sequence(padded, [2, 4], enforce_sorted=False)
        assert packed.data.flatten().tolist() == [1, 0, 3, 2, 5, 7]
        assert packed.batch_sizes.tolist() == [2, 2, 1, 1]
        back, lengths = rnn.pad_packed_sequence(packed, padding_value=-1.0, total_length=5)
        assert lengths.tolist() == [2, 4]
        assert back[:, 0].flatten().tolist() == [0, 2, -1, -1, -1]

    def test_padding(self):
        sequences = [torch.ones(2), torch.full((1,), 2.0)]
        padded = rnn.pad_sequence(sequences, batch_first=True, padding_side="left")
        assert padded.tolist() == [[1, 1], [0, 2]]
        lengths = torch.tensor([2, 1])
        back = rnn.unpad_sequence(rnn.pad_sequence(sequences), lengths)
        assert [one.tolist() for one in back] == [[1, 1], [2]]

    @pytest.mark.parametrize(
        ("lengths", "message"),
        [
            ([2, 4], "must be sorted in decreasing order"),
            ([4, 0], "Length of all samples has to be greater than 0"),
            ([4], r"Expected `len\(lengths\)` to be equal to batch_size, but got 1"),
        ],
    )
    def test_refusals(self, lengths, message):
        with pytest.raises(RuntimeError, match=message):
            rnn.pack_padded_sequence(torch.zeros(4, 2, 1), lengths)


class TestNorms:
    @pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
    def test_weight_norm_and_back(self):
        layer = nn.Linear(3, 2)
        weight = layer.weight.detach().clone()
        utils.weight_norm(layer)
        assert list(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
        with torch.no_grad():
            layer.weight_g.mul_(2)
        layer(torch.ones(3))
        assert torch.allclose(layer.weight, 2 * weight, atol=1e-6)
        utils.remove_weight_norm(layer)
        assert isinstance(layer.weight, nn.Parameter) and not layer._forward_pre_hooks
        with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
            utils.remove_weight_norm(layer)

    def test_spectral_norm(self):
        torch.manual_seed(0)
        layer = utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=50)
        layer(torch.ones(3))
        largest = torch.from_numpy(__import__("numpy").linalg.svd(layer.weight.detach().numpy())[1])
        assert largest[0].item() == pytest.approx(1.0, abs=1e-4)
        state = layer.state_dict()
        assert list(state) == ["bias", "weight_orig", "weight_u", "weight_v"]
        assert state._metadata[""]["spectral_norm"] == {"weight.version": 1}


class Symmetric(nn.Module):
    def forward(self, matrix):
        return matrix.triu() + matrix.triu(1).mT

    def right_inverse(self, matrix):
        return matrix.triu()


class TestParametrisation:
    def test_one_life(self):
        layer = nn.Linear(3, 3)
        original = layer.weight
        parametrize.register_parametrization(layer, "weight", Symmetric())
        assert torch.equal(layer.weight, layer.weight.T)
        assert type(layer).__name__ == "ParametrizedLinear"
        assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
        layer.weight = torch.arange(9.0).reshape(3, 3)
        assert layer.weight.tolist() == [[0, 1, 2], [1, 4, 5], [2, 5, 8]]
        layer(torch.ones(3)).sum().backward()
        assert original.grad is not None
        parametrize.remove_parametrizations(layer, "weight")
        assert type(layer) is nn.Linear and layer.weight is original

    def test_cache(self):
        layer = nn.Linear(3, 3)
        parametrize.register_parametrization(layer, "weight", Symmetric())
        with parametrize.cached():
            assert layer.weight is layer.weight
        assert layer.weight is not layer.weight

    def test_refusals(self):
        class Narrower(nn.Module):
            def forward(self, value):
                return value[:1]

        layer = nn.Linear(2, 2)
        with pytest.raises(ValueError, match="may not change the shape of the tensor"):
            parametrize.register_parametrization(layer, "weight", Narrower())
        with pytest.raises(ValueError, match="does not have a parametrization on weight"):
            parametrize.remove_parametrizations(layer, "weight")

    def test_weight_norm_loads_old_states(self):
        layer = utils.parametrizations.weight_norm(nn.Linear(2, 2, bias=False))
        old = {"weight_g": torch.ones(2, 1), "weight_v": torch.eye(2)}
        layer.load_state_dict(old)
        assert torch.equal(layer.weight, torch.eye(2))


class TestPruning:
    def test_smallest_elements_twice(self):
        layer = nn.Linear(4, 1)
        layer.weight.data = torch.tensor([[4.0, -1.0, 3.0, 2.0]])
        prune.l1_unstructured(layer, "weight", 1)
        prune.l1_unstructured(layer, "weight", 1)
        assert layer.weight_mask.tolist() == [[1, 0, 1, 0]]
        assert layer.weight.tolist() == [[4, 0, 3, 0]] and prune.is_pruned(layer)
        prune.remove(layer, "weight")
        assert list(layer.state_dict()) == ["bias", "weight"] and not prune.is_pruned(layer)

    def test_channels(self):
        layer = nn.Linear(2, 2)
        layer.weight.data = torch.tensor([[1.0, 1.0], [3.0, 3.0]])
        prune.ln_structured(layer, "weight", amount=0.5, n=2, dim=0)
        assert layer.weight_mask.tolist() == [[0, 0], [1, 1]]

    def test_all_together(self):
        first, second = nn.Linear(1, 2, bias=False), nn.Linear(1, 2, bias=False)
        first.weight.data = torch.tensor([[1.0], [4.0]])
        second.weight.data = torch.tensor([[2.0], [3.0]])
        pairs = [(first, "weight"), (second, "weight")]
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=2)
        assert first.weight_mask.flatten().tolist() == [0, 1]
        assert second.weight_mask.flatten().tolist() == [0, 1]

    def test_refusals(self):
        layer = nn.Linear(2, 2)
        with pytest.raises(ValueError, match="should be smaller than the number of parameters"):
            prune.l1_unstructured(layer, "weight", 10)
        assert list(layer.state_dict()) == ["bias", "weight"]
        with pytest.raises(ValueError, match="has to be pruned before pruning can be removed"):
            prune.remove(layer, "weight")


def test_fusion():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(2, 3, 2).eval(), nn.BatchNorm2d(3)
    norm.running_mean.uniform_()
    norm.running_var.uniform_(0.5, 1.0)
    norm.eval()
    x = torch.rand(1, 2, 4, 4)
    fused = utils.fuse_conv_bn_eval(conv, norm)
    assert torch.allclose(fused(x), norm(conv(x)), atol=1e-5)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        utils.fuse_conv_bn_eval(conv.train(), norm)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.stateless.functional_call` is deprecated")
def test_functional_call():
    layer = nn.Linear(1, 1)
    tied = nn.Sequential(layer, layer)
    x = torch.ones(1)
    values = {"0.weight": torch.full((1, 1), 2.0), "0.bias": torch.zeros(1)}
    assert stateless.functional_call(tied, values, x).item() == 4.0
    with pytest.raises(RuntimeError, match=r"Missing key\(s\): '0.bias'"):
        stateless.functional_call(tied, {"0.weight": values["0.weight"]}, x, strict=True)
    assert layer.weight is tied[1].weight and layer.weight.item() != 2.0


def test_clipping_warns_of_an_empty_generator_only():
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        utils.clip_grad_norm_((p for p in ()), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert utils.clip_grad_norm_([], 1.0) == 0


def test_skip_init():
    assert utils.skip_init(nn.Linear, 5, 1).weight.shape == (1, 5)
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        utils.skip_init(nn.ReLU)
