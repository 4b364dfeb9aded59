"""``import flambeau`` is light, needs NumPy only, and leaves the process as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import launching

HEAVY = ["numba", "scipy", "cupy", "matplotlib", "mpi4py", "onnx", "torch", "multiprocessing.pool"]


def test_import_loads_no_optional_library() -> None:
    code = f"import flambeau, sys; print([m for m in {HEAVY} if m in sys.modules])"
    assert launching.python("-c", code).stdout == "[]\n"


def test_import_leaves_numpy_as_it_was() -> None:
    code = """
import numpy, warnings
before = numpy.geterr(), numpy.get_printoptions(), list(warnings.filters)
import flambeau
assert before == (numpy.geterr(), numpy.get_printoptions(), list(warnings.filters))
"""
    result = launching.python("-c", code)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ["training_loop", "text_classifier", "autoencoder"])
def test_programs_run_without_numba_and_scipy(name: str, tmp_path: Path) -> None:
    programs = launching.ROOT / "tests" / "programs"
    code = f"""
import sys
sys.modules.update(numba=None, scipy=None)
from flambeau.__main__ import main
main([{str(programs / name)!r} + ".py"])
"""
    result = launching.python("-c", code, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    expected = (programs / "expected" / f"{name}.txt").read_text()
    assert len(result.stdout.splitlines()) == len(expected.splitlines())


def test_arithmetic_does_not_warn() -> None:
    code = """
import flambeau
zero = flambeau.zeros(3)
for result in (1 / zero, zero / zero, (zero - 1).log(), (zero - 1).sqrt(), (zero + 1e30) ** 3,
               flambeau.tensor([1, 2]).to(flambeau.float16) * 1e5):
    result.sum().item()
"""
    result = launching.python("-c", code)
    assert (result.returncode, result.stderr) == (0, "")
