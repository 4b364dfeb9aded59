"""Every sample gives what PyTorch gave: values, dtypes, shapes, strides, nodes and gradients.

``tests/oracle/make_sample_facts.py`` writes the stored facts. A sample that is newer than they are
is passed over.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.ops.fingerprints import agree, facts
from tests.samples import generators

FILE = Path(__file__).parents[1] / "files" / "sample_facts.txt"
# Strides that differ.
STRIDES = {
    "as the Fourier transforms of the library below lay them out": """fft.fft fft.fft2 fft.fftn
        fft.ifft fft.ifft2 fft.ifftn fft.rfft fft.rfft2 fft.rfftn fft.irfft fft.irfft2 fft.irfftn
        fft.hfft fft.hfft2 fft.hfftn fft.ihfft fft.ihfft2 fft.ihfftn""",
    "made of products and transposes": """linalg.ldl_solve linalg.lstsq linalg.solve_triangular
        ormqr triangular_solve nn.functional.conv_tbc unravel_index""",
}
# Results or gradients that differ.
DIFFERENT = {
    "the triangle that is not read has no gradient": "cholesky_inverse cholesky_solve",
    "gradients of Hermitian matrices are Hermitian": """cholesky linalg.cholesky
        linalg.cholesky_ex""",
    "PyTorch's gradient is not that of finite differences": "as_strided_scatter ldexp",
    "PyTorch records a node without a derivative": "detach_copy",
    "mean and reciprocal deviation have gradients": "native_layer_norm",
}


@cache
def stored() -> dict[str, list[str]]:
    """The facts by sample."""
    lines = FILE.read_text().splitlines()
    return {key: found for key, *found in (line.split("\t") for line in lines)}


def named(table: dict[str, str]) -> list[str]:
    """The operators of a table of exceptions."""
    return " ".join(table.values()).split()


def refused(found: list[str]) -> bool:
    """Whether PyTorch does not do what Flambeau may do."""
    return len(found) == 1 and found[0].endswith("Error")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(generators()))
def test_sample(name: str) -> None:
    """All samples of an operator."""
    for key, ours in facts(name):
        theirs = stored().get(key)
        if theirs is None or name in named(DIFFERENT) or refused(theirs):
            continue
        assert len(ours) == len(theirs), (key, ours, theirs)
        for pair in zip(ours, theirs, strict=True):
            assert agree(*pair, strides=name not in named(STRIDES)), (key, *pair)


def test_most_samples_have_facts() -> None:
    """The file is not out of date."""
    known = {key.partition(" ")[0] for key in stored()}
    assert len(known & set(generators())) > 0.9 * len(generators())
