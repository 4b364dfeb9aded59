"""Corners of PyTorch 2.13, measured on it: one expression each, and what it gives."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

import flambeau as torch

nan, inf, F = math.nan, math.inf, torch.nn.functional
u8, i8, i32, i64 = torch.uint8, torch.int8, torch.int32, torch.int64
f16, bf16, f32, f64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
T, ones = torch.tensor, torch.ones


def grad(function: Any, at: Any) -> list[float]:
    """The gradient of the sum of a function."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(function(x).sum(), x)
    return found.tolist()


def grown(value: Any, function: Any) -> Any:
    """A tensor after an in-place change."""
    function(value)
    return value


def trained(name: str, **options: Any) -> float:
    """``w`` after two steps on ``w ** 2`` from 1."""
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], **options)
    for _ in range(2):
        optimizer.zero_grad()
        (w**2).backward()
        optimizer.step()
    return w.item()


def layer(module: Any, value: float = 0.5) -> Any:
    """A module with all parameters equal to a value."""
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, value)
    return module


def running(module: Any) -> tuple[float, float]:
    module(torch.tensor([[0.0], [2.0]]))
    return module.running_mean.item(), module.running_var.item()


PROMOTION = {
    "(ones(1, dtype=u8) + ones(1, dtype=i8)).dtype": torch.int16,
    "(ones(1, dtype=i64) + ones(1, dtype=f16)).dtype": f16,
    "(T(1.0, dtype=f64) + ones(1)).dtype": f32,
    "(ones(1, dtype=f16) + ones(1, dtype=bf16)).dtype": f32,
    "(T([True]) + T([True])).tolist()": [True],
    "(T([1]) / T([2])).dtype": f32,
    "T([1, 2], dtype=i8).sum().dtype": i64,
    "T([1, 2], dtype=u8).prod().dtype": i64,
    "T([1, 2], dtype=i8).cumsum(0).dtype": i64,
    "T([1, 3]).clamp(max=2.5).tolist()": [1.0, 2.5],
    "torch.where(T([True, False]), T([1, 2]), T([0.5, 0.5])).dtype": f32,
    "T([100], dtype=i8).add_(T([100])).tolist()": [-56],
    "(2 ** T([-1])).tolist()": [0],
}
DIVISION = {
    "(T([-7, 7]) // T([2, -2])).tolist()": [-4, -4],
    "(T([-7, 7]) % T([2, -2])).tolist()": [1, -1],
    "T([-7, 7]).fmod(T([2, -2])).tolist()": [-1, 1],
    "(T([1.0, -1.0, 0.0]) / 0).tolist()": [inf, -inf, nan],
    "(T([1.0, -1.0]) % inf).tolist()": [1.0, inf],
    "(T([-(2**31)], dtype=i32) // T([-1], dtype=i32)).tolist()": [-(2**31)],
    "(T([1]) << T([64])).tolist()": [0],
    "T([0.5, 1.5, 2.5]).round().tolist()": [0.0, 2.0, 2.0],
    "T([nan]).sign().tolist()": [0.0],
    "T([nan, inf]).to(i32).tolist()": [-(2**31)] * 2,
    "T([-1.0]).to(u8).tolist()": [255],
}
NOT_A_NUMBER = {
    "[f(T([1.0, nan])).item() for f in (torch.max, torch.min, torch.argmax)]": [nan, nan, 1],
    "torch.maximum(T(nan), T(1.0)).item()": nan,
    "torch.cummax(T([1.0, nan, 2.0]), 0).values.tolist()": [1.0, nan, nan],
    "T([1.0, nan]).topk(1).values.tolist()": [nan],
    "T([1.0, nan, 2.0]).sort(descending=True).values.tolist()": [nan, 2.0, 1.0],
    "T([1.0, nan, 0.5]).sort().values.tolist()": [0.5, 1.0, nan],
    "torch.fmax(T(nan), T(1.0)).item()": 1.0,
    "T([1.0, nan, 2.0]).median().item()": nan,
    "T([1.0, nan, 2.0]).nanmedian().item()": 1.0,
    "len(T([nan, nan]).unique())": 2,
    "torch.isin(T([nan]), T([nan])).tolist()": [False],
    "T(nan).clamp(0, 1).item()": nan,
    "F.relu(T(nan)).item()": nan,
    "F.hardtanh(T(nan)).item()": nan,
    "F.max_pool1d(T([[[1.0, nan]]]), 2).item()": nan,
    "T([nan]).any().item()": True,
    "T([-0.0]).any().item()": False,
    "T([-inf, -inf]).softmax(0).tolist()": [nan, nan],
    "T([-inf, -inf]).logsumexp(0).item()": -inf,
}
REDUCTIONS = {
    "ones(1).std().item()": nan,
    "ones(0).mean().item()": nan,
    "T([1.0, 2.0, 3.0, 4.0]).median().item()": 2.0,
    "T([0.0, 2.0]).var().item()": 2.0,
    "tuple(x.item() for x in T([1, 2, 2]).mode())": (2, 2),
}
GRADIENTS = {
    "grad(torch.max, [1.0, 1.0])": [0.5, 0.5],
    "grad(torch.amax, [1.0, 1.0])": [0.5, 0.5],
    "grad(lambda x: x.max(0).values, [1.0, 1.0])": [1.0, 0.0],
    "grad(lambda x: F.max_pool1d(x, 2), [[[1.0, 1.0]]])": [[[1.0, 0.0]]],
    "grad(lambda x: torch.maximum(x, torch.ones(1, dtype=f64)), [1.0])": [0.5],
    "grad(torch.median, [1.0, 1.0, 1.0])": [1 / 3] * 3,
    "grad(torch.median, [nan, 1.0, nan])": [0.5, 0.0, 0.5],
    "grad(torch.nanmedian, [2.0, 2.0, nan, 2.0, 5.0])": [1 / 3, 1 / 3, 0.0, 1 / 3, 0.0],
    "grad(torch.abs, [0.0]) + grad(F.relu, [0.0]) + grad(F.hardtanh, [1.0])": [0.0] * 3,
    "grad(F.relu6, [6.0])": [0.0],
    "grad(lambda x: x.clamp(0, 1), [0.0, 1.0])": [1.0, 1.0],
    "grad(F.leaky_relu, [0.0])": [0.01],
    "grad(torch.sqrt, [0.0])": [inf],
    "grad(torch.norm, [0.0])": [0.0],
    "grad(torch.std, [1.0, 1.0])": [0.0, 0.0],
    "grad(torch.prod, [0.0, 2.0, 3.0])": [6.0, 0.0, 0.0],
    "grad(lambda x: torch.where(x > 0, x.log(), 0 * x), [0.0])": [nan],
    "grad(lambda x: x.logsumexp(0), [-inf, -inf])": [nan, nan],
}
INDEXING = {
    "T([0, 0]).index_put((T([1, 1]),), T([1, 2])).tolist()": [0, 2],
    "T([0, 0]).index_put((T([1, 1]),), T([1, 2]), accumulate=True).tolist()": [0, 3],
    "ones(1).scatter_reduce(0, T([0]), T([3.0]), 'mean').item()": 2.0,
    "T([1, 2])[T([0, 1], dtype=u8)].tolist()": [2],
    "tuple(ones(2, 3, 4, 5)[T([0, 1]), :, T([0, 1])].shape)": (2, 3, 5),
    "tuple(ones(2, 3, 4, 5)[:, T([0, 1]), T([0, 1])].shape)": (2, 2, 5),
}
CREATION = {
    "len(torch.arange(0, 1, 0.1))": 10,
    "torch.linspace(0, 5, 3, dtype=i64).tolist()": [0, 2, 5],
    "len(ones(7).chunk(5))": 4,
    "len(ones(7).tensor_split(5))": 5,
    "torch.full((1,), True).dtype": torch.bool,
}
POOLING = {
    "tuple(F.max_pool1d(ones(1, 1, 4), 1, 2, ceil_mode=True).shape)": (1, 1, 2),
    "F.max_pool1d(ones(1, 1, 3), 2, 2, 1, ceil_mode=True).shape[-1]": 2,
    "F.avg_pool1d(T([[[1.0, 2.0, 3.0]]]), 2, ceil_mode=True).tolist()": [[[1.5, 3.0]]],
    "F.max_pool1d(T([[[-inf, -inf]]]), 2, return_indices=True)[1].item()": 0,
}
RESIZING = {
    "F.interpolate(T([[[0.0, 1, 2, 3]]]), 3).tolist()": [[[0.0, 1.0, 2.0]]],
    "F.interpolate(T([[[0.0, 1, 2, 3]]]), 3, mode='nearest-exact').tolist()": [[[0.0, 2.0, 3.0]]],
    "F.interpolate(T([[[0.0, 1.0]]]), 4, mode='linear').tolist()": [[[0.0, 0.25, 0.75, 1.0]]],
    "F.interpolate(T([[[0.0, 1, 2]]]), scale_factor=1.5, mode='linear').tolist()": [
        [[0.0, 0.5, 1.1666666269302368, 1.8333333730697632]]
    ],
    "F.interpolate(T([[[0.0, 1, 2]]]), scale_factor=1.5, mode='linear', "
    "recompute_scale_factor=True).tolist()": [[[0.0, 0.625, 1.375, 2.0]]],
    "F.interpolate(T([[[[0.0, 0, 1, 0, 0]]]]), (1, 2), mode='bicubic').flatten().tolist()": [
        -0.10546875,
        -0.10546875,
    ],
    "F.interpolate(T([[[[0.0, 0, 1, 0, 0]]]]), (1, 2), mode='bicubic', antialias=True)"
    ".flatten().tolist()": [0.23941266536712646] * 2,
    "F.grid_sample(T([[[[1.0, 2.0]]]]), T([[[[-1.0, 0.0]]]])).item()": 0.5,
}
LOSSES = {
    "F.cross_entropy(T([[1.0, 0], [0, 1]]), T([0, 1]), weight=T([1.0, 3])).item()": (
        0.31326165795326233
    ),
    "F.cross_entropy(ones(2, 2), T([-100, -100])).item()": nan,
    "F.cross_entropy(T([[1.0, 0], [0, 1]]), T([0, 1]), weight=T([1.0, 3]), "
    "label_smoothing=0.5).item()": 0.5632616877555847,
    "F.cross_entropy(T([[1.0, 0], [0, 1]]), T([0, -100]), label_smoothing=0.5).item()": (
        0.5632616877555847
    ),
    "F.binary_cross_entropy(T([0.0]), T([1.0])).item()": 100.0,
    "F.kl_div(T([[0.0, 0.0]]), T([[1.0, 1.0]]), reduction='sum').item()": 0.0,
    "F.kl_div(ones(2, 4), ones(2, 4)).item()": -1.0,
    "F.kl_div(ones(2, 4), ones(2, 4), reduction='batchmean').item()": -4.0,
    "F.ctc_loss(torch.zeros(1, 1, 2), T([[1, 1]]), T([1]), T([2])).item()": inf,
    "F.ctc_loss(torch.full((2, 1, 2), -1.0), T([[1, 1]])[:, :1], T([2]), T([1])).item()": (
        2 - math.log(3)
    ),
    "F.ctc_loss(torch.full((3, 1, 2), -1.0), T([[1, 1]]), T([3]), T([2])).item()": 1.5,
    "F.smooth_l1_loss(T([0.3]), T([0.0]), beta=0.0).item()": 0.30000001192092896,
    "F.softplus(T(20.5)).item()": 20.5,
    "F.hinge_embedding_loss(T([-inf, inf]), T([1, -1]), reduction='none').tolist()": [-inf, 0.0],
    "F.hinge_embedding_loss(T([1, 2]), T([1, -1]), 3.5, reduction='none').tolist()": [1, 1],
    "F.margin_ranking_loss(T([1, 2]), T([2, 2]), T([1, 1])).item()": 0.5,
    "F.cosine_similarity(torch.zeros(3), ones(3), 0).item()": 0.0,
    "F.pairwise_distance(ones(4), ones(4)).item()": 2e-6,
}
LAYERS = {
    "running(torch.nn.BatchNorm1d(1))": (0.1, 0.9 + 0.1 * 2),
    "layer(torch.nn.GRU(1, 1))(ones(1, 1, 1), ones(1, 1, 1))[0].item()": 0.994583785533905,
    "grown(torch.nn.Embedding(1, 4, max_norm=1.0, _weight=ones(1, 4)), lambda m: m(T([0])))"
    ".weight.norm().item()": 1.0,
    "torch.nn.Embedding(3, 2, padding_idx=1).weight[1].tolist()": [0.0, 0.0],
    "torch.hann_window(4).tolist()": [0.0, 0.5, 1.0, 0.5],
    "torch.stft(T([1.0, 2, 3, 4]), 4, window=ones(4), return_complex=True)[0].real.tolist()": [
        3 + 2 + 1 + 2.0,
        2 + 1 + 2 + 3.0,
        1 + 2 + 3 + 4.0,
        2 + 3 + 4 + 3.0,
        3 + 4 + 3 + 2.0,
    ],
    "torch.nn.BatchNorm1d(1).state_dict()['num_batches_tracked'].item()": 0,
    "torch.nn.BatchNorm1d(1).state_dict()._metadata['']['version']": 2,
    "sorted(torch.nn.LSTM(1, 1, bidirectional=True).state_dict())[-1]": "weight_ih_l0_reverse",
    "sorted(torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(1, 1)).state_dict())": [
        "bias",
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    ],
    "sorted(set(torch.optim.Adam([ones(1)]).param_groups[0]) - {'params'})": sorted(
        [
            "lr",
            "betas",
            "eps",
            "weight_decay",
            "amsgrad",
            "foreach",
            "fused",
            "capturable",
            "differentiable",
            "maximize",
            "decoupled_weight_decay",
        ]
    ),
}
OPTIMIZERS = {
    "trained('SGD', lr=0.1, momentum=0.9)": 0.46,
    "trained('SGD', lr=0.1, momentum=0.9, dampening=0.5)": 0.54,
    "trained('SGD', lr=0.1, momentum=0.9, nesterov=True)": 0.2224,
    "trained('Adam', lr=0.1)": 0.80041,
    "trained('AdamW', lr=0.1)": 0.79852,
    "trained('Adagrad', lr=0.1)": 0.83310,
    "trained('Adamax', lr=0.1)": 0.80517,
    "trained('NAdam', lr=0.1)": 0.81997,
    "trained('RAdam', lr=0.1)": 0.62105,
    "trained('Rprop', lr=0.1)": 0.78,
    "trained('ASGD', lr=0.1)": 0.63999,
    "trained('RMSprop', lr=0.1)": 0.0,
    "trained('Adadelta')": 0.99360,
}
b8, c64, c128, f8 = torch.bool, torch.complex64, torch.complex128, torch.float8_e5m2
HALVES = "T([1., 2., 1., 0.5]).half()"
DTYPES: dict[str, Any] = {
    "torch.mm(ones(2, 0).bool(), ones(0, 2).bool())": [[False, False], [False, False]],
    "torch.bmm(ones(1, 0, 2).bool(), ones(1, 2, 1).bool()).shape": [1, 0, 1],
    "F.linear(ones(1, 0).bool(), ones(2, 0).bool())": [[False, False]],
    "torch.addmm(ones(2, 0).bool(), ones(2, 3).bool(), ones(3, 0).bool()).shape": [2, 0],
    "torch.matrix_power(T([[1, 2], [3, 4]]), 3)": [[37, 54], [81, 118]],
    "torch.matrix_power(T([[1, 1], [0, 1]], dtype=u8), 300)": [[1, 44], [0, 1]],
    "torch.matrix_power(T([[True, True], [True, True]]), 0)": [[True, False], [False, True]],
    "torch.matrix_power(T([[nan, nan], [nan, nan]]), 0)": [[1, 0], [0, 1]],
    "F.max_pool1d(T([[3, 1, 4, 1, 5]]), 3, 1, 1, return_indices=True)": [
        [[3, 4, 4, 5, 5]],
        [[0, 2, 2, 4, 4]],
    ],
    "torch.max_pool1d_with_indices(T([[3, 1, 4, 1]], dtype=u8), 2)": [[[3, 4]], [[0, 2]]],
    "torch.affine_grid_generator(T([[[1, 2, 3], [0, 1, 2]]]), [1, 1, 2, 3], True)": [
        [[[0, 1], [1, 1], [2, 1]], [[4, 3], [5, 3], [6, 3]]]
    ],
    "torch.affine_grid_generator(T([[[1, 2, 3], [0, 1, 2]]], dtype=u8), [1, 1, 2, 3], False)": [
        [[[85, 129], [1, 129], [1, 129]], [[87, 2], [3, 2], [3, 2]]]
    ],
    "torch.affine_grid_generator(T([[[1, 2, 3j], [0, 1, 2]]]), [1, 1, 1, 2], True)": [
        [[[-1 + 3j, 2], [1 + 3j, 2]]]
    ],
    "torch.affine_grid_generator(ones(1, 2, 3), [1, 1, 0, 3], True).shape": [1, 0, 3, 2],
    "torch.linspace(-1, 1, 5, dtype=u8)": [255, 191, 128, 64, 1],
    f"torch.histogram({HALVES}, 4, range=(0., 3.)).hist": [1, 2, 1, 0],
    f"torch.histogram({HALVES}, 4, range=(0., 3.), weight={HALVES}.to(f16)).hist": [0.5, 2, 2, 0],
    f"torch.histogram({HALVES}.to(bf16), T([0., 1, 2]).to(bf16)).hist": [1, 3],
    "torch.histogram(T([1., 2.])).hist.shape": [100],
    "torch.bincount(T([0, 1, 1]), T([1 + 2j, 2, 3j], dtype=c64))": [1, 2],
    "torch.bincount(T([0, 1, 1]), T([1 + 2j, 2, 3j], dtype=c64)).dtype": torch.float64,
    "torch.masked.median(T([[1 + 2j, 3, 2]]), 1)": [2],
    "torch.masked.median(T([[1 + 2j, 3, 2]]), 1, mask=T([[True, True, False]]))": [1],
    "torch.masked.amax(T([[True, False]]), 1)": [True],
    "torch.masked.amin(T([[True, False]]), 1)": [False],
    "torch.masked.logsumexp(T([[True, False]]), 1)": [True],
    "torch.as_strided_scatter(T([0., 0, 0]).to(f8), ones(2).to(f8), (2,), (2,)).float()": [1, 0, 1],
    "T([1., 5]).scatter_reduce(0, T([0, 1]), T([2., 3]), 'max')": [2, 5],
    "T([1., 5]).scatter_reduce(0, T([0, 1]), T([2., 3]), 'min', include_self=False)": [2, 3],
}
VALUES = (
    PROMOTION
    | DIVISION
    | NOT_A_NUMBER
    | REDUCTIONS
    | GRADIENTS
    | INDEXING
    | CREATION
    | POOLING
    | RESIZING
    | LOSSES
    | LAYERS
    | DTYPES
)
REFUSALS = {
    "T([True]) - T([True])": "Subtraction, the `-` operator, with two bool tensors is not",
    "-T([True])": "Negation, the `-` operator, on a bool tensor is not supported.",
    "T([1, 2]).mean()": "mean(): could not infer output dtype.",
    "grown(T([1]), lambda x: x.add_(1.5))": "result type Float can't be cast to the desired",
    "T([2]) ** -1": "Integers to negative integer powers are not allowed.",
    "T([1]) // T([0])": "ZeroDivisionError",
    "ones(0).max()": "max(): Expected reduction dim to be specified for input.numel() == 0.",
    "torch.mm(ones(1, 1).bool(), ones(1, 1).bool())": '"addmm_impl_cpu_" not implemented for',
    "torch.matrix_power(T([[1, 2], [3, 4]]), -1)": "linalg.inv: Expected a floating point or",
    "torch.matrix_power(ones(2, 3).int(), 2)": "linalg.matrix_power: A must be batches of square",
    "torch.linalg.inv(ones(2, 3).char())": "linalg.inv: A must be batches of square matrices",
    "torch.linalg.inv(ones(2, 2).char())": "linalg.inv: Expected a floating point or complex "
    "tensor as input. Got Char",
    "F.max_pool1d(T([[3, 1, 4, 1]]), 2)": "\"max_pool1d_impl\" not implemented for 'Long'",
    "F.max_pool1d(T([[True]]), 1, return_indices=True)": '"max_pool2d" not implemented for',
    "torch.affine_grid_generator(ones(1, 2, 4), [1, 1, 2, 3], True)": "Expected size for first two "
    "dimensions of batch2 tensor to be: [1, 3] but got: [1, 4].",
    "torch.affine_grid_generator(ones(1, 3, 3), [1, 1, 2, 3], True)": "shape '[1, 2, 3, 2]' is "
    "invalid for input of size 18",
    "torch.affine_grid_generator(ones(1, 2, 3), [1, 1, 2], True)": "AffineGridGenerator needs 4d",
    "torch.linspace(0, 1, 2, dtype=b8)": "\"linspace_cpu\" not implemented for 'Bool'",
    f"torch.histogram({HALVES}, 4)": "\"histogramdd\" not implemented for 'Half'",
    "torch.masked.amax(T([True]), 0, mask=T([True]))": "identity of amax on torch.bool input",
    "ones(2, 2).index_add(1, T([0, 2]), ones(2, 2))": "index 2 is out of bounds for dimension 1",
    "torch.isin(ones(1), 1j)": "Unsupported input type encountered for isin(): ComplexDouble",
    "torch.isin(T([1j]), ones(1))": "Unsupported input type encountered for isin(): ComplexFloat",
    "torch.linalg.svdvals(T([[nan]]))": "linalg.svd: The algorithm failed to converge because the "
    "input matrix contained non-finite values.",
    "torch.linalg.pinv(T([[[1.]], [[nan]]]))": "linalg.svd: (Batch element 1): The algorithm",
    "torch.linalg.eigvals(T([[inf]]))": "torch.linalg.eig: input tensor should not contain infs or",
    "torch.bincount(ones(2, 2))": "\"bincount_cpu\" not implemented for 'Float'",
    "F.max_pool1d(ones(1, 1, 4), 2, padding=2)": "max_pool1d() padding should be at most half of",
}


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return (math.isnan(expected) and math.isnan(found)) or math.isclose(
            found, expected, rel_tol=1e-6, abs_tol=1e-7
        )
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return found == expected


