"""Samples of random operators; the suites seed before each call."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
D = torch.float64


def _sized(make: Make) -> list[Sample]:
    return [((2, 3), {}), (((2, 0),), {"dtype": D}), (([3],), {"dtype": torch.float16})]


def _like(make: Make, *extra: int) -> list[Sample]:
    return [
        ((make(2, 3), *extra), {}),
        ((make(3, 2).detach().t(), *extra), {"dtype": torch.float32}),
    ]


def _dropout(make: Make) -> list[Sample]:
    return [((make(3, 4), 0.4), {}), ((make(3, 4), 0.4), {"training": False}), ((make(2), 0.0), {})]


def _old_dropout(make: Make) -> list[Sample]:
    return [((make(3, 4), 0.4, True), {}), ((make(3, 4), 0.4, False), {})]


def _channels(n: int) -> Generator:
    return lambda make: [((make(2, 3, *[2] * n), 0.4), {"training": True})]


def _rrelu(make: Make) -> list[Sample]:
    return [((make(2, 3),), {}), ((make(2, 3), 0.1, 0.3), {"training": True})]


def _chances(make: Make) -> list[Sample]:
    return [((make(2, 3, low=0, high=1, requires_grad=False),), {})]


def _normal(make: Make) -> list[Sample]:
    mean, std = make(3, requires_grad=False), make(3, low=0.5, requires_grad=False)
    return [((mean, std), {}), ((mean,), {}), ((0.5, std), {}), ((0.5, 2.0, (2, 2)), {"dtype": D})]


def _multinomial(make: Make) -> list[Sample]:
    weights = make(2, 4, low=0.1, high=1, requires_grad=False)
    return [((weights, 3), {}), ((weights, 5), {"replacement": True})]


def _binomial(make: Make) -> list[Sample]:
    count = torch.tensor([4.0, 10.0], dtype=D)
    return [((count, make(2, low=0.2, high=0.8, requires_grad=False)), {})]


def positive(make: Make) -> torch.Tensor:
    return make(3, low=0.3, high=5, requires_grad=False)


SAMPLES: dict[str, Generator] = {
    "rand": _sized,
    "randn": _sized,
    "randint": lambda make: [((5, (2, 3)), {}), ((-3, 4, (2,)), {"dtype": torch.int32})],
    "randperm": lambda make: [((7,), {}), ((4,), {"dtype": torch.int32})],
    "rand_like": _like,
    "randn_like": _like,
    "randint_like": lambda make: _like(make, 9),
    "normal": _normal,
    "bernoulli": _chances,
    "poisson": lambda make: [((make(3, low=0.5, high=6, requires_grad=False),), {})],
    "binomial": _binomial,
    "multinomial": _multinomial,
    **{f"nn.functional.{name}": _dropout for name in ("dropout", "alpha_dropout")},
    "nn.functional.feature_alpha_dropout": lambda make: [((make(2, 3, 2), 0.4, True), {})],
    **{f"nn.functional.dropout{n}d": _channels(n) for n in (1, 2, 3)},
    "nn.functional.rrelu": _rrelu,
    "nn.functional.gumbel_softmax": lambda make: [((make(2, 3),), {}), ((make(3),), {"tau": 0.5})],
    **{name: _old_dropout for name in ("dropout", "alpha_dropout")},
    "feature_dropout": lambda make: [((make(2, 3, 2), 0.4, True), {})],
    "feature_alpha_dropout": lambda make: [((make(2, 3, 2), 0.4, True), {})],
    "native_dropout": _old_dropout,
    **{
        f"ops.aten.{name}": lambda make: [((make(2, 3, low=0.5, high=2, requires_grad=False),), {})]
        for name in ("_standard_gamma", "_sample_dirichlet")
    },
    "ops.aten.native_dropout_backward": lambda make: [
        ((make(2, 3), make(2, 3, dtype=torch.bool), 2.0), {})
    ],
    "rrelu": _rrelu,
    "ops.aten._standard_gamma_grad": lambda make: [((positive(make), positive(make)), {})],
    "ops.aten._dirichlet_grad": lambda make: [
        ((positive(make) / 6, positive(make), positive(make) + 5), {})
    ],
}
HOST_READS = {"ops.aten._standard_gamma": 2, "ops.aten._sample_dirichlet": 2}  # drawn there
