"""Samples of creation, copies, conversions and attributes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
D = torch.float64


def _sized(make: Make) -> list[Sample]:
    return [((2, 3), {}), (((2, 0),), {"dtype": torch.int32}), (([2],), {"dtype": torch.complex64})]


def _full(make: Make) -> list[Sample]:
    return [(((2, 3), 1.5), {}), (((2,), 3), {}), (((), True), {}), (([2], 1j), {})]


def _like(make: Make, *extra: float) -> list[Sample]:
    return [
        ((make(2, 3), *extra), {}),
        ((make(3, 2).detach().t(), *extra), {"dtype": torch.int64}),
        ((make(2, 2, 2, 2).detach(), *extra), {"memory_format": torch.channels_last}),
    ]


def _new(make: Make, *extra: float) -> list[Sample]:
    return [((make(2), (2, 3), *extra), {}), ((make(2), (2,), *extra), {"dtype": torch.int32})]


def _range(make: Make) -> list[Sample]:
    return [((5,), {}), ((1, 4), {}), ((0.5, 2, 0.25), {"dtype": D}), ((3, 0, -1), {})]


def _steps(make: Make) -> list[Sample]:
    return [((0, 1, 5), {"dtype": D}), ((3, -2, 4), {}), ((2, 2, 1), {})]


def _tensor(make: Make) -> list[Sample]:
    return [
        (([[1, 2], [3, 4]],), {}),
        ((1.5,), {"dtype": D}),
        (([True, False],), {}),
        (([1j],), {}),
    ]


def _from_array(make: Make) -> list[Sample]:
    return [((np.arange(6.0).reshape(2, 3),), {}), ((np.arange(3, dtype=np.int16),), {})]


def _clone(make: Make) -> list[Sample]:
    last = torch.channels_last
    return [
        ((make(2, 3),), {}),
        ((make(3, 2).detach().t().requires_grad_(),), {}),
        ((make(1, 3, 2, 2),), {"memory_format": last}),
        ((make(2, 3).detach()[:, ::2].requires_grad_(),), {}),
        ((make(2, 1).detach().expand(2, 3),), {}),
    ]


def _contiguous(make: Make) -> list[Sample]:
    return [((make(2, 3),), {}), ((make(3, 2).detach().t().requires_grad_(),), {})]


def _to(make: Make) -> list[Sample]:
    return [
        ((make(2, 3).detach(), torch.float32), {}),
        ((make(2), torch.complex128), {}),
        ((make(2), torch.int64), {}),
        ((make(2), D), {"copy": True}),
        ((make(1, 3, 2, 2),), {"memory_format": torch.channels_last}),
        ((make(3, 2).detach().t(), torch.bfloat16), {}),
    ]


def _cast(make: Make) -> list[Sample]:
    return [((make(2, 3, requires_grad=False),), {}), ((make(3, dtype=torch.int64),), {})]


def _fill(make: Make) -> list[Sample]:
    return [((make(2, 3), 1.5), {}), ((make(2, dtype=torch.int64), 2), {})]


def _about(make: Make) -> list[Sample]:
    return [((make(2, 3),), {}), ((make(2, dtype=torch.uint8),), {})]


def _nonzero(make: Make) -> list[Sample]:
    return [((make(1),), {}), ((torch.tensor(0),), {})]


def _strided(make: Make) -> list[Sample]:
    return [(((2, 3), (1, 2)), {"dtype": D}), (((2,), (3,)), {})]


_CASTS = "double float half bfloat16 long int short bool cdouble cfloat char byte"

SAMPLES: dict[str, Generator] = {
    "zeros": _sized,
    "ones": _sized,
    "full": _full,
    "zeros_like": _like,
    "ones_like": _like,
    "full_like": lambda make: _like(make, 3),
    "Tensor.new_zeros": _new,
    "Tensor.new_ones": _new,
    "Tensor.new_full": lambda make: _new(make, 2),
    "Tensor.new_tensor": lambda make: [((make(2), [1, 2]), {}), ((make(2), 1.5), {"dtype": D})],
    "arange": _range,
    "linspace": _steps,
    "logspace": _steps,
    "eye": lambda make: [((3,), {}), ((2, 3), {"dtype": torch.int64})],
    "tensor": _tensor,
    "as_tensor": _tensor,
    "asarray": _tensor,
    "scalar_tensor": lambda make: [((2.5,), {}), ((1,), {"dtype": torch.int32})],
    "from_numpy": _from_array,
    "clone": _clone,
    "Tensor.contiguous": _contiguous,
    "Tensor.to": _to,
    **{f"Tensor.{name}": _cast for name in _CASTS.split()},
    "Tensor.type": lambda make: [((make(2, requires_grad=False), torch.float32), {})],
    "Tensor.type_as": lambda make: [((make(2), make(1, dtype=torch.complex128).detach()), {})],
    "fill": _fill,
    "numel": _about,
    "is_floating_point": _about,
    "is_complex": _about,
    "is_signed": _about,
    "is_tensor": _about,
    "is_nonzero": _nonzero,
    "is_same_size": lambda make: [((make(2, 3), make(2, 3)), {}), ((make(2), make(3)), {})],
    "Tensor.tolist": _about,
    "Tensor.item": lambda make: [((make(1),), {}), ((torch.tensor(True),), {})],
}
