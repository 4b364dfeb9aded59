"""Samples of pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]


def _image(n: int) -> tuple[int, ...]:
    return (7, 6, 4)[:n]


def _maximum(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        image = make(2, 2, *_image(n))
        return [
            ((image, 2), {}),
            ((image, 3, 2, 1), {"return_indices": True}),
            ((make(1, *_image(n)), [2] * n, 3), {"ceil_mode": True, "dilation": 2}),
        ]

    return generate


def _average(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        image = make(2, 2, *_image(n))
        return [
            ((image, 2), {}),
            ((image, 3, 2, 1), {"count_include_pad": False, "ceil_mode": True}),
            ((make(1, *_image(n)), 3, 1), {"divisor_override": 5} if n > 1 else {}),
        ]

    return generate


def _adaptive(n: int, **more: Any) -> Generator:
    def generate(make: Make) -> list[Sample]:
        image = make(2, 1, *_image(n))
        return [((image, 3), more), ((make(2, *_image(n)), [2] * n), {}), ((image, 1), {})]

    return generate


def _power(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        return [((make(1, 2, *_image(n), low=0.1), 2.0, 2), {}),
                ((make(1, *_image(n), low=0.1), 3, 2, 2), {"ceil_mode": True})]  # fmt: skip

    return generate


def _fractional(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        image, size = make(2, 1, *_image(n)), {"output_size": 2, "return_indices": True}
        samples = make(2, 1, n, low=0, high=1, requires_grad=False)
        return [((image, 2), {**size, "_random_samples": samples}), ((image, 2), size)]

    return generate


def _unpool(n: int) -> Generator:
    def generate(make: Make) -> list[Sample]:
        places = torch.arange(2**n).reshape(1, 1, *[2] * n)
        return [((make(1, 1, *[2] * n), places, 2), {}), ((make(1, *[2] * n), places[0], 3, 2), {})]

    return generate


def _pooled_gradient(make: Make) -> list[Sample]:
    places = torch.tensor([[[[0, 3], [8, 11]]]])
    plain = (make(1, 1, 2, 2), make(1, 1, 4, 4).detach(), 2, 2, 0, 1, False, places)
    one = (make(1, 2, 2), make(1, 3, 4).detach(), 2, [], 0, 1, True, places[0])
    return [(plain, {}), (one, {})]


SAMPLES: dict[str, Generator] = {
    **{f"nn.functional.max_pool{n}d": _maximum(n) for n in (1, 2, 3)},
    **{f"nn.functional.avg_pool{n}d": _average(n) for n in (1, 2, 3)},
    **{f"nn.functional.adaptive_avg_pool{n}d": _adaptive(n) for n in (1, 2, 3)},
    **{
        f"nn.functional.adaptive_max_pool{n}d": _adaptive(n, return_indices=True) for n in (1, 2, 3)
    },
    **{f"nn.functional.lp_pool{n}d": _power(n) for n in (1, 2, 3)},
    **{f"nn.functional.fractional_max_pool{n}d": _fractional(n) for n in (2, 3)},
    **{f"nn.functional.max_unpool{n}d": _unpool(n) for n in (1, 2, 3)},
    "ops.aten.max_pool2d_with_indices_backward": _pooled_gradient,
}
HOST_READS = {"ops.aten.max_pool2d_with_indices_backward": 2}  # indices are checked
