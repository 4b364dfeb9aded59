"""Arithmetic of one and two tensors."""

from __future__ import annotations

import numpy

from flambeau.core.families import binary, scaled_binary, unary
from flambeau.core.publish import exported
from flambeau.kernels.shared import pointwise as kernels

add = scaled_binary("add", numpy.add, kernels.add_scaled,
    input=lambda grad: grad,
    other=lambda grad, alpha: grad if alpha == 1 else grad * alpha,
    doc="``input + alpha * other``, broadcast to a common shape.",
    methods="add add_ __add__ __radd__ __iadd__")  # fmt: skip

mul = binary("mul", numpy.multiply,
    input=lambda grad, other: grad * other,
    other=lambda grad, input: grad * input,
    doc="``input * other``, broadcast to a common shape.",
    methods="mul mul_ __mul__ __rmul__ __imul__ multiply multiply_")  # fmt: skip

neg = unary("neg", numpy.negative, promote="same",
    vjp=lambda grad: -grad,
    doc="``-input``.",
    methods="neg neg_ __neg__ negative negative_")  # fmt: skip

__all__ = exported(globals())
