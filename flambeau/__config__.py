"""``torch.__config__``: what the library computes with."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from flambeau.kernels import threads
from flambeau.settings import get_num_interop_threads
from flambeau.torch_version import __version__

_LIBRARIES = ("numpy", "scipy", "numba", "ml_dtypes", "cupy-cuda12x", "cupy-cuda13x")
_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def show() -> str:
    """The versions of Python and of the libraries below, one a line."""
    lines = [
        f"Flambeau with the API of PyTorch {__version__}:",
        f"  - Python {platform.python_version()}",
    ]
    for library in _LIBRARIES:
        try:
            lines.append(f"  - {library} {version(library)}")
        except PackageNotFoundError:
            continue
    lines.append(f"  - Machine: {platform.machine()}, {platform.system()}")
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """How many threads there are, and the variables that decide so."""
    lines = [
        "Flambeau/Parallel:",
        f"\tget_num_threads() : {threads.get_threads()}",
        f"\tget_num_interop_threads() : {get_num_interop_threads()}",
        f"\tprocessors : {os.cpu_count()}",
        "Environment variables:",
        *[f"\t{name} : {os.environ.get(name, '[not set]')}" for name in _VARIABLES],
    ]
    return "\n".join(lines) + "\n"
