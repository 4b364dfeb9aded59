"""Logic of elements: zero is false, everything else, NaN included, is true."""

from __future__ import annotations

import numpy

from flambeau.core.families import binary, unary
from flambeau.core.publish import exported

logical_and = binary("logical_and", numpy.logical_and, boolean=True, numbers="none",
    doc="Whether both elements are true.")  # fmt: skip

logical_or = binary("logical_or", numpy.logical_or, boolean=True, numbers="none",
    doc="Whether one of the elements is true.")  # fmt: skip

logical_xor = binary("logical_xor", numpy.logical_xor, boolean=True, numbers="none",
    doc="Whether exactly one of the elements is true.")  # fmt: skip

logical_not = unary("logical_not", numpy.logical_not, promote="same", changes="ifc",
    doc="Whether elements are false.")  # fmt: skip

__all__ = exported(globals())
