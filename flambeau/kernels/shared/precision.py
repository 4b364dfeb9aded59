"""Half precision is computed in float32 and rounded once, at the end."""

from __future__ import annotations

from typing import Any

import numpy as xp

from flambeau.kernels.quiet import silence

Array = Any  #: a NumPy or a CuPy array


def is_half(dtype: Any) -> bool:
    """Whether ``dtype`` is float16, bfloat16 or a float8: too short to compute in."""
    return dtype.itemsize < 4 and dtype.kind in "fV"


def wide(array: Array) -> Array:
    """The array in the dtype it is computed in."""
    return array.astype(xp.float32) if is_half(array.dtype) else array


def optional_wide(array: Array | None) -> Array | None:
    return None if array is None else wide(array)


def rounded(array: Array, dtype: Any) -> Array:
    """The array in ``dtype``; the same one when it is already."""
    return array if array.dtype == dtype else array.astype(dtype)


silence(globals())
