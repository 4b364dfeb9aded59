"""The command line of :mod:`flambeau.utils.bottleneck`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from flambeau.utils.bottleneck.findings import investigate
from flambeau.utils.bottleneck.page import html_page
from flambeau.utils.bottleneck.report import printed


def main() -> None:
    """Runs the program that the command line names, and prints where its time went."""
    parser = argparse.ArgumentParser(
        prog="python -m flambeau.utils.bottleneck",
        description="Runs a program twice, and tells where its time goes.",
    )
    parser.add_argument("--html", metavar="FILE", help="also write a page with a flame chart")
    parser.add_argument("--rows", type=int, default=8, help="rows of each table")
    parser.add_argument("program", help="the program; `import torch` in it is Flambeau")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the program's own arguments")
    options = parser.parse_args()
    importlib.import_module("flambeau.as_torch").install()
    found = investigate(options.program, options.arguments)
    printed(found, options.rows)
    if options.html:
        Path(options.html).write_text(html_page(found))


if __name__ == "__main__":
    main()
