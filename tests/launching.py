"""Runs Flambeau's command line in a process of its own, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


Result = subprocess.CompletedProcess[str]


def python(*arguments: str | Path, cwd: Path | None = None, warnings: str = "error") -> Result:
    """Run Python with this checkout importable; return its status and output.

    ``warnings`` is what ``-W`` makes of warnings.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-W", warnings, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def flambeau(*arguments: str | Path, cwd: Path | None = None, warnings: str = "error") -> Result:
    """Run ``python -m flambeau`` with these arguments."""
    return python("-m", "flambeau", *arguments, cwd=cwd, warnings=warnings)
