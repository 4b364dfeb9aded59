"""The report on a program: operators by forward line, functions, and a verdict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from flambeau.autograd.profiler import FunctionEvent
from flambeau.utils import bottleneck
from flambeau.utils.bottleneck import findings

PROGRAM = """
import sys
import torch

def forward(x, w):
    return (x @ w).exp().sum()  # the heavy line

w = torch.ones(60, 60, requires_grad=True)
for _ in range(int(sys.argv[1])):
    forward(torch.ones(300, 60), w).backward()
print("done")
"""


def test_report_of_a_program(tmp_path: Path) -> None:
    program, page = tmp_path / "train.py", tmp_path / "page.html"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "flambeau.utils.bottleneck", "--html", str(page)]
    done = subprocess.run([*command, str(program), "5"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("done\ndone\n== Environment ==\nFlambeau ")
    lines = done.stdout.partition("== Lines by")[2].partition("== Functions")[0].splitlines()
    assert "train.py(6): forward  `return (x @ w).exp().sum()  # the heavy line`" in lines[1]
    for part in ("aten::mm", "MmBackward0", "== Verdict =="):
        assert part in done.stdout
    assert len(done.stdout.splitlines()) < 50  # a screen
    assert page.read_text().count("<rect") > 30


def test_waiting_for_data_is_named(tmp_path: Path) -> None:
    program = tmp_path / "load.py"
    program.write_text(
        "import time, flambeau as torch\n"
        "class Slow(torch.utils.data.Dataset):\n"
        "    def __len__(self): return 6\n"
        "    def __getitem__(self, i): time.sleep(0.02); return torch.ones(2)\n"
        "for batch in torch.utils.data.DataLoader(Slow(), batch_size=2): batch.sum()\n"
    )
    found = bottleneck.investigate(str(program), [])
    assert found.loading_share > 0.5
    assert "Data loading: the program waits for its DataLoader" in bottleneck.verdict(found)


def _event(name: str, start: float, end: float, parent: FunctionEvent | None = None) -> Any:
    event = FunctionEvent(0, name, 1, start, end)
    if parent is not None:
        event.set_cpu_parent(parent)
        parent.append_cpu_child(event)
    return event


def test_first_uses_are_set_aside() -> None:
    """A first call far longer than the others paid for loading kernels; so did what it ran in."""
    block = _event("block", 0, 60_000)
    calls = [_event("aten::mm", 0, 50_000, block)]
    calls += [_event("aten::mm", 50_000 + i, 50_001 + i, block) for i in range(4)]
    twice = [_event("aten::exp", 55_000, 56_000, block), _event("aten::exp", 56_000, 56_001, block)]
    assert findings._set_aside_first_uses([block, *calls, *twice]) == 49_999
    assert calls[0].cpu_time_total == 1 and block.cpu_time_total == 10_001
    assert twice[0].cpu_time_total == 1000  # too few calls to tell
