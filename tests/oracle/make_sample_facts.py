"""Writes ``tests/files/sample_facts.txt``: run it with PyTorch, from the root of the repository."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Runs every sample in PyTorch, under Flambeau's name, and writes what it gave."""
    import torch

    torch.signal.windows.hann  # imported when first used
    for name, module in list(sys.modules.items()):
        if name == "torch" or name.startswith("torch."):
            sys.modules["flambeau" + name.removeprefix("torch")] = module
    sys.path.insert(0, str(ROOT))
    from tests.ops.fingerprints import facts
    from tests.samples import generators

    warnings.simplefilter("ignore")
    lines = [
        "\t".join([key, *found])
        for name in sorted(generators())
        for key, found in facts(name)
        if found
    ]
    (ROOT / "tests" / "files" / "sample_facts.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
