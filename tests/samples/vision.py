"""Samples of padding, resizing, rearranging and sampling images, embeddings and attention."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]


def _pad(make: Make) -> list[Sample]:
    found: list[Sample] = [
        ((make(2, 3), (1, 2)), {}),
        ((make(2, 3), (1, -1, 0, 2)), {"value": 3.0}),
    ]
    for mode in ("reflect", "replicate", "circular"):
        found += [((make(2, 3, 4), (1, 2)), {"mode": mode}),
                  ((make(1, 3, 4), (2, 1, 0, 2)), {"mode": mode}),
                  ((make(1, 2, 2, 3), (1, 1, 1, 0, 1, 1)), {"mode": mode})]  # fmt: skip
    return found


def _interpolate(make: Make) -> list[Sample]:
    image = make(1, 2, 4, 3)
    modes = ("nearest", "nearest-exact", "area", "bilinear", "bicubic")
    return [
        *[((image, (3, 5)), {"mode": mode}) for mode in modes],
        *[((image, 2), {"mode": m, "antialias": True}) for m in ("bilinear", "bicubic", "lanczos")],
        ((image, (3, 5)), {"mode": "bilinear", "align_corners": True}),
        ((make(1, 1, 4),), {"scale_factor": 1.7, "mode": "linear"}),
        ((make(1, 1, 2, 3, 2), 3), {"mode": "trilinear"}),
    ]


def _grid(make: Make) -> list[Sample]:
    image, grid = make(2, 2, 4, 3), make(2, 2, 2, 2, low=-1.3, high=1.3)
    modes = [(m, p) for m in ("bilinear", "bicubic") for p in ("zeros", "border", "reflection")]
    return [
        *[((image, grid, *both), {"align_corners": False}) for both in modes],
        ((image, grid.detach(), "nearest"), {"align_corners": True}),
        ((make(1, 1, 2, 3, 2), make(1, 1, 2, 1, 3, low=-1, high=1)), {"align_corners": True}),
    ]


def _affine(make: Make) -> list[Sample]:
    return [((make(2, 2, 3), (2, 1, 2, 3)), {"align_corners": False}),
            ((make(1, 3, 4), (1, 1, 2, 2, 1)), {"align_corners": True})]  # fmt: skip


def _unfold(make: Make) -> list[Sample]:
    return [((make(2, 2, 4, 3), 2), {}),
            ((make(1, 4, 5), (2, 1)), {"dilation": 2, "padding": 1, "stride": (1, 2)})]  # fmt: skip


def _fold(make: Make) -> list[Sample]:
    return [((make(2, 8, 6), (4, 3), 2), {}), ((make(4, 6), (4, 3), 2), {})]


def _table(make: Make) -> list[Sample]:
    indices = torch.tensor([[1, 0], [2, 1]])
    return [((indices, make(3, 2)), {}), ((indices, make(4, 2)), {"padding_idx": 3}),
            ((indices[0], make(3, 2)), {"scale_grad_by_freq": True})]  # fmt: skip


def _bags(make: Make) -> list[Sample]:
    indices, offsets = torch.tensor([1, 0, 2, 1]), torch.tensor([0, 3, 3])
    weights = make(4)
    return [
        *[((indices, make(3, 2), offsets), {"mode": m}) for m in ("sum", "mean", "max")],
        ((indices, make(3, 2), offsets), {"mode": "sum", "per_sample_weights": weights}),
        ((indices.reshape(2, 2), make(3, 2)), {"padding_idx": 1}),
    ]


def _attention(make: Make) -> list[Sample]:
    three = make(2, 2, 3, 4), make(2, 2, 5, 4), make(2, 2, 5, 2)
    allowed = torch.tensor([[True, False, True, True, False]] * 2 + [[False] * 5])
    shared = make(2, 1, 5, 4), make(2, 1, 5, 2)
    return [
        (three, {}),
        (three, {"attn_mask": allowed}),
        (three, {"attn_mask": make(3, 5), "scale": 0.3}),
        (three, {"is_causal": True}),
        ((three[0], *shared), {"enable_gqa": True}),
    ]


def _heads(make: Make) -> list[Sample]:
    x, size = make(3, 2, 4), (4, 2)
    projections = (make(12, 4), make(12), None, None, False, 0.0, make(4, 4), make(4))
    biases = (make(12, 4), make(12), make(1, 1, 4), make(1, 1, 4), True, 0.0, make(4, 4), make(4))
    padding = torch.tensor([[False, False, True]] * 2)
    return [
        ((x, x, x, *size, *projections), {}),
        ((x, make(5, 2, 4), make(5, 2, 4), *size, *projections), {"need_weights": False}),
        ((x, x, x, *size, *biases), {"key_padding_mask": padding}),
    ]


SAMPLES: dict[str, Generator] = {
    "nn.functional.pad": _pad,
    "nn.functional.interpolate": _interpolate,
    "ops.aten._upsample_bilinear2d_aa": lambda make: [
        ((make(1, 2, 5, 4), [3, 2], False), {}),
        ((make(1, 2, 5, 4), None, True, [0.7, 1.5]), {}),
    ],
    "nn.functional.grid_sample": _grid,
    "nn.functional.affine_grid": _affine,
    "nn.functional.unfold": _unfold,
    "nn.functional.fold": _fold,
    "nn.functional.pixel_shuffle": lambda make: [((make(1, 8, 2, 3), 2), {})],
    "nn.functional.pixel_unshuffle": lambda make: [((make(2, 4, 6), 2), {})],
    "nn.functional.channel_shuffle": lambda make: [((make(1, 4, 2, 2), 2), {})],
    "nn.functional.embedding": _table,
    "nn.functional.embedding_bag": _bags,
    "nn.functional.one_hot": lambda make: [((torch.tensor([0, 2, 1]), 4), {})],
    "nn.functional.scaled_dot_product_attention": _attention,
    "nn.functional.multi_head_attention_forward": _heads,
}
