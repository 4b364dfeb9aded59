"""Operators compute in the dtypes in which they compute in PyTorch.

``tests/oracle/make_dtype_facts.py`` writes the stored facts; ``tools/operators.py`` shows them, and
what Flambeau computes in beyond them, in ``docs/operators.md``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.ops.dtypes import accepted
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
