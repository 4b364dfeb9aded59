"""Arguments for the operators that join, repeat and rearrange elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.samples.views import Generator, Sample, each


def lists(*shapes: tuple[int, ...], **keywords: Any) -> Generator:
    """A generator of one sample: a list of tensors of these shapes."""
    return lambda make: [(([make(shape) for shape in shapes],), keywords)]


def several(*shapes: tuple[int, ...], **keywords: Any) -> Generator:
    """A generator of one sample: tensors of these shapes, one by one."""
    return lambda make: [(tuple([make(shape) for shape in shapes]), keywords)]


def cats(make: Callable[..., Any]) -> list[Sample]:
    """Along the first and the last dimension, and with an empty tensor that is left out."""
    return [
        (([make((2, 3)), make((1, 3))],), {}),
        (([make((2, 3)), make((2, 1)), make((2, 2))], -1), {}),
        (([make((0,)), make((2, 3))], 1), {}),
    ]


SAMPLES: dict[str, Generator] = {
    "cat": cats,
    "stack": lambda make: [(([make((2, 3)), make((2, 3))], dim), {}) for dim in (0, 1, -1)],
    "hstack": lists((2, 1), (2, 3)),
    "vstack": lists((3,), (2, 3)),
    "dstack": lists((2, 3), (2, 3)),
    "column_stack": lists((2,), (2, 3)),
    "ops.aten._chunk_cat": lambda make: [
        (([make((3, 2)), make((2, 2))], 0, 2), {}),
        (([make((2, 3)), make((2, 4))], -1, 3), {}),
    ],
    "block_diag": several((2, 3), (3,), ()),
    "Tensor.repeat": each((2, 3), (2, 1, 3), shape=(2, 3)),
    "tile": each(((2,),), ((2, 1, 2),), shape=(2, 3)),
    "repeat_interleave": each((2,), (3, 1), shape=(2, 3)),
    "roll": each((1,), ((1, -2), (0, 1)), shape=(2, 3)),
    "flip": each(((0,),), ((0, -1),)),
    "fliplr": each(()),
    "flipud": each(()),
    "rot90": each((), (2,), (-1, (1, 2))),
    "meshgrid": several((2,), (3,), indexing="xy"),
    "cartesian_prod": several((2,), (3,)),
    "combinations": each((), (3,), (2, True), shape=(4,)),
    "tril": each((), (1,), shape=(2, 3, 4)),
    "triu": each((), (-1,), shape=(2, 3, 4)),
    "diag": lambda make: [((make((3,)), 1), {}), ((make((3, 4)), -1), {})],
    "diag_embed": each((), (1, 0, 2), shape=(2, 3)),
    "diagflat": each((), (1,), shape=(2, 2)),
}
