"""Comparisons of elements, and questions about them. All results are bool."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import dtype, scalar_name
from flambeau.core.families import binary, pointwise_shape, unary
from flambeau.core.op import POINTWISE, Op
from flambeau.core.publish import exported, method, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import pointwise_logic as kernels
from flambeau.ops.pointwise.rules import bool_out

# ---- two tensors, or a tensor and a number

eq = binary("eq", numpy.equal, boolean=True,
    doc="""Whether elements are equal.

    >>> torch.eq(torch.tensor([1, 2]), torch.tensor([1, 3]))
    tensor([ True, False])""",
    methods="eq eq_ __eq__")  # fmt: skip

ne = binary("ne", numpy.not_equal, boolean=True,
    doc="""Whether elements differ.

    >>> torch.ne(torch.tensor([1, 2]), torch.tensor([1, 3]))
    tensor([False,  True])""",
    methods="ne ne_ __ne__ not_equal not_equal_")  # fmt: skip

lt = binary("lt", numpy.less, boolean=True, accepts="bif",
    doc="""Whether elements of ``input`` are smaller.

    >>> torch.lt(torch.tensor([1., 2.]), 2)
    tensor([ True, False])""",
    methods="lt lt_ __lt__ less less_")  # fmt: skip

le = binary("le", numpy.less_equal, boolean=True, accepts="bif",
    doc="""Whether elements of ``input`` are smaller or equal.

    >>> torch.le(torch.tensor([1., 2., 3.]), 2)
    tensor([ True,  True, False])""",
    methods="le le_ __le__ less_equal less_equal_")  # fmt: skip

gt = binary("gt", numpy.greater, boolean=True, accepts="bif",
    doc="""Whether elements of ``input`` are larger.

    >>> torch.gt(torch.tensor([1., 2., 3.]), 2)
    tensor([False, False,  True])""",
    methods="gt gt_ __gt__ greater greater_")  # fmt: skip

ge = binary("ge", numpy.greater_equal, boolean=True, accepts="bif",
    doc="""Whether elements of ``input`` are larger or equal.

    >>> torch.ge(torch.tensor([1., 2., 3.]), 2)
    tensor([False,  True,  True])""",
    methods="ge ge_ __ge__ greater_equal greater_equal_")  # fmt: skip

not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


def _same_dtype(input: Tensor, other: Tensor) -> None:
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{scalar_name(input.dtype)} did not match {scalar_name(other.dtype)}")


_isclose = Op("isclose", kernels.is_near, inputs=("input", "other"),
    params=("rtol", "atol", "equal_nan"), widen=True, promote="same", check=_same_dtype,
    shape=pointwise_shape(kernels.is_near), jvp=POINTWISE, batch=POINTWISE)  # fmt: skip


@method("isclose")
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``, or both are the same infinity.

    With ``equal_nan`` two NaN are close. Raises RuntimeError for tensors of different dtypes and
    for negative tolerances.

    >>> torch.isclose(torch.tensor([1., 2.]), torch.tensor([1. + 1e-7, 2.1]))
    tensor([ True, False])
    """
    for position, (name, value) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(value, Tensor):
            raise not_a_tensor("isclose", name, position, value)
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(
                f"{name} must be greater than or equal to zero, but got {tolerance:g}"
            )
    return _isclose(input, other, rtol, atol, equal_nan)


@method("allclose")
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close, as ``isclose`` tells.

    The shapes broadcast; RuntimeError for tensors of two dtypes.

    >>> torch.allclose(torch.tensor([1.]), torch.tensor([1. + 1e-7]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())  # type: ignore[attr-defined]


@method("equal")
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements.

    RuntimeError for tensors of two dtypes or on two devices.

    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    if not isinstance(other, Tensor):
        raise not_a_tensor("equal", "other", 2, other)
    return input.shape == other.shape and bool(eq(input, other).all())  # type: ignore[attr-defined]


# ---- questions about one element

isnan = unary("isnan", numpy.isnan, promote="same", changes="bifc",
    doc="""Whether elements are NaN; complex ones, in either part.

    >>> torch.isnan(torch.tensor([1., torch.nan]))
    tensor([False,  True])""", methods="isnan")  # fmt: skip

isinf = unary("isinf", numpy.isinf, promote="same", changes="bifc",
    doc="""Whether elements are infinite; complex ones, in either part.

    >>> torch.isinf(torch.tensor([1., -torch.inf]))
    tensor([False,  True])""",
    methods="isinf")  # fmt: skip

isfinite = unary("isfinite", numpy.isfinite, promote="same", changes="bifc",
    doc="""Whether elements are neither infinite nor NaN.

    >>> torch.isfinite(torch.tensor([1., torch.inf, torch.nan]))
    tensor([ True, False, False])""", methods="isfinite")  # fmt: skip

isreal = unary("isreal", kernels.is_real, promote="same", changes="bifc",
    doc="""Whether the imaginary parts are zero.

    >>> torch.isreal(torch.tensor([1 + 0j, 2j]))
    tensor([ True, False])""", methods="isreal")  # fmt: skip


def _no_complex(name: str) -> Any:
    def refusal(of: dtype) -> Exception:
        return RuntimeError(f"{name} does not support complex inputs.")

    return refusal


_isposinf = unary("isposinf", kernels.is_positive_infinity, promote="same", changes="bif",
    accepts="bif", refusal=_no_complex("isposinf"), methods="")  # fmt: skip
_isneginf = unary("isneginf", kernels.is_negative_infinity, promote="same", changes="bif",
    accepts="bif", refusal=_no_complex("isneginf"), methods="")  # fmt: skip


@method("isposinf")
def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are plus infinity; ``out`` has to be bool.

    Real, of any shape; RuntimeError for complex numbers.

    >>> torch.isposinf(torch.tensor([1., torch.inf]))
    tensor([False,  True])
    """
    return deliver("isposinf", _isposinf(input), bool_out("isposinf", out))


@method("isneginf")
def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are minus infinity; ``out`` has to be bool.

    Real, of any shape; RuntimeError for complex numbers.

    >>> torch.isneginf(torch.tensor([1., -torch.inf]))
    tensor([False,  True])
    """
    return deliver("isneginf", _isneginf(input), bool_out("isneginf", out))


__all__ = exported(globals())
