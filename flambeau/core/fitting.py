"""Whether a Python number fits into a dtype. Arithmetic wraps numbers around; filling does not."""

from __future__ import annotations

import math
from typing import Any

import numpy

from flambeau.core.dtype import dtype

_C_NAMES = {"int32": "int", "float32": "float", "complex64": "c10::complex<float>"}


def fits(value: Any, of: dtype) -> bool:
    """Whether elements of the dtype can hold a number, fractions left out.

    Unsigned types also take the negative numbers that wrap around to their own.
    """
    if isinstance(value, complex):
        if not of.is_complex and value.imag:
            return False
        return fits(value.real, of) and (not of.is_complex or fits(value.imag, of))
    if of.rank == 1 and of.numpy is not None:
        limits = numpy.iinfo(of.numpy)
        least = limits.min if of.numpy.kind == "i" else -limits.max
        return bool(math.isfinite(value) and least <= value <= limits.max)
    if of.name in ("float32", "complex64") and math.isfinite(value):
        return bool(abs(value) <= numpy.finfo(numpy.float32).max)
    return True


def check_fits(value: Any, of: dtype) -> None:
    """RuntimeError for a number that a tensor of the dtype cannot be filled with."""
    if not fits(value, of):
        name = _C_NAMES.get(of.name, f"{of.name}_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
