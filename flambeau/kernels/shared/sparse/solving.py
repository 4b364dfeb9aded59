"""Linear systems with a sparse matrix, by SciPy's or CuPy's direct solver."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence
from flambeau.kernels.shared.sparse.arrays import Compressed

Array = Any


def solve(matrix: Compressed, right: Array) -> Array:
    """The x with ``matrix @ x == right``; RuntimeError for a singular matrix."""
    library = "scipy" if xp.__name__ == "numpy" else "cupyx.scipy"
    sparse = import_module(f"{library}.sparse")
    parts = matrix.values, matrix.plain, matrix.pointers
    result = import_module(f"{library}.sparse.linalg").spsolve(
        sparse.csr_matrix(parts, shape=matrix.shape), right
    )
    if not bool(xp.isfinite(result).all()) and bool(xp.isfinite(matrix.values).all()):
        raise RuntimeError("spsolve: the matrix is singular")
    return result.astype(right.dtype)


silence(globals())
