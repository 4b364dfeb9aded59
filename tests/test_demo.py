"""The demo trains on real images to PyTorch's very losses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flambeau
from flambeau import demo
from tests import launching

# What examples/digits.py prints on PyTorch 2.13 for seed 0.
LOSSES = [1.083, 0.2302, 0.07384, 0.05591, 0.02961, 0.01876, 0.01551, 0.03980, 0.01576, 0.01275,
          0.01117, 0.009040]  # fmt: skip


def test_the_demo_is_the_example() -> None:
    assert demo.example("digits.py") == launching.ROOT / "examples" / "digits.py"


def test_digits_reach_their_accuracy_with_the_losses_of_pytorch(tmp_path: Path) -> None:
    for package in ("sklearn", "tqdm", "matplotlib"):
        pytest.importorskip(package)
    result = launching.flambeau("demo", "--output", tmp_path, warnings="default")
    assert result.returncode == 0, result.stderr
    losses = re.findall(r"epoch +\d+ +loss (\S+)", result.stdout)
    assert [float(loss) for loss in losses] == pytest.approx(LOSSES, rel=2e-4)
    accuracy = re.search(r"test accuracy (\S+)%", result.stdout)
    assert accuracy and float(accuracy[1]) >= 98
    assert "confusion matrix" in result.stdout
    assert "training: 100%" in result.stderr  # the progress bar
    assert "Warning" not in result.stderr
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
    weights = flambeau.load(tmp_path / "digits.pt")
    assert weights["features.0.weight"].shape == (32, 1, 3, 3)
