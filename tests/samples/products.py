"""Samples of products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

from collections.abc import Callable

import flambeau as torch
from tests.samples import Make, Sample

Generator = Callable[[Make], list[Sample]]
C = torch.complex128
Shapes = tuple[tuple[int, ...], ...]


def _of(*cases: Shapes) -> Generator:
    """Real tensors of these shapes, and complex ones of the first."""

    def generate(make: Make) -> list[Sample]:
        real: list[Sample] = [(tuple([make(s) for s in shapes]), {}) for shapes in cases]
        return [*real, (tuple([make(s, dtype=C) for s in cases[0]]), {})]

    return generate


def _scaled(*cases: Shapes) -> Generator:
    def generate(make: Make) -> list[Sample]:
        result: list[Sample] = []
        for shapes in cases:
            result.append((tuple([make(s) for s in shapes]), {}))
            result.append((tuple([make(s) for s in shapes]), {"beta": 0.5, "alpha": 2}))
        result.append((tuple([make(s) for s in cases[0]]), {"beta": 0}))
        return result

    return generate


def _transposed(make: Make) -> list[Sample]:
    a, b = make(3, 2).detach().t().requires_grad_(), make(4, 3).detach().t().requires_grad_()
    return [*_of(((2, 3), (3, 2)), ((2, 0), (0, 3)))(make), ((a, b), {})]


def _linear(make: Make) -> list[Sample]:
    return [
        ((make(4, 3), make(2, 3), make(2)), {}),
        ((make(2, 2, 3), make(2, 3), make(2)), {}),
        ((make(3), make(2, 3)), {}),
        ((make(4, 3), make(3)), {}),
    ]


def _einsum(make: Make) -> list[Sample]:
    return [
        (("ij,jk->ik", make(2, 3), make(3, 2)), {}),
        (("bij,bj->bi", make(2, 2, 3), make(2, 3)), {}),
        (("...ij->...ji", make(2, 2, 3)), {}),
        (("ii->i", make(3, 3)), {}),
        (("i,j,k->", make(2), make(2), make(3)), {}),
    ]


def _tensordot(make: Make) -> list[Sample]:
    return [
        ((make(2, 3, 2), make(3, 2, 2)), {}),
        ((make(2, 3), make(3, 2)), {"dims": ([1], [0])}),
        ((make(2), make(3)), {"dims": 0}),
    ]


def _chain(make: Make) -> list[Sample]:
    return [((make(2, 3), make(3, 2), make(2, 2)), {})]


def _dist(make: Make) -> list[Sample]:
    return [((make(2, 3), make(2, 3)), {}), ((make(3), make(3), 3), {})]


def _diff(make: Make) -> list[Sample]:
    return [
        ((make(2, 4),), {}),
        ((make(2, 4),), {"n": 2, "dim": 1}),
        ((make(3, 2),), {"dim": 0, "prepend": make(1, 2), "append": make(1, 2)}),
        ((make(4, dtype=torch.bool),), {}),
    ]


def _cov(make: Make) -> list[Sample]:
    weights = torch.tensor([0.5, 1.0, 0.25, 2.0], dtype=torch.float64)
    return [
        ((make(2, 4),), {}),
        ((make(4),), {"correction": 0}),
        ((make(2, 4),), {"aweights": weights, "fweights": torch.tensor([1, 2, 1, 3])}),
    ]


SAMPLES: dict[str, Generator] = {
    "mm": _transposed,
    "bmm": _of(((2, 2, 3), (2, 3, 2)), ((0, 2, 3), (0, 3, 2))),
    "dot": _of(((3,), (3,))),
    "vdot": _of(((3,), (3,))),
    "mv": _of(((2, 3), (3,))),
    "matmul": _of(
        ((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)),
        ((2, 1, 2, 3), (2, 3, 2)), ((2, 3), (2, 3, 2)),
    ),
    "addmm": _scaled(((2, 2), (2, 3), (3, 2)), ((2,), (2, 3), (3, 2))),
    "addmv": _scaled(((2,), (2, 3), (3,))),
    "baddbmm": _scaled(((2, 2, 2), (2, 2, 3), (2, 3, 2))),
    "addbmm": _scaled(((2, 2), (2, 2, 3), (2, 3, 2))),
    "addr": _scaled(((2, 3), (2,), (3,))),
    "outer": _of(((2,), (3,))),
    "ger": _of(((2,), (3,))),
    "nn.functional.linear": _linear,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "inner": _of(((2, 3), (2, 3)), ((3,), (3,))),
    "kron": _of(((2, 2), (1, 3)), ((2,), (2, 2))),
    "chain_matmul": _chain,
    "trace": _of(((3, 3),), ((2, 3),)),
    "cross": _of(((2, 3), (2, 3)), ((1, 3), (2, 3))),
    "dist": _dist,
    "diff": _diff,
    "cov": _cov,
    "corrcoef": lambda make: [((make(2, 4),), {})],
}  # fmt: skip
