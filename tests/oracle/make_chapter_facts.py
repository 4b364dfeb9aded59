"""Measures the expressions of ``tests/files/chapter_facts.txt`` again: run it with PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "files" / "chapter_facts.txt"


def main() -> None:
    """Writes each line anew."""
    import torch

    sys.path.insert(0, str(ROOT / "tests" / "ops"))
    import facts

    lines, setup = [], ""
    for line in FILE.read_text().splitlines():
        if line.startswith("  "):
            expression = line.strip().partition(" ->")[0]
            line = f"  {expression} -> {facts.measure(torch, setup, expression)}"
        elif line and not line.startswith("#"):
            setup = line
        lines.append(line.rstrip())
    FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
