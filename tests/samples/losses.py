"""Samples of losses and distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
REDUCTIONS = ("mean", "sum", "none")
D = torch.float64


def _pair(low: float | None = None, high: float | None = None, **more: Any) -> Generator:
    """An input and a target of the same shape, with each reduction."""

    def generate(make: Make) -> list[Sample]:
        return [
            ((make(3, 2, low=low, high=high), make(3, 2, low=low, high=high)),
             {"reduction": r, **more})
            for r in REDUCTIONS
        ]  # fmt: skip

    return generate


def _divergence(make: Make) -> list[Sample]:
    both = make(3, 2), make(3, 2, low=0.1, high=1)
    return [(both, {"reduction": r}) for r in ("batchmean", "sum", "none")] + [
        (both, {"reduction": "sum", "log_target": True})
    ]


def _signs(*shape: int) -> torch.Tensor:
    count = torch.Size(shape).numel()
    return torch.tensor([1.0 if i % 2 else -1.0 for i in range(count)], dtype=D).reshape(shape)


def _with_signs(inputs: int, **more: Any) -> Generator:
    def generate(make: Make) -> list[Sample]:
        return [
            ((*[make(4) for _ in range(inputs)], _signs(4)), {"reduction": r, **more})
            for r in REDUCTIONS
        ]

    return generate


def _binary(low: float | None, high: float | None) -> Generator:
    def generate(make: Make) -> list[Sample]:
        both = (make(3, 2, low=low, high=high), make(3, 2, low=0.1, high=0.9))
        weight = make(2, low=0.5, requires_grad=False)
        return [(both, {"reduction": r}) for r in REDUCTIONS] + [(both, {"weight": weight})]

    return generate


def _logits(make: Make) -> list[Sample]:
    both, weight = (make(3, 2), make(3, 2, low=0.1, high=0.9)), make(2, requires_grad=False)
    return [*_binary(None, None)(make), (both, {"pos_weight": weight, "reduction": "sum"})]


def _classes(make: Make) -> list[Sample]:
    target, weight = torch.tensor([0, 2, -100]), make(4, low=0.5, requires_grad=False)
    found: list[Sample] = [((make(3, 4), target), {"reduction": r}) for r in REDUCTIONS]
    return [
        *found,
        ((make(3, 4), target, weight), {}),
        ((make(2, 4, 2), torch.tensor([[0, 1], [2, 1]])), {"ignore_index": 1}),
        ((make(4), torch.tensor(2)), {}),
    ]


def _cross_entropy(make: Make) -> list[Sample]:
    weight = make(4, low=0.5, requires_grad=False)
    target = torch.tensor([0, 2, 1])
    return [
        *_classes(make),
        ((make(3, 4), target, weight), {"label_smoothing": 0.2}),
        ((make(3, 4), make(3, 4, low=0, high=1), weight), {"label_smoothing": 0.2}),
        ((make(2, 4, 2), make(2, 4, 2, low=0, high=1)), {"reduction": "none"}),
    ]


def _fused(make: Make) -> list[Sample]:
    return [((make(3, 2), make(4, 2), torch.tensor([0, 3, 1])), {"linear_bias": make(4)})]


def _margins(make: Make) -> list[Sample]:
    target = torch.tensor([0, 2, 1])
    weight = make(4, low=0.5, requires_grad=False)
    return [
        ((make(3, 4), target), {"p": p, "reduction": r}) for p in (1, 2) for r in REDUCTIONS
    ] + [((make(3, 4), target), {"weight": weight, "margin": 0.5})]


def _labels(make: Make) -> list[Sample]:
    target = torch.tensor([[0, 2, -1, 1], [1, -1, 0, 0], [3, 2, 1, 0]])
    return [((make(3, 4), target), {"reduction": r}) for r in REDUCTIONS]


def _soft_labels(make: Make) -> list[Sample]:
    return [((make(3, 4), make(3, 4, low=0, high=1)), {"reduction": r}) for r in REDUCTIONS]


def _gaussian(make: Make) -> list[Sample]:
    return [
        ((make(3, 2), make(3, 2), make(3, 2, low=0.5)), {"reduction": r, "full": True})
        for r in REDUCTIONS
    ] + [((make(3, 2), make(3, 2), make(3, low=0.5)), {})]


def _cosine(make: Make) -> list[Sample]:
    return [((make(3, 2), make(3, 2), _signs(3)), {"margin": -0.5})]


def _triplet(make: Make) -> list[Sample]:
    three = (make(3, 4), make(3, 4), make(3, 4))
    return [(three, {}), (three, {"swap": True, "margin": 2.0})]


def _ctc(make: Make) -> list[Sample]:
    # Gradients are those of the scores before log_softmax, not what differences give.
    scores = make(5, 2, 4, requires_grad=False).log_softmax(-1)
    targets = torch.tensor([[1, 2, 2], [3, 1, 0]])
    return [((scores, targets, (5, 4), (3, 2)), {"reduction": r}) for r in REDUCTIONS]


def _rows(make: Make) -> list[Sample]:
    return [((make(3, 2), make(3, 2)), {}), ((make(2, 3), make(3)), {})]


def _all_pairs(make: Make) -> list[Sample]:
    orders = (1.0, 2.0, 3.0, float("inf"))
    return [((make(2, 3), make(4, 3)), {"p": p}) for p in orders] + [
        ((make(2, 3, 2), make(2, 2)), {})
    ]


SAMPLES: dict[str, Generator] = {
    "nn.functional.mse_loss": _pair(),
    "nn.functional.l1_loss": _pair(),
    "nn.functional.smooth_l1_loss": _pair(beta=0.7),
    "nn.functional.huber_loss": _pair(delta=0.7),
    "nn.functional.poisson_nll_loss": _pair(low=0.5),
    "nn.functional.kl_div": _divergence,
    "nn.functional.soft_margin_loss": _with_signs(1),
    "nn.functional.hinge_embedding_loss": _with_signs(1, margin=0.3),
    "nn.functional.margin_ranking_loss": _with_signs(2, margin=0.3),
    "nn.functional.binary_cross_entropy": _binary(0.1, 0.9),
    "nn.functional.binary_cross_entropy_with_logits": _logits,
    "nn.functional.nll_loss": _classes,
    "nn.functional.cross_entropy": _cross_entropy,
    "nn.functional.linear_cross_entropy": _fused,
    "nn.functional.multi_margin_loss": _margins,
    "nn.functional.multilabel_margin_loss": _labels,
    "nn.functional.multilabel_soft_margin_loss": _soft_labels,
    "nn.functional.gaussian_nll_loss": _gaussian,
    "nn.functional.cosine_embedding_loss": _cosine,
    "nn.functional.triplet_margin_loss": _triplet,
    "nn.functional.triplet_margin_with_distance_loss": _triplet,
    "nn.functional.ctc_loss": _ctc,
    "nn.functional.cosine_similarity": _rows,
    "nn.functional.pairwise_distance": _rows,
    "nn.functional.pdist": lambda make: [((make(4, 3),), {}), ((make(3, 2),), {"p": 1.0})],
    "cdist": _all_pairs,
}
