"""What the docstrings of families say holds: what is refused, with which error, and results."""

from __future__ import annotations

import doctest
import re
import warnings
from typing import Any

import pytest

import flambeau as torch
from flambeau.core.documentation import CATEGORIES
from flambeau.core.op import REGISTRY
from tests.ops.test_suites import public_operators

PUBLIC = public_operators()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ROWS = [name for name, op in REGISTRY.items() if "The result has" in (op.__doc__ or "")]


def operands(name: str, of: Any) -> list[torch.Tensor]:
    """Tensors of a dtype, of a shape that is not the other's."""
    shapes = [(2, 1), (1, 3)][: len(REGISTRY[name].inputs)]
    return [torch.ones(shape).to(of) for shape in shapes]


def outcome(name: str, of: Any) -> Any:
    """The result for tensors of a dtype, or the name of the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return REGISTRY[name].public(*operands(name, of))  # type: ignore[misc]
        except (NotImplementedError, RuntimeError) as error:
            return type(error).__name__


@pytest.mark.parametrize("name", ROWS)
def test_docstring(name: str) -> None:
    """Errors are those that are written there, results have the dtype."""
    doc = REGISTRY[name].__doc__ or ""
    stated = {
        category: error
        for error, what in re.findall(r"(\w+Error) for ([^,.]*)", doc.partition("Raises")[2])
        for category in what.split(" and ")
    }
    for category, of in CATEGORIES.items():
        found = outcome(name, of)
        if category in stated:
            assert found == stated[category], category
            continue
        if isinstance(found, str) and REGISTRY[name].check:
            assert f"{found} for {category}" in doc
            continue
        expected = {2: (2, 1), 3: (2, 3)}[len(operands(name, of)) + 1]
        assert found.shape == torch.Size(expected)
        kept = of is torch.bool and "Integers count" not in doc
        assert (found.dtype is torch.bool) == (kept or "it is bool" in doc), category


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")  # given on purpose
@pytest.mark.parametrize("name", PUBLIC)
def test_example(name: str) -> None:
    """Examples run, also those of functions that declarations make, which doctest does not find."""
    text = PUBLIC[name].__doc__
    names = {"torch": torch, "F": torch.nn.functional, **PUBLIC[name].__globals__}
    example, report = doctest.DocTestParser().get_doctest(text, names, name, None, 0), list[str]()
    torch.manual_seed(0)
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(example, out=report.append)
    assert not report, "".join(report)
