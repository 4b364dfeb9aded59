"""Views, joining and indexing give what PyTorch gives: values, strides, sharing, errors."""

from __future__ import annotations

import pytest

import flambeau as torch
from tests.ops import facts


def refused_alike(measured: str, fact: str) -> bool:
    """Signature errors agree in type and beginning: PyTorch goes on to list its overloads."""
    return "received an invalid combination" in fact and measured[:40] == fact[:40]


@pytest.mark.parametrize("name", ["view_facts.txt", "index_facts.txt", "assignment_facts.txt"])
def test_facts(name: str) -> None:
    wrong = []
    for setup, expression, fact in facts.read(name):
        measured = facts.measure(torch, setup, expression)
        if measured != fact and not refused_alike(measured, fact):
            wrong.append(f"{setup}: {expression}\n  is     {measured}\n  should {fact}")
    assert not wrong, "\n".join(wrong)
