"""Logic of elements: zero is false, everything else, NaN included, is true."""

from __future__ import annotations

import numpy

from flambeau.core.families import binary, unary
from flambeau.core.publish import exported

logical_and = binary("logical_and", numpy.logical_and, boolean=True, numbers="none",
    doc="""Whether both elements are true.

    >>> torch.logical_and(torch.tensor([0, 1, 2]), torch.tensor([1, 0, 3]))
    tensor([False, False,  True])""")  # fmt: skip

logical_or = binary("logical_or", numpy.logical_or, boolean=True, numbers="none",
    doc="""Whether one of the elements is true.

    >>> torch.logical_or(torch.tensor([0, 1, 0]), torch.tensor([1, 0, 0]))
    tensor([ True,  True, False])""")  # fmt: skip

logical_xor = binary("logical_xor", numpy.logical_xor, boolean=True, numbers="none",
    doc="""Whether exactly one of the elements is true.

    >>> torch.logical_xor(torch.tensor([0, 1, 2]), torch.tensor([1, 0, 3]))
    tensor([ True,  True, False])""")  # fmt: skip

logical_not = unary("logical_not", numpy.logical_not, promote="same", changes="ifc",
    doc="""Whether elements are false.

    >>> torch.logical_not(torch.tensor([0, 1, 2]))
    tensor([ True, False, False])""")  # fmt: skip

__all__ = exported(globals())
