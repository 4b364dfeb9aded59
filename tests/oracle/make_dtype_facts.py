"""Writes ``tests/files/dtype_facts.txt``: run it with PyTorch, from the root of the repository."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Tries every operator's samples in PyTorch, under Flambeau's name, in each dtype."""
    import torch

    torch.signal.windows.hann  # imported when first used
    for name, module in list(sys.modules.items()):
        if name == "torch" or name.startswith("torch."):
            sys.modules["flambeau" + name.removeprefix("torch")] = module
    sys.path.insert(0, str(ROOT))
    from tests.ops.dtypes import accepted
    from tests.samples import generators

    lines = [f"{name}: {' '.join(accepted(name))}" for name in sorted(generators())]
    (ROOT / "tests" / "files" / "dtype_facts.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
