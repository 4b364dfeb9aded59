"""Arguments for the operators of ``ops/indexing.py``, ``assignment.py``, ``gathering.py``,
``scattering.py``, ``index_writes.py`` and ``masking.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from tests.samples.views import Generator, Sample

Make = Callable[..., Any]


def ints(make: Make, values: Any) -> Any:
    """An index tensor on the device that `make` makes tensors on."""
    return torch.tensor(values, dtype=torch.int64).to(make((), requires_grad=False).device)


def mask(make: Make, values: Any) -> Any:
    """A mask on the device that `make` makes tensors on."""
    return ints(make, values) > 0


def items(make: Make) -> list[Sample]:
    """Views, adjacent and separated index tensors, a mask."""
    x = (2, 3, 4)
    two = ints(make, [0, 1])
    return [
        ((make(x), 1), {}),
        ((make(x), (slice(None), slice(0, 3, 2), -1)), {}),
        ((make(x), (None, ..., 0)), {}),
        ((make(x), ints(make, [1, 0, 1])), {}),
        ((make(x), (slice(None), two, two)), {}),
        ((make(x), (two, slice(None), two)), {}),
        ((make(x), mask(make, [[1, 0, 1], [0, 0, 1]])), {}),
    ]


def puts(make: Make) -> list[Sample]:
    """With and without accumulation, in one dimension and in two that are separated."""
    rows, two = ints(make, [1, 0]), ints(make, [1, 1])
    return [
        ((make((3, 4)), (rows,), make((2, 4))), {}),
        ((make((3, 4)), (two,), make((4,)), True), {}),
        ((make((3, 2, 4)), (rows, None, two), make(())), {}),
    ]


def scatters(*more: Any, **keywords: Any) -> Generator:
    """Along both dimensions; the source is larger than the index in the second sample."""
    return lambda make: [
        ((make((3, 4)), 0, ints(make, [[0, 2, 1, 0]]), make((1, 4)), *more), keywords),
        ((make((3, 4)), 1, ints(make, [[0, 2], [1, 3]]), make((3, 3)), *more), keywords),
    ]


def collisions(reduce: str, **keywords: Any) -> Generator:
    """Several elements for one place."""
    return lambda make: [
        ((make((3, 4)), 1, ints(make, [[0, 0, 2], [1, 1, 1]]), make((2, 3)), reduce), keywords),
    ]


def vectors(*more: Any, index: Any = (2, 0), **keywords: Any) -> Generator:
    """A vector of indices along each dimension, and slices for them."""
    return lambda make: [
        ((make((3, 4)), 0, ints(make, index), make((2, 4)), *more), keywords),
        ((make((3, 4)), -1, ints(make, index), make((3, 2)), *more), keywords),
    ]


def hidden(make: Make) -> list[Sample]:
    """Indices out of range where the mask is false."""
    rows = mask(make, [1, 0, 1])
    return [
        ((make((3, 4)), rows, [ints(make, [0, 7, -1]), ints(make, [0, -9, 2])], -1.0), {}),
        ((make((3, 4)), rows, [None, ints(make, [1, 4, 1])], 0.5), {}),
    ]


SAMPLES: dict[str, Generator] = {
    "Tensor.__getitem__": items,
    "index_put": puts,
    "index_select": lambda make: [((make((3, 4)), 1, ints(make, [3, 0, 3])), {})],
    "gather": lambda make: [((make((3, 4)), 1, ints(make, [[0, 3, 0], [1, 1, 2]])), {})],
    "take_along_dim": lambda make: [((make((3, 1)), ints(make, [[0, 2]]), 0), {})],
    "take": lambda make: [((make((2, 3)), ints(make, [[5, 0], [-1, 0]])), {})],
    "put": lambda make: [((make((2, 3)), ints(make, [5, 0]), make((2,)), True), {})],
    "scatter": scatters(),
    "scatter_add": lambda make: [
        ((make((3, 4)), 0, ints(make, [[0, 2, 1, 0], [0, 1, 1, 0]]), make((2, 4))), {})
    ],
    "scatter_reduce": lambda make: [
        sample
        for reduce in ("sum", "mean", "amax", "amin", "prod")
        for include in (True, False)
        for sample in collisions(reduce, include_self=include)(make)
    ],
    "index_add": vectors(alpha=2, index=(1, 1)),
    "index_copy": vectors(),
    "index_fill": lambda make: [((make((3, 4)), 1, ints(make, [0, 3]), make(())), {})],
    "index_reduce": vectors("amax", index=(1, 1)),
    "masked_fill": lambda make: [((make((2, 3)), mask(make, [1, 0, 1]), make(())), {})],
    "masked_select": lambda make: [((make((2, 3)), mask(make, [1, 0, 1])), {})],
    "masked_scatter": lambda make: [((make((2, 3)), mask(make, [1, 0, 1]), make((5,))), {})],
    "ops.aten._unsafe_masked_index": hidden,
    "ops.aten._unsafe_masked_index_put_accumulate": lambda make: [
        (
            (make((3, 4)), mask(make, [[1, 0]]), [None, ints(make, [1, 9])], make((3, 2))),
            {},
        ),
        ((make((3,)), mask(make, [1, 0, 1]), [ints(make, [-1, 5, -1])], make((3,))), {}),
    ],
}
HOST_READS = {
    "ops.aten._unsafe_masked_index": 2,  # as all indices are checked
    "ops.aten._unsafe_masked_index_put_accumulate": 2,
}
