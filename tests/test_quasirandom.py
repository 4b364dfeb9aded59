"""``SobolEngine``: the points of PyTorch, and their even spread."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau.quasirandom import SobolEngine


def test_points() -> None:
    expected = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75]]
    assert SobolEngine(3).draw(4).tolist() == expected
    engine = SobolEngine(3)
    assert engine.draw(1).tolist() + engine.draw(3).tolist() == expected
    assert SobolEngine(3).fast_forward(2).draw(2, dtype=torch.float64).tolist() == expected[2:]
    assert engine.reset().draw(2).tolist() == expected[:2]
    assert engine.quasi.tolist() == [2**29] * 3
    assert repr(engine) == "SobolEngine(dimension=3)"


def test_scrambled_points_are_pytorchs() -> None:
    """Facts of PyTorch 2.13, with a seed of the engine and with the shared generator."""
    engine = SobolEngine(3, scramble=True, seed=5)
    assert engine.shift.tolist() == [515708045, 125905764, 133132919]
    assert engine.sobolstate[0, :4].tolist() == [619217127, 409717082, 164352472, 124099956]
    torch.manual_seed(0)
    points = SobolEngine(2, scramble=True).draw(2)
    assert torch.allclose(points, torch.tensor([[0.4751, 0.5925], [0.5788, 0.0371]]), atol=1e-4)


def test_each_interval_gets_one_point() -> None:
    points = SobolEngine(20, scramble=True, seed=1).draw_base2(6)
    for column in (points * 64).long().T:
        assert column.sort().values.tolist() == list(range(64))


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"Supported range of dimensionality .* is \[1, 21201\]"):
        SobolEngine(0)
    engine = SobolEngine(2)
    engine.draw(3)
    with pytest.raises(ValueError, match="The balance properties of Sobol' points require n to be"):
        engine.draw_base2(3)
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        SobolEngine(2).draw(0)
