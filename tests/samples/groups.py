"""Samples of products of groups of matrices, and of matrices of narrow floats."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from flambeau.nn.functional import ScalingType
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
NARROW = torch.float8_e4m3fn


def _groups(make: Make) -> list[Sample]:
    def half(*shape: int) -> torch.Tensor:
        return make(*shape, dtype=torch.bfloat16, requires_grad=False)

    ends = torch.tensor([1, 4], dtype=torch.int32)
    return [((half(4, 16), half(2, 16, 8)), {"offs": ends}), ((half(2, 3, 16), half(2, 16, 8)), {})]


def _narrow(make: Make, *shape: int) -> torch.Tensor:
    return make(*shape, dtype=torch.float32, requires_grad=False).to(NARROW)


def _scaled(make: Make) -> list[Sample]:
    whole, one = ScalingType.TensorWise, torch.tensor(1.5)
    a, b = _narrow(make, 16, 16), _narrow(make, 16, 16).t()
    return [((a, b, one, whole, torch.tensor(0.5), whole), {})]


def _scaled_groups(make: Make) -> list[Sample]:
    rows = ScalingType.RowWise
    a, b = _narrow(make, 4, 16), _narrow(make, 2, 8, 16).mT
    scales = make(4, dtype=torch.float32).detach(), make(2, 8, dtype=torch.float32).detach()
    ends = torch.tensor([1, 4], dtype=torch.int32)
    return [((a, b, scales[0], rows, scales[1], rows), {"offs": ends})]


def _singly_scaled(make: Make) -> list[Sample]:
    a, b = _narrow(make, 16, 16), _narrow(make, 16, 32).t().contiguous().t()
    rows, columns = make(16, 1, dtype=torch.float32), make(1, 32, dtype=torch.float32)
    return [
        ((a, b, torch.tensor(1.5), torch.tensor(0.5)), {"out_dtype": torch.float32}),
        ((a, b, rows.detach(), columns.detach()), {"out_dtype": torch.bfloat16}),
    ]


def _listed(make: Make) -> list[Sample]:
    a, b = _narrow(make, 16, 16), _narrow(make, 16, 16).t()
    one, whole, plain = [torch.tensor(1.5)], [ScalingType.TensorWise], [0]
    return [((a, b, one, whole, plain, one, whole, plain, None, torch.bfloat16), {})]


SAMPLES: dict[str, Generator] = {
    "nn.functional.grouped_mm": _groups,
    "nn.functional.scaled_mm": _scaled,
    "nn.functional.scaled_grouped_mm": _scaled_groups,
    "ops.aten._scaled_mm": _singly_scaled,
    "ops.aten._scaled_mm_v2": _listed,
}
NOT_ON_CUDA = {"ops.aten._scaled_mm", "ops.aten._scaled_mm_v2"}  # CuPy has no float8
