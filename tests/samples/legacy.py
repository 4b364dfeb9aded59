"""Samples of functions of ``torch`` that ``nn.functional`` has in a friendlier form."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
D = torch.float64


def _batch(make: Make) -> list[Sample]:
    still = make(3, requires_grad=False), make(3, low=0.5, requires_grad=False)
    x, w, b = make(2, 3, 2), make(3), make(3)
    return [((x, w, b, *still, False, 0.1, 1e-5), {}), ((x, w, b, None, None, True, 0.1, 1e-5), {})]


def _legitimate(make: Make) -> list[Sample]:
    x, w, b = make(2, 3, 2), make(3), make(3)
    return [*_batch(make), ((x, w, b, True, 0.1, 1e-5), {})]


def _updated(make: Make) -> list[Sample]:
    still = make(3, requires_grad=False), make(3, low=0.5, requires_grad=False)
    return [((make(2, 3, 2), make(3), make(3), *still, 0.1, 1e-5), {})]


def _with_cudnn(make: Make) -> list[Sample]:
    return [((*args, False), kwargs) for args, kwargs in _batch(make)]


def _instance(make: Make) -> list[Sample]:
    return [((make(2, 3, 4), make(3), make(3), None, None, True, 0.1, 1e-5, False), {})]


def _native_group(make: Make) -> list[Sample]:
    return [((make(2, 4, 3), make(4), make(4), 2, 4, 3, 2, 1e-5), {})]


def _convolution(make: Make) -> list[Sample]:
    return [((make(1, 2, 5), make(2, 2, 3), make(2), [1], [1], [1], False, [0], 1), {}),
            ((make(1, 2, 3), make(2, 2, 2), None, [2], [0], [1], True, [1], 1), {})]  # fmt: skip


def _ctc(make: Make) -> list[Sample]:
    scores = make(5, 2, 4, requires_grad=False).log_softmax(-1)  # gradients are those before it
    targets = torch.tensor([[1, 2], [3, 1]])
    return [((scores, targets, torch.tensor([5, 4]), torch.tensor([2, 1])), {})]


def _logits(make: Make) -> list[Sample]:
    return [((make(2, 3), make(2, 3, low=0, high=1)), {})]


def _conjugate(make: Make) -> list[Sample]:
    return [((make(2),), {}), ((make(2, dtype=torch.complex128).conj(),), {})]


def _triplet(make: Make) -> list[Sample]:
    return [((make(2, 3), make(2, 3), make(2, 3)), {})]


def _signed(make: Make, count: int) -> list[Sample]:
    signs = torch.tensor([1.0, -1.0, 1.0], dtype=D)
    return [((*[make(3) for _ in range(count)], signs), {})]


def _cosine(make: Make) -> list[Sample]:
    return [((make(2, 3), make(2, 3), torch.tensor([1.0, -1.0], dtype=D)), {})]


def _grid(make: Make, dims: int) -> list[Sample]:
    image = make(1, 2, *[3] * dims)
    grid = make(1, *[2] * dims, dims, low=-0.8, high=0.8)
    return [((image, grid, 0, 0, False), {}), ((image, grid, 1, 1, True), {})]


def _affine(make: Make) -> list[Sample]:
    return [((make(1, 2, 3), [1, 1, 2, 3], False), {})]


def _max_pool(dims: int) -> Generator:
    return lambda make: [((make(1, 2, *[4] * dims), 2), {}), ((make(1, 2, *[5] * dims), 3, 2), {})]


def _embedding(make: Make) -> list[Sample]:
    return [((make(3, 2), torch.tensor([[1, 0], [2, 1]])), {})]


def _bags(make: Make) -> list[Sample]:
    return [((make(3, 2), torch.tensor([1, 0, 2, 1]), torch.tensor([0, 3])), {})]


def _segments(make: Make) -> list[Sample]:
    lengths = torch.tensor([2, 1, 3])
    return [((make(6, 2), how), {"lengths": lengths}) for how in ("sum", "mean", "max", "min")]


def _gradient(make: Make) -> list[Sample]:
    return [((make(3, 4),), {}), ((make(4),), {"spacing": 0.5}), ((make(3, 3),), {"dim": 1})]


def _histogram(make: Make) -> list[Sample]:
    x = make(7, requires_grad=False)
    return [((x, 4), {}), ((x, 3), {"range": (-1.0, 1.0), "density": True}),
            ((x, torch.tensor([-1.0, 0.0, 1.0], dtype=D)), {})]  # fmt: skip


def _histogramdd(make: Make) -> list[Sample]:
    return [((make(6, 2, requires_grad=False), [2, 3]), {})]


SAMPLES: dict[str, Generator] = {
    "batch_norm": _with_cudnn,
    "native_batch_norm": _batch,
    "ops.aten._native_batch_norm_legit": _legitimate,
    "ops.aten._batch_norm_with_update": _updated,
    "instance_norm": _instance,
    "group_norm": lambda make: [((make(2, 4, 3), 2, make(4), make(4)), {})],
    "native_group_norm": _native_group,
    "layer_norm": lambda make: [((make(2, 3), [3], make(3), make(3)), {})],
    "native_layer_norm": lambda make: [((make(2, 3), [3], make(3), make(3), 1e-5), {})],
    "convolution": _convolution,
    "constant_pad_nd": lambda make: [((make(2, 3), [1, -1]), {}), ((make(2, 3), [0, 2], 1.5), {})],
    "ctc_loss": _ctc,
    "triplet_margin_loss": _triplet,
    "hinge_embedding_loss": lambda make: _signed(make, 1),
    "margin_ranking_loss": lambda make: _signed(make, 2),
    "cosine_embedding_loss": _cosine,
    "kl_div": lambda make: [((make(2, 3), make(2, 3, low=0.5)), {})],
    "poisson_nll_loss": lambda make: [((make(3), make(3, low=0.5), True, False, 1e-8, 1), {})],
    "binary_cross_entropy_with_logits": _logits,
    "affine_grid_generator": _affine,
    "grid_sampler": lambda make: _grid(make, 2),
    "grid_sampler_2d": lambda make: _grid(make, 2),
    "grid_sampler_3d": lambda make: _grid(make, 3)[:1],
    **{f"max_pool{n}d": _max_pool(n) for n in (1, 2, 3)},
    "max_pool1d_with_indices": _max_pool(1),
    "adaptive_max_pool1d": lambda make: [((make(1, 2, 5), [2]), {})],
    "embedding": _embedding,
    "embedding_bag": _bags,
    "segment_reduce": _segments,
    "ops.aten._segment_reduce": _segments,
    "gradient": _gradient,
    "histogram": _histogram,
    "histogramdd": _histogramdd,
    "hash_tensor": lambda make: [((make(2, 3, requires_grad=False),), {})],
    "renorm": lambda make: [((make(3, 2), 2, 0, 1.0), {}), ((make(2, 3), 1, 1, 0.5), {})],
    "native_channel_shuffle": lambda make: [((make(1, 4, 2), 2), {})],
    "lu": lambda make: [((make(3, 3, low=1),), {})],
    "pinverse": lambda make: [((make(3, 2),), {})],
    "resolve_conj": _conjugate,
    "resolve_neg": lambda make: [((make(2),), {})],
    "is_conj": lambda make: [((make(2),), {})],
    "is_neg": lambda make: [((make(2),), {})],
    "tril_indices": lambda make: [((3, 4), {}), ((2, 3, 1), {})],
    "triu_indices": lambda make: [((3, 4), {}), ((2, 3, -1), {})],
}  # fmt: skip
NOT_ON_META = {"ops.aten._segment_reduce"}  # where segments end lies in the data
HOST_READS = {"ops.aten._segment_reduce": 3}  # as ``segment_reduce``
