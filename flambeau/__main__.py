"""The command line: runs programs written for PyTorch on Flambeau."""

from __future__ import annotations

import sys

import flambeau.as_torch  # noqa: F401 - from here on, `import torch` is Flambeau
from flambeau import demo, launcher, version
from flambeau.kernels.select import numba_available

USAGE = f"""\
Flambeau {version.release}: PyTorch's API ({version.__version__[:4]}) in pure Python.

    python -m flambeau program.py [arguments]    run a program in which `import torch` is Flambeau
    python -m flambeau -m module [arguments]     run a module the same way
    flambeau demo [--help]                       train a small network on handwritten digits
    flambeau warmup                              compile the kernels that training uses
    flambeau --version
"""


def main(arguments: list[str] | None = None) -> None:
    """Run what the command line names; ``arguments`` defaults to ``sys.argv[1:]``."""
    match sys.argv[1:] if arguments is None else arguments:
        case [] | ["-h" | "--help", *_]:
            print(USAGE, end="")
        case ["-V" | "--version", *_]:
            print(f"Flambeau {version.release} (PyTorch API {version.__version__})")
        case ["-m"]:
            sys.exit("flambeau: -m needs the name of a module")
        case ["-m", module, *rest]:
            launcher.run_module(module, rest)
        case ["demo", *rest]:
            demo.run(rest)
        case ["warmup"]:
            _warm_up()
        case [option, *_] if option.startswith("-"):
            sys.exit(f"flambeau: unknown option {option}\n\n{USAGE}")
        case [program, *rest]:
            launcher.run_program(program, rest)


def _warm_up() -> None:
    if not numba_available():
        sys.exit("flambeau: kernels are compiled by Numba, which is missing or switched off")
    from flambeau.kernels.cpu.warmup import warmup

    warmup()


if __name__ == "__main__":
    main()
