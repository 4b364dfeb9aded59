"""Operators on operands of all kinds: dtypes of results, values, refusals and their first lines."""

from __future__ import annotations

import numpy as np

import flambeau as torch
from tests.ops import facts


def agree(measured: str, fact: str) -> bool:
    """The same text, up to the last digits of the numbers in the list at the end."""
    if measured == fact:
        return True
    if "received an invalid combination" in fact:  # PyTorch goes on to list its overloads
        return measured.startswith("TypeError")
    (head, _, numbers), (expected, _, stored) = measured.rpartition(" ["), fact.rpartition(" [")
    if head != expected or "Error" in fact or not stored.endswith("]"):
        return False
    try:
        found, goal = [[complex(n) for n in text[:-1].split(", ")] for text in (numbers, stored)]
    except ValueError:  # bools
        return False
    return len(found) == len(goal) and np.allclose(found, goal, 1e-5, 1e-6, equal_nan=True)


def test_facts() -> None:
    wrong = []
    for setup, expression, fact in facts.read("pointwise_facts.txt"):
        measured = facts.measure(torch, setup, expression)
        if not agree(measured, fact):
            wrong.append(f"{expression}\n  is     {measured}\n  should {fact}")
    assert not wrong, "\n".join(wrong)
