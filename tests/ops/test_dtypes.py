"""Operators compute in the dtypes in which they compute in PyTorch.

``tests/oracle/make_dtype_facts.py`` writes the stored facts; ``tools/operators.py`` shows them, and
what Flambeau computes in beyond them, in ``docs/operators.md``.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import flambeau as torch
from tests.ops.dtypes import accepted, accepts
from tests.samples import generators

FILE = Path(__file__).parents[1] / "files" / "dtype_facts.txt"
LACKING = {"complex", "view_as_complex", "view_as_complex_copy"}  # float16 gives complex32


@cache
def stored() -> dict[str, set[str]]:
    """The dtypes that PyTorch computes in, by operator; NumPy has no complex numbers of float16."""
    rows = [line.partition(":") for line in FILE.read_text().splitlines()]
    return {name: set(found.split()) - {"complex32"} for name, _, found in rows}


@pytest.mark.parametrize("name", sorted(generators()))
def test_dtypes(name: str) -> None:
    """None is refused that PyTorch takes."""
    missing = stored().get(name, set()) - set(accepted(name))
    assert bool(missing) == (name in LACKING), missing


@pytest.mark.parametrize("name", sorted(generators()))
def test_bfloat16_on_cuda(name: str, cuda: ModuleType) -> None:
    """CuPy's functions know no bfloat16: operators compute in float32 there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if accepts(name, torch.bfloat16):
            assert accepts(name, torch.bfloat16, "cuda")


def test_next_bfloat16_on_cuda(cuda: ModuleType) -> None:
    """By counting bits, as by NumPy's function on the CPU."""
    ends = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 3.38e38, 1e-40, -1e-40, 9.2e-41]
    values = torch.tensor(ends).bfloat16()
    start, end = torch.meshgrid(values, values, indexing="ij")
    there = torch.nextafter(start.cuda(), end.cuda()).cpu()
    here = torch.nextafter(start, end)
    assert torch.allclose(here, there, rtol=0, atol=0, equal_nan=True)
    assert (here.isnan() | (here.signbit() == there.signbit())).all()
