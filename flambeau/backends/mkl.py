"""Intel's MKL: matrix products are those of the BLAS that NumPy was built with."""

from __future__ import annotations

from typing import Any

import numpy

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    """Whether NumPy was built with MKL."""
    configuration: Any = numpy.show_config(mode="dicts")
    return "mkl" in configuration["Build Dependencies"]["blas"]["name"].lower()


class verbose:
    """``with verbose(VERBOSE_ON): ...``: MKL would tell what it does; NumPy cannot ask it to."""

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exc: object) -> None:
        pass
