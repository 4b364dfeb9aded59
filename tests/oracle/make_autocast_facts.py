"""Writes ``tests/files/autocast_facts.txt``: run it with PyTorch."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "amp"))

import cases

if __name__ == "__main__":
    import torch

    warnings.simplefilter("ignore")
    target = Path(__file__).parents[1] / "files" / "autocast_facts.txt"
    target.write_text("\n".join(cases.table(torch)) + "\n")
