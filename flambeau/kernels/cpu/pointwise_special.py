"""Special functions with compiled loops: see ``shared.pointwise_special``."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.kernels.cpu.flat import flat, same_layout
from flambeau.kernels.cpu.loops import activations as loops
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import pointwise_special as shared

Array = Any


def erf(x: Array) -> Array:
    """See ``shared.pointwise_special``."""
    if not same_layout(x):
        return shared.erf(x)
    out = np.empty_like(x)
    loops.erf_flat(flat(x), flat(out))
    return out


silence(globals())
