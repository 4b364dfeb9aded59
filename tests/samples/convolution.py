"""Samples of convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
C = torch.complex128


def _conv(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        image, window = (5, 4, 3)[:n], (3, 2, 2)[:n]
        return [
            ((make(2, 2, *image), make(3, 2, *window), make(3)), {}),
            ((make(2, *image), make(2, 1, *window)), {"groups": 2, "padding": 1, "stride": 2}),
            ((make(1, 2, *image), make(2, 2, *window), make(2)), {"padding": "same"}),
            ((make(1, 2, *image, dtype=C), make(2, 2, *window, dtype=C)), {"dilation": [1] * n}),
        ]

    return generate


def _transposed(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        image, window = (3, 2, 2)[:n], (3, 2, 2)[:n]
        return [
            ((make(2, 2, *image), make(2, 3, *window), make(3)), {"stride": 2}),
            (
                (make(2, *image), make(2, 1, *window)),
                {"groups": 2, "padding": 1, "stride": 3, "output_padding": 2},
            ),
        ]

    return generate


def _linear(make: Make) -> list[Sample]:
    return [
        ((make(3, 4), make(2, 4), make(2)), {}),
        ((make(2, 3, 4), make(5, 4)), {}),
        ((make(4), make(2, 4), make(2)), {}),
        ((make(0, 4), make(2, 4), make(2)), {}),
    ]


def _bilinear(make: Make) -> list[Sample]:
    return [
        ((make(3, 2), make(3, 4), make(5, 2, 4), make(5)), {}),
        ((make(2, 3, 2), make(2, 3, 2), make(1, 2, 2)), {}),
    ]


def _sequence(make: Make) -> list[Sample]:
    return [((make(5, 2, 3), make(2, 3, 4), make(4)), {"pad": 1})]


SAMPLES: dict[str, Generator] = {
    "nn.functional.linear": _linear,
    "nn.functional.bilinear": _bilinear,
    "nn.functional.conv_tbc": _sequence,
    **{f"nn.functional.conv{n}d": _conv(n) for n in (1, 2, 3)},
    **{f"nn.functional.conv_transpose{n}d": _transposed(n) for n in (1, 2, 3)},
}