@pytest.mark.parametrize("expression", VALUES)
def test_value(expression: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = eval(expression)
    assert same(found, VALUES[expression]), found


@pytest.mark.parametrize("expression", OPTIMIZERS)
def test_two_steps(expression: str) -> None:
    assert eval(expression) == pytest.approx(OPTIMIZERS[expression], abs=2e-5)


@pytest.mark.parametrize("expression", REFUSALS)
def test_refusal(expression: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        eval(expression)
    assert str(caught.value).startswith(REFUSALS[expression])


@pytest.mark.parametrize(
    ("expression", "error", "start"),
    [
        ("ones(2).index_add(0, T([2]), ones(1))", IndexError, "index out of range in self"),
        ("ones(2).index_add(0, T([-1]), ones(1))", IndexError, "index out of range in self"),
        ("ones(2, 1).index_reduce(0, T([2]), ones(1, 1), 'prod')", IndexError,
         "index out of range in self"),
        ("torch.affine_grid_generator(ones(2, 3), [1, 1, 2, 3], True)", IndexError,
         "Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
        ("F.affine_grid(ones(1, 2, 3).int(), [1, 1, 2, 3])", ValueError,
         "Expected theta to have floating point type, but got torch.int32"),
        ("torch.masked.median(T([1j]), 0, mask=T([False]))", ValueError,
         "masked median expects no fully masked out rows if dtype is not floating point"),
    ],
)  # fmt: skip
def test_refusal_of_another_type(expression: str, error: type[Exception], start: str) -> None:
    with pytest.raises(error) as caught:
        eval(expression)
    assert str(caught.value).startswith(start)


def test_names_that_pytorch_has_elsewhere_only() -> None:
    assert not hasattr(torch, "linear")


def test_cholesky_ex_says_where_it_fails() -> None:
    """PyTorch leaves what LAPACK has computed so far in place of the NaN."""
    good, bad = [[4.0, 2.0], [2.0, 5.0]], [[1.0, 2.0], [2.0, 1.0]]
    matrices = torch.tensor([good, bad, [[-1.0, 0], [0, nan]]], dtype=f64, requires_grad=True)
    factors, info = torch.linalg.cholesky_ex(matrices)
    assert info.tolist() == [0, 2, 1] and info.dtype is i32
    assert factors[0].tolist() == [[2.0, 0.0], [1.0, 2.0]] and factors[1:].isnan().all()
    factors[0].sum().backward()
    assert matrices.grad.tolist()[0] == [[0.1875, 0.125], [0.125, 0.25]]
    assert not matrices.grad[1:].any()
    assert torch.linalg.cholesky_ex(T(bad), upper=True).info == 2
    with pytest.raises(torch.linalg.LinAlgError) as caught:
        torch.linalg.cholesky_ex(matrices, check_errors=True)
    assert str(caught.value).startswith(
        "linalg.cholesky_ex: (Batch element 1): The factorization could not be completed because "
        "the input is not positive-definite (the leading minor of order 2 is not positive-definite)"
    )
    with pytest.raises(torch.linalg.LinAlgError, match="minor of order 2 is not positive"):
        torch.linalg.cholesky(T([[1, 0], [0, nan]]))


def test_inv_ex_and_solve_ex_say_where_they_fail() -> None:
    """PyTorch leaves infinities in place of the NaN."""
    matrices = T([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]])
    inverse, info = torch.linalg.inv_ex(matrices)
    assert info.tolist() == [2, 0] and inverse[0].isnan().all()
    assert inverse[1].tolist() == [[1.0, 0.0], [0.0, 0.5]]
    for right in (ones(2, 2, 1), ones(2, 2), ones(2)):
        result, info = torch.linalg.solve_ex(matrices, right)
        assert info.tolist() == [2, 0] and result[0].isnan().all()
        assert result[1].flatten().tolist() == [1.0, 0.5]
    with pytest.raises(torch.linalg.LinAlgError, match=r"^linalg.inv_ex: \(Batch element 0\): The"):
        torch.linalg.inv_ex(matrices, check_errors=True)
    with pytest.raises(torch.linalg.LinAlgError, match=r"^torch.linalg.solve_ex: \(Batch element"):
        torch.linalg.solve_ex(matrices, ones(2, 2, 1), check_errors=True)


def test_determinants_of_nan_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for matrix in (T([[0.5, -1.5], [2, nan]]), T([[nan, 1], [1, 1]]), T([[0, nan], [0, 1]])):
            assert torch.linalg.det(matrix).isnan()
            assert torch.linalg.slogdet(matrix).logabsdet.isnan()
        assert torch.linalg.det(T([[[nan, 1], [1, 1]], [[0, 0], [0, 1.0]]]))[1] == 0


def test_negative_steps_of_slices_are_refused() -> None:
    with pytest.raises(ValueError, match="step must be greater than zero"):
        torch.ones(3)[::-1]
