"""``flambeau demo``: runs ``examples/digits.py``, an ordinary PyTorch program, unchanged."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from flambeau.launcher import run_program

_NEEDED = {"sklearn": "scikit-learn", "tqdm": "tqdm", "matplotlib": "matplotlib"}


def example(name: str) -> Path:
    """The file of an example: beside the installed package, or in a checkout's ``examples``."""
    package = Path(__file__).parent
    installed = package / "examples" / name
    return installed if installed.exists() else package.parent / "examples" / name


def run(arguments: list[str]) -> None:
    """Train a small convolutional network on handwritten digits; ``--help`` lists options."""
    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        sys.exit(f"flambeau demo needs {', '.join(missing)}: pip install 'flambeau[demo]'")
    run_program(str(example("digits.py")), arguments)
