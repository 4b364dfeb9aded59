"""Trains the four models of ``examples/`` in both libraries and compares what they print and save.

Run it with a Python that has PyTorch, from the root of the repository:
``python tests/oracle/compare_training.py [resnet18 gpt lstm_lm unet]``. For each model: the losses
of 20 steps agree to four digits, and the saved model and optimizer of either library load into the
other and go on to the same losses there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODELS = ("resnet18", "gpt", "lstm_lm", "unet")
TOLERANCE = 1e-4
# A ReLU that switches turns a rounding error of 1e-6 into a difference of 1e-3 within a few steps;
# small steps switch few. (In float64 the losses agree to all digits at any learning rate.)
SETTINGS = {"resnet18": ["--lr", "1e-4"]}
LIBRARIES = {"pytorch": [sys.executable], "flambeau": [sys.executable, "-m", "flambeau"]}


def run(library: str, program: Path, *arguments: str) -> str:
    """What the program prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [*LIBRARIES[library], str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def losses(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"loss (\S+)", text)]


def worst(ours: list[float], theirs: list[float]) -> float:
    """The greatest relative difference."""
    assert len(ours) == len(theirs) > 0
    return max(abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=True))


def compare(model: str, folder: Path) -> bool:
    """One model: training in both, then each checkpoint continued in both."""
    program = ROOT / "examples" / f"{model}.py"
    settings = SETTINGS.get(model, [])
    files = {library: folder / f"{model}-{library}.pt" for library in LIBRARIES}
    trained = {n: losses(run(n, program, *settings, "--save", str(files[n]))) for n in LIBRARIES}
    difference = worst(trained["flambeau"], trained["pytorch"])
    print(f"{model}: {len(trained['pytorch'])} steps, greatest difference {difference:.1e}")
    good = difference < TOLERANCE
    for source, file in files.items():
        texts = {
            n: run(n, program, *settings, "--steps", "6", "--load", str(file)) for n in LIBRARIES
        }
        difference = worst(losses(texts["flambeau"]), losses(texts["pytorch"]))
        print(f"    continued from {source}'s file: greatest difference {difference:.1e}")
        good &= difference < TOLERANCE
    return good


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        results = [compare(model, Path(folder)) for model in sys.argv[1:] or MODELS]
    if not all(results):
        sys.exit(1)


if __name__ == "__main__":
    main()
