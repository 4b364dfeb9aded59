"""Special functions of large arrays with compiled loops; see ``shared.pointwise_special``."""

from __future__ import annotations

from typing import Any

from flambeau.kernels.cpu.loops.pointwise import ERF
from flambeau.kernels.cpu.pointwise_activation import mapped, suits
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import pointwise_special as shared

Array = Any


def erf(x: Array) -> Array:
    """See ``shared.pointwise_special``."""
    return mapped(ERF, x) if suits(x) else shared.erf(x)


silence(globals())
