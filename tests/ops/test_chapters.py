"""The corners of the chapters of ``flambeau/ops``: values, layouts and refusals as PyTorch's."""

from __future__ import annotations

import re

import numpy as np
import pytest

import flambeau as torch
from tests.ops import facts

FACTS = facts.read("chapter_facts.txt")
CHAPTERS = list(dict.fromkeys([setup for setup, _, _ in FACTS]))
_VIEW = re.compile(r" view \[[-\d, ]*\] \+\d+")  # composites may end in a view
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?|-?\d+e[-+]\d+")


def agree(measured: str, fact: str) -> bool:
    """The same text, up to the last digits of its numbers."""
    measured, fact = _VIEW.sub("", measured), _VIEW.sub("", fact)
    if "received an invalid combination" in fact:  # PyTorch goes on to list its overloads
        return measured.startswith("TypeError")
    if _NUMBER.sub("#", measured) != _NUMBER.sub("#", fact):
        return measured == fact
    found, stored = ([float(n) for n in _NUMBER.findall(text)] for text in (measured, fact))
    return np.allclose(found, stored, 1e-4, 1e-6)


@pytest.mark.parametrize("setup", CHAPTERS, ids=[c.split('"')[1] for c in CHAPTERS])
def test_chapter(setup: str) -> None:
    """Every fact of a chapter."""
    wrong = []
    for at, expression, fact in FACTS:
        measured = facts.measure(torch, at, expression) if at == setup else fact
        if not agree(measured, fact):
            wrong.append(f"{expression}\n  is     {measured}\n  should {fact}")
    assert not wrong, f"{len(wrong)} facts\n" + "\n".join(wrong)
