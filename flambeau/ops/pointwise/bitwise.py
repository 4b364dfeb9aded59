"""Bits of integers, shifts and common divisors."""

from __future__ import annotations

import numpy

from flambeau.core.families import binary, unary
from flambeau.core.publish import exported, method, operator
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import pointwise_logic as kernels

bitwise_and = binary("bitwise_and", numpy.bitwise_and, accepts="bi", numbers="either",
    doc="""The bits that both integers have; of bools, the logical and.

    >>> torch.bitwise_and(torch.tensor([6, 3]), 5)
    tensor([4, 1])""",
    methods="bitwise_and bitwise_and_ __and__ __rand__ __iand__")  # fmt: skip

bitwise_or = binary("bitwise_or", numpy.bitwise_or, accepts="bi", numbers="either",
    doc="""The bits that either integer has; of bools, the logical or.

    >>> torch.bitwise_or(torch.tensor([6, 3]), 5)
    tensor([7, 7])""",
    methods="bitwise_or bitwise_or_ __or__ __ror__ __ior__")  # fmt: skip

bitwise_xor = binary("bitwise_xor", numpy.bitwise_xor, accepts="bi", numbers="either",
    doc="""The bits that one of the integers has; of bools, the logical exclusive or.

    >>> torch.bitwise_xor(torch.tensor([6, 3]), 5)
    tensor([3, 6])""",
    methods="bitwise_xor bitwise_xor_ __xor__ __rxor__ __ixor__")  # fmt: skip

bitwise_not = unary("bitwise_not", numpy.invert, promote="same", accepts="bi",
    doc="""All bits inverted; of bools, the logical not.

    >>> torch.bitwise_not(torch.tensor([0, 5]))
    tensor([-1, -6])""")  # fmt: skip


@method("__invert__")
def _inverted(self: Tensor) -> Tensor:
    if self.dtype.rank >= 2:
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
        )
    return bitwise_not(self)


bitwise_left_shift = binary("bitwise_left_shift", kernels.shift_left, accepts="i", numbers="either",
    refusal="lshift_cpu",
    doc="""``input`` with its bits moved to the left: times ``2 ** other``.

    0 where ``other`` is negative or not smaller than the number of bits.

    >>> torch.bitwise_left_shift(torch.tensor([1, 3]), 2)
    tensor([ 4, 12])""",
    methods="bitwise_left_shift bitwise_left_shift_ __lshift__ __ilshift__")  # fmt: skip

bitwise_right_shift = binary("bitwise_right_shift", kernels.shift_right, accepts="i",
    refusal="rshift_cpu", numbers="either",
    doc="""``input`` with its bits moved to the right: divided by ``2 ** other``, rounded down.

    0, or -1 for negative numbers, where ``other`` is negative or not smaller than the number of
    bits.

    >>> torch.bitwise_right_shift(torch.tensor([8, -8]), 1)
    tensor([ 4, -4])""",
    methods="bitwise_right_shift bitwise_right_shift_ __rshift__ __irshift__")  # fmt: skip


@operator("__rlshift__")
def _shifted_left_by(self: Tensor, other: int) -> Tensor:
    return bitwise_left_shift(other, self)


@operator("__rrshift__")
def _shifted_right_by(self: Tensor, other: int) -> Tensor:
    return bitwise_right_shift(other, self)


gcd = binary("gcd", numpy.gcd, accepts="i", numbers="none",
    doc="""The greatest common divisor of two integers; of 0 and n, n.

    >>> torch.gcd(torch.tensor([12, 7]), torch.tensor([18, 3]))
    tensor([6, 1])""")  # fmt: skip

lcm = binary("lcm", numpy.lcm, accepts="i", numbers="none",
    doc="""The least common multiple of two integers; 0 if one is 0.

    >>> torch.lcm(torch.tensor([4, 3]), torch.tensor([6, 5]))
    tensor([12, 15])""")  # fmt: skip

__all__ = exported(globals())
