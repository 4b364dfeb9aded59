"""Unmodified PyTorch programs print what PyTorch prints.

Each ``programs/NAME.py`` runs through ``python -m flambeau``; ``programs/expected/NAME.txt`` holds
what it printed on PyTorch 2.13 (``python programs/NAME.py > programs/expected/NAME.txt``). Text
must be equal, whole numbers too; decimal ones to four significant digits.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from tests import launching

PROGRAMS = Path(__file__).parent / "programs"
NUMBER = re.compile(r"([-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)")


def last_place(number: str) -> float:
    """The value of one unit in the last printed digit: ``"0.250"`` -> 0.001."""
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def same_number(ours: str, expected: str) -> bool:
    if expected.lstrip("+-").isdigit():
        return ours == expected
    return math.isclose(
        float(ours), float(expected), rel_tol=2e-4, abs_tol=1.01 * last_place(expected)
    )


def first_difference(ours: str, expected: str) -> str | None:
    """The first line that differs, told with what was expected; ``None`` when all agree."""
    ours_lines, expected_lines = ours.splitlines(), expected.splitlines()
    for number, (mine, theirs) in enumerate(zip(ours_lines, expected_lines), start=1):
        pieces, wanted = NUMBER.split(mine), NUMBER.split(theirs)
        texts_agree = pieces[::2] == wanted[::2]
        if not texts_agree or not all(map(same_number, pieces[1::2], wanted[1::2])):
            return f"line {number}:\n  {mine}\nexpected:\n  {theirs}"
    if len(ours_lines) != len(expected_lines):
        return f"{len(ours_lines)} lines instead of {len(expected_lines)}"
    return None


@pytest.mark.parametrize("name", sorted(path.stem for path in PROGRAMS.glob("*.py")))
def test_program_prints_what_pytorch_prints(name: str, tmp_path: Path) -> None:
    result = launching.flambeau(PROGRAMS / f"{name}.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    difference = first_difference(result.stdout, (PROGRAMS / f"expected/{name}.txt").read_text())
    assert difference is None, difference
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("ours", "expected", "equal"),
    [
        ("loss 0.12345", "loss 0.12346", True),
        ("loss 0.12345", "loss 0.12445", False),
        ("[1, 2]", "[1, 3]", False),
        ("a 1.0", "b 1.0", False),
        ("1.0\n2.0", "1.0", False),
        ("-0.0000", "0.0000", True),
    ],
)
def test_the_comparison_itself(ours: str, expected: str, equal: bool) -> None:
    assert (first_difference(ours, expected) is None) == equal
