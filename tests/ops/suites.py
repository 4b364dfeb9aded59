"""What the suites share: calls of samples, on other devices, and the comparison of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import flambeau as torch
from tests.samples import declared, function, generators
from tests.samples.special import POLYNOMIALS

NAMES = sorted(generators())
NOT_THE_DERIVATIVE = {"padding_idx"}  # parameters under which gradients are left out
# Only one triangle of these matrices counts: they are made Hermitian before gradients are checked.
GRADIENT_DIFFERS = {"ctc_loss"}  # that of PyTorch's takes log-probabilities for normalised ones
HERMITIAN = {"cholesky", "linalg.cholesky", "linalg.cholesky_ex", "linalg.eigvalsh"}
# Computed in steps, whose results NumPy and PyTorch lay out differently when operands disagree.
LAID_OUT_IN_STEPS = {"addcmul", "addcdiv"}
# Operators that look at elements, which tensors on the meta device do not have.
NOT_ON_META = {
    "histogram",
    "histogramdd",
    "istft",
    "segment_reduce",
    "linalg.ldl_solve",
    "nn.functional.grouped_mm",
    "nn.functional.scaled_grouped_mm",
    *declared("NOT_ON_META"),
}
# What these answer, or whether they do, depends on a conjugation that is still to be done.
FLIPS_SHOW = {"is_conj", "is_neg", "view_as_real", "view_as_real_copy"}
# CuPy has no such function, or no such dtype.
NOT_ON_CUDA = {
    "nn.functional.scaled_mm",
    "nn.functional.scaled_grouped_mm",
    *declared("NOT_ON_CUDA"),
}
Tensor = torch.Tensor

# How often an operator may copy something to the host, and why; its gradients three times as often.
INDEX = 2  # each index is checked: CuPy would wrap those that are out of range
SIZE = 3  # the size of the result lies in the data
ANSWER = 1  # the result is a Python value
HOST = 2  # computed on the host
VALUE = 1  # PyTorch asks the device, too, before it computes
HOST_READS = {
    **dict.fromkeys(["allclose", "equal", "is_nonzero", "Tensor.item", "Tensor.tolist"], ANSWER),
    **dict.fromkeys(["masked_select", "combinations", "nonzero", "argwhere"], SIZE),
    **dict.fromkeys(["bincount", "histc", "unique", "unique_consecutive"], SIZE),
    **dict.fromkeys(["Tensor.__getitem__", "nn.functional.one_hot"], SIZE),
    **dict.fromkeys(["gather", "take", "index_select", "index_add", "index_copy"], INDEX),
    **dict.fromkeys(["index_fill", "index_put", "index_reduce", "put"], INDEX),
    **dict.fromkeys(["scatter", "scatter_add", "take_along_dim", "masked_scatter"], INDEX),
    "scatter_reduce": SIZE,  # products: CuPy has no multiply.at
    # Values chosen by index: gradients go back there.
    **dict.fromkeys(["max", "min", "sort", "msort", "topk", "kthvalue", "median"], INDEX),
    **dict.fromkeys(["nanmedian", "mode", "quantile", "nanquantile", "cummax", "cummin"], INDEX),
    **dict.fromkeys([f"nn.functional.fractional_max_pool{n}d" for n in (2, 3)], INDEX),
    **dict.fromkeys([f"nn.functional.max_unpool{n}d" for n in (1, 2, 3)], SIZE + 4 * INDEX),
    **dict.fromkeys([f"nn.functional.{n}" for n in ("cross_entropy", "nll_loss")], INDEX),
    **dict.fromkeys([f"nn.functional.{n}" for n in ("embedding", "linear_cross_entropy")], INDEX),
    **dict.fromkeys([f"nn.functional.{n}" for n in ("grid_sample", "pdist")], 8 * INDEX),
    "nn.functional.embedding_bag": SIZE + 2 * INDEX,
    **dict.fromkeys(
        [f"nn.functional.{n}" for n in ("gaussian_nll_loss", "binary_cross_entropy")], VALUE
    ),
    **dict.fromkeys(
        [f"nn.functional.multi{n}margin_loss" for n in ("_", "label_")], VALUE + 2 * INDEX
    ),
    # SciPy, on the host: cuSOLVER, as CuPy shows it, has no such decompositions.
    **dict.fromkeys(["linalg.householder_product", "orgqr", "ormqr", "geqrf"], HOST),
    **dict.fromkeys([f"linalg.lu{n}" for n in ("", "_factor", "_factor_ex", "_solve")], HOST),
    **dict.fromkeys([f"linalg.ldl_{n}" for n in ("factor", "factor_ex", "solve")], HOST),
    **dict.fromkeys(["linalg.lstsq", "linalg.matrix_exp", "matrix_exp"], HOST),
    **dict.fromkeys(["lu", "lu_unpack", "lu_solve", "ormqr"], HOST),
    **dict.fromkeys(["det", "linalg.det"], VALUE),
    **dict.fromkeys(["bernoulli", "binomial", "multinomial", "poisson", "ctc_loss"], HOST),
    **dict.fromkeys(["normal", "rrelu", "nn.functional.rrelu"], VALUE),
    **dict.fromkeys(["istft", "segment_reduce"], 3 * VALUE),
    **dict.fromkeys(["histogram", "histogramdd"], 2 * SIZE),
    **dict.fromkeys(["embedding", "isin", "lu_solve"], INDEX),
    **dict.fromkeys(["grid_sampler", "grid_sampler_2d", "grid_sampler_3d"], 8 * INDEX),
    "embedding_bag": SIZE + 2 * INDEX,
    **dict.fromkeys([f"special.{n}" for n in POLYNOMIALS.split()], VALUE),  # the highest degree
    **dict.fromkeys([f"nn.functional.fractional_max_pool{n}d_with_indices" for n in (2, 3)], INDEX),
    "nonzero_static": SIZE,
    "nn.functional.grouped_mm": VALUE,  # where groups end
    "prod": VALUE,  # whether elements are zero decides how gradients are computed
    "cumprod": 2 * VALUE,
    **dict.fromkeys(["masked.prod", "masked.cumprod"], 4 * VALUE),
    "masked.median": INDEX + VALUE,
    **declared("HOST_READS"),
}


def mapped(value: Any, convert: Callable[[Tensor], Any]) -> Any:
    """A nested value with each tensor converted."""
    if isinstance(value, Tensor):
        return convert(value)
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        made = [mapped(v, convert) for v in value]
        return made if isinstance(value, list) else tuple(made)
    if isinstance(value, dict):
        return {k: mapped(v, convert) for k, v in value.items()}
    return value


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a nested value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def fresh(sample: Any) -> Any:
    """A sample whose tensors are copies, leaves with the same strides."""
    return mapped(sample, lambda t: strided_copy(t).requires_grad_(t.requires_grad))


def strided_copy(tensor: Tensor) -> Tensor:
    """A copy with the same strides."""
    plain = tensor.detach()
    copy = torch.empty_strided(plain.shape, plain.stride(), dtype=plain.dtype)
    if 0 not in plain.stride():
        return copy.copy_(plain)
    return plain.clone()


def column_major(sample: Any) -> Any:
    """A sample whose tensors lie in memory with the first dimension innermost."""

    def laid_out(tensor: Tensor) -> Tensor:
        plain = tensor.detach()
        order = range(plain.ndim - 1, -1, -1)
        copy = plain.permute(*order).contiguous().permute(*order)
        return copy.requires_grad_(tensor.requires_grad)

    return mapped(sample, laid_out)


def on(device: str, sample: Any) -> Any:
    """A sample on another device, laid out in the same way."""

    def moved(tensor: Tensor) -> Tensor:
        if device == "meta":
            copy = torch.empty_strided(
                tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device
            )
        else:
            copy = tensor.detach().to(device)
        return copy.requires_grad_(tensor.requires_grad)

    return mapped(sample, moved)


def call(name: str, sample: Any, **more: Any) -> Any:
    """The result of an operator; random ones start from the same seed each time."""
    args, kwargs = sample
    torch.manual_seed(7)
    return function(name)(*args, **kwargs, **more)


def described(result: Any) -> Any:
    """Shape, dtype and strides of each tensor of a result."""
    return mapped(result, lambda t: (tuple(t.shape), t.dtype, t.stride()))


def assert_same(actual: Any, expected: Any, tolerance: float = 0, strides: bool = True) -> None:
    """Two results agree in structure, dtype, layout and values."""
    if isinstance(expected, Tensor):
        assert isinstance(actual, Tensor), f"{type(actual).__name__} instead of a tensor"
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        assert not strides or actual.stride() == expected.stride()
        _assert_close(values(actual), values(expected), tolerance)
    elif isinstance(expected, list | tuple):
        assert isinstance(actual, type(expected)) and len(actual) == len(expected)
        for pair in zip(actual, expected, strict=True):
            assert_same(*pair, tolerance, strides)
    else:
        assert type(actual) is type(expected) and actual == expected


def values(tensor: Tensor) -> np.ndarray:
    """The elements as a NumPy array."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    return plain.to(torch.float32).numpy() if plain.dtype is torch.bfloat16 else plain.numpy()


def _assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    if tolerance and expected.dtype.kind in "fc":
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(actual, expected)


def differentiable(result: Any) -> list[Tensor]:
    """The results that have a gradient."""
    return [t for t in tensors(result) if t.requires_grad]


def gradients(name: str, sample: Any) -> list[Any]:
    """The gradients of all results, with weights; none where PyTorch refuses."""
    leaves = [t for t in tensors(sample) if t.requires_grad]
    outputs = differentiable(call(name, sample))
    if not leaves or not outputs:
        return []
    weights = [weight(o) for o in outputs]
    try:
        return list(torch.autograd.grad(outputs, leaves, weights, allow_unused=True))
    except RuntimeError as error:
        if "is not implemented" in str(error):
            return []  # PyTorch has no derivative either
        raise


def weight(output: Tensor) -> Tensor:
    """Numbers of the shape, dtype and device of a result."""
    count = max(output.numel(), 1)
    numbers = torch.linspace(0.5, 1.5, count, dtype=torch.float64)[: output.numel()]
    weights = numbers.reshape(output.shape).to(output.device, output.dtype)
    return weights * (1 + 0.5j) if output.dtype.is_complex else weights
