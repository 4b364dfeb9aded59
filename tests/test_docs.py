"""The documents tell the truth: files they name exist, programs they show run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import launching

ROOT = launching.ROOT
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


@pytest.mark.parametrize("name", NAMES)
def test_files_that_a_document_names_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    named = re.findall(r"`((?:[\w.]+/)+[\w.]*)`", text) + re.findall(r"\]\((\w[\w/.]*)\)", text)
    places = [ROOT, ROOT / "flambeau", (ROOT / name).parent]
    ours = {path.name for place in places[:2] for path in place.iterdir()}
    missing = [
        path
        for path in named
        if path.split("/")[0] in ours and not any((place / path).exists() for place in places)
    ]
    assert not [path for path in missing if not path.startswith("digits-output")]


@pytest.mark.parametrize("name", ["README.md", "docs/reading_order.md"])
def test_programs_in_a_document_run(name: str, tmp_path: Path) -> None:
    programs = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
    assert programs
    for program in programs:
        result = launching.python("-c", program, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        promised = re.findall(r"print\(.*\) +# (.*)", program)
        assert [line for line in promised if line not in result.stdout] == []


def test_design_notes_are_numbered_in_a_row() -> None:
    numbers = [int(path.name[:3]) for path in sorted((ROOT / "docs/design").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
