"""Operators of networks give PyTorch's values, first and second gradients, and errors."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

import flambeau as torch
from tests.ops import facts

F = torch.nn.functional
NUMBERS = [
    line
    for line in (facts.FILES / "network_numbers.txt").read_text().splitlines()
    if line[0] != "#"
]


def test_errors() -> None:
    wrong = []
    for setup, expression, fact in facts.read("network_errors.txt"):
        measured = facts.measure(torch, setup, expression).rstrip()
        if measured != fact:
            wrong.append(f"{expression}\n  is     {measured}\n  should {fact}")
    assert not wrong, "\n".join(wrong)


# ---- numbers: an expression of a, b, c, the shapes of these, and what its result and gradients are


def waves(shape: list[int], phase: int) -> np.ndarray:
    """Numbers between -2 and 2, the same everywhere."""
    return 2 * np.sin(np.arange(np.prod(shape, dtype=int)) * 1.7 + phase).reshape(shape)


def summary(tensor: Any) -> float:
    """A number that depends on every element."""
    array = tensor.detach().numpy()
    return float((array * np.cos(np.arange(array.size)).reshape(array.shape)).sum())


def measure(expression: str, shapes: list[list[int]]) -> list[float | None]:
    """Summaries of the result, its gradients, and those of a function of the gradients."""
    names = {"torch": torch, "F": F, "tensor": torch.tensor}
    leaves = [torch.tensor(waves(s, i)).requires_grad_() for i, s in enumerate(shapes)]
    result = eval(expression, names | dict(zip("abcd", leaves)))
    result = result if isinstance(result, torch.Tensor) else result[0]
    score = (result * torch.tensor(waves(list(result.shape), 9)) * result).sum()
    firsts = torch.autograd.grad(score, leaves, create_graph=True)
    found = [summary(result), *[summary(g) for g in firsts]]
    try:
        power = sum([(g * g).sum() for g in firsts])
        seconds = torch.autograd.grad(power, leaves, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return [*found, None]
    return [*found, *[0.0 if g is None else summary(g) for g in seconds]]


@pytest.mark.parametrize("line", NUMBERS, ids=lambda line: line.partition(" | ")[0][:60])
def test_numbers(line: str) -> None:
    expression, shapes, fact = line.split(" | ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        measured = measure(expression, json.loads(shapes))
    expected = json.loads(fact)
    if expected[-1] is None:  # PyTorch has no second derivative
        expected, measured = expected[:-1], measured[: len(expected) - 1]
    np.testing.assert_allclose(measured, expected, rtol=1e-5, atol=1e-7)
