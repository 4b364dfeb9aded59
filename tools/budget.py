"""Prints how long the package's files and functions are, against the guides of the design.

Guides, not limits: files around 400 lines, half of the functions under 9 lines, 90 % under 26.
"""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import quantiles

PACKAGE = Path(__file__).parent.parent / "flambeau"
LONG_FILE, LONG_FUNCTION = 450, 60


def functions(path: Path) -> list[tuple[int, str]]:
    """The length in lines, docstring left out, and the name of each function of a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) is not None else None
            lines = node.end_lineno - node.lineno + 1
            lines -= doc.end_lineno - doc.lineno + 1 if doc else 0
            found.append((lines, f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}"))
    return found


def main() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    lengths = {path: len(path.read_text().splitlines()) for path in files}
    every = [entry for path in files for entry in functions(path)]
    deciles = quantiles([lines for lines, _ in every], n=10)
    print(f"{len(files)} files, {sum(lengths.values())} lines, {len(every)} functions")
    print(f"functions: median {deciles[4]:.0f} lines, 90 % under {deciles[8] + 1:.0f}")
    print(f"\nfiles over {LONG_FILE} lines")
    for path, lines in sorted(lengths.items(), key=lambda item: -item[1]):
        if lines > LONG_FILE:
            print(f"  {lines:5d}  {path.relative_to(PACKAGE.parent)}")
    print(f"\nfunctions over {LONG_FUNCTION} lines")
    for lines, name in sorted(every, reverse=True):
        if lines > LONG_FUNCTION:
            print(f"  {lines:5d}  {name}")


if __name__ == "__main__":
    main()
