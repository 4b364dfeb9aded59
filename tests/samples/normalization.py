"""Samples of normalisation and softmax."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]


def _softmax(make: Make) -> list[Sample]:
    return [((make(2, 3), -1), {}), ((make(2, 3, 2), 1), {}), ((make(), 0), {}),
            ((make(2, 3, dtype=torch.int64), 0), {"dtype": torch.float64})]  # fmt: skip


def _rows(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, 4), (4,), make(4), make(4)), {}),
        ((make(2, 3, 4), [3, 4]), {"eps": 0.5}),
        ((make(3, 4), (3, 4), make(3, 4), None), {}),
    ]


def _root_mean_square(make: Make) -> list[Sample]:
    return [((make(2, 3, 4), (4,), make(4)), {}), ((make(2, 3, 4), [3, 4]), {"eps": 0.5})]


def _batch(make: Make) -> list[Sample]:
    fixed = {"requires_grad": False}
    mean, var = make(3, **fixed), make(3, low=0.5, **fixed)
    return [
        ((make(4, 3, 2), None, None, make(3), make(3), True), {}),
        ((make(4, 3), mean, var, make(3), None, False), {}),
        ((make(2, 3, 2, 2), mean, var, None, None, False), {"eps": 0.1}),
    ]


def _groups(make: Make) -> list[Sample]:
    return [((make(2, 4, 3), 2, make(4), make(4)), {}), ((make(2, 4), 2), {"eps": 0.1})]


def _instance(make: Make) -> list[Sample]:
    return [((make(2, 3, 4),), {}), ((make(2, 3, 2, 2), None, None, make(3), make(3)), {})]


def _local(make: Make) -> list[Sample]:
    return [((make(2, 4, 3), 3), {}), ((make(1, 4, 2, 2), 2), {"alpha": 0.5, "k": 2.0})]


def _normalize(make: Make) -> list[Sample]:
    return [((make(2, 3),), {}), ((make(2, 3),), {"p": 3.0, "dim": 0})]


SAMPLES: dict[str, Generator] = {
    "softmax": _softmax,
    "ops.aten._softmax_backward_data": lambda make: [
        ((make(2, 3), make(2, 3, low=0, high=1), -1, torch.float64), {}),
    ],
    "ops.aten._safe_softmax": lambda make: [
        ((make(2, 3), 1), {}),
        ((make(2, 3).detach().masked_fill(torch.tensor([[True], [False]]), -torch.inf), 1), {}),
    ],
    "log_softmax": _softmax,
    "nn.functional.softmax": lambda make: [((make(2, 3),), {"dim": 0})],
    "nn.functional.log_softmax": lambda make: [((make(2, 3),), {"dim": 0})],
    "nn.functional.softmin": lambda make: [((make(2, 3),), {"dim": 0})],
    "nn.functional.layer_norm": _rows,
    "nn.functional.rms_norm": _root_mean_square,
    "nn.functional.batch_norm": _batch,
    "nn.functional.group_norm": _groups,
    "nn.functional.instance_norm": _instance,
    "nn.functional.local_response_norm": _local,
    "nn.functional.normalize": _normalize,
}
