"""Choices between elements: ``where``, bounds, the larger and the smaller."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dispatch import number_array
from flambeau.core.dtype import bool_, dtype, scalar_name, uint8
from flambeau.core.families import binary, pointwise_shape
from flambeau.core.graph import record
from flambeau.core.kind import CPU_KINDS
from flambeau.core.limits import finfo
from flambeau.core.modes import flags, modes
from flambeau.core.op import POINTWISE, Op
from flambeau.core.promotion import result_dtype
from flambeau.core.publish import NUMBERS, exported, method, not_a_tensor
from flambeau.core.tensor import Tensor, wrap
from flambeau.core.writing import deliver
from flambeau.kernels.select import CPU
from flambeau.kernels.shared import pointwise as kernels

Number = complex  #: a Python number


# ---- where

_where = Op("where", kernels.where, inputs=("condition", "input", "other"),
    shape=pointwise_shape(kernels.where), jvp=POINTWISE, batch=POINTWISE,
    vjp={
        "input": lambda grad, condition: grad.where(condition, 0),
        "other": lambda grad, condition: grad.where(~condition, 0),
    })  # fmt: skip


_BOOL = CPU_KINDS[bool_]


def where(
    condition: Tensor,
    input: Tensor | Number | None = None,
    other: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Any:
    """Elements of ``input`` where ``condition`` holds, of ``other`` elsewhere.

    The three are broadcast; ``input`` and ``other`` are tensors or numbers, brought to a common
    dtype. With ``condition`` alone, the indices of its true elements: ``nonzero(as_tuple=True)``.

    Raises RuntimeError for a condition that is not bool.

    >>> torch.where(torch.tensor([True, False]), torch.tensor([1., 2.]), 0)
    tensor([1., 0.])
    """
    if (
        isinstance(condition, Tensor)
        and isinstance(input, Tensor)
        and isinstance(other, Tensor)
        and condition._kind is _BOOL
        and input._kind is other._kind is not None
        and input._kind.place == CPU
        and out is None
        and not flags.active
    ):
        try:
            array = _where.kernels[CPU](condition._array, input._array, other._array)  # type: ignore
        except ValueError:
            return _where(condition, input, other)
        result = wrap(array, input._kind)
        if modes.grad and not input._node is other._node is None:
            record(_where, result, (condition, input, other))
        return result
    if not isinstance(condition, Tensor):
        raise not_a_tensor("where", "condition", 1, condition)
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)  # type: ignore[attr-defined]
    if condition.dtype is not bool_:
        condition = _as_condition(condition)
    for position, (name, value) in enumerate((("input", input), ("other", other)), 2):
        if not isinstance(value, (Tensor, *NUMBERS)):
            raise not_a_tensor("where", name, position, value)
    result = _where(condition, *_of_one_dtype(condition, input, other))
    if out is not None and out.dtype is not result.dtype:
        raise RuntimeError(
            f"Expected out type to be {scalar_name(result.dtype)} but got {scalar_name(out.dtype)}"
        )
    return deliver("where", result, out)


def _as_condition(condition: Tensor) -> Tensor:
    if condition.dtype is not uint8:
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{scalar_name(condition.dtype)}"
        )
    return condition.bool()  # type: ignore[attr-defined]


def _of_one_dtype(condition: Tensor, input: Any, other: Any) -> tuple[Any, Any]:
    """Both values as tensors of their common dtype."""
    if isinstance(input, Tensor) and isinstance(other, Tensor) and input.dtype is other.dtype:
        return input, other
    of = result_dtype(input, other)
    return _converted(input, of, condition), _converted(other, of, condition)


def _converted(value: Any, of: dtype, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.dtype is of else value.to(of)  # type: ignore[attr-defined]
    kind = like.kind.of(of)
    return wrap(number_array(value, kind).astype(kind.array_type, copy=False), kind)


@method("where")
def _where_method(self: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """Elements of ``self`` where ``condition`` holds, of ``other`` elsewhere."""
    return where(condition, self, other)


# ---- bounds


def _no_complex_bounds(of: dtype) -> Exception:
    return NotImplementedError("clamp is not supported for complex types")


def _inside(grad: Any, input: Any, min: Any, max: Any) -> Any:
    if min is None:
        return grad.where(input <= max, 0)
    if max is None:
        return grad.where(input >= min, 0)
    return grad.where((input >= min) & (input <= max), 0)


def _below(grad: Any, input: Any, min: Any, max: Any) -> Any:
    if max is None:
        return grad.where(input < min, 0)
    return grad.where((input < min) & (min < max), 0)


def _above(grad: Any, input: Any, min: Any, max: Any) -> Any:
    if min is None:
        return grad.where(input > max, 0)
    return grad.where((input > max) | (max < min), 0)


_clamp = Op("clamp", kernels.clamp, inputs=("input", "min", "max"), promote="same", widen=True,
    accepts="bif", refusal=_no_complex_bounds, node="ClampBackward1",
    shape=pointwise_shape(kernels.clamp), jvp=POINTWISE, batch=POINTWISE,
    vjp={"input": _inside, "min": _below, "max": _above})  # fmt: skip


@method("clamp clamp_ clip clip_")
def clamp(
    input: Tensor,
    min: Tensor | Number | None = None,
    max: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The nearest values between ``min`` and ``max``: tensors, numbers or None, but not both None.

    NaN stays NaN; where ``min`` is larger, the result is ``max``. The gradient is 1 at the bounds.
    RuntimeError for None twice, or complex numbers.

    >>> torch.clamp(torch.tensor([-2., 0.5, 2.]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) and isinstance(max, NUMBERS) and min.ndim:
        raise _bounds_of_two_types("clamp", min, max)
    if isinstance(max, Tensor) and isinstance(min, NUMBERS) and max.ndim:
        raise _bounds_of_two_types("clamp", min, max)
    return deliver("clamp", _clamp(input, min, max), out)


def _bounds_of_two_types(name: str, min: Any, max: Any) -> TypeError:
    given = ", ".join([type(value).__name__ for value in (min, max)])
    return TypeError(
        f"{name}() received an invalid combination of arguments - got (Tensor, {given}), but "
        "expected both bounds to be tensors, or both to be numbers"
    )


clip = clamp


@method("clamp_min clamp_min_")
def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The elements of ``input``, or ``min`` where they are smaller.

    ``min`` is a number or a tensor whose shape broadcasts; RuntimeError for complex numbers.

    >>> torch.clamp_min(torch.tensor([1, 5]), 3)
    tensor([3, 5])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("clamp_min", "input", 1, input)
    return clamp(input, min=min, out=out)


@method("clamp_max clamp_max_")
def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The elements of ``input``, or ``max`` where they are larger.

    ``max`` is a number or a tensor whose shape broadcasts; RuntimeError for complex numbers.

    >>> torch.clamp_max(torch.tensor([1, 5]), 3)
    tensor([1, 3])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("clamp_max", "input", 1, input)
    return clamp(input, max=max, out=out)


# ---- the larger, the smaller


def _no_complex(name: str) -> Any:
    return lambda of: RuntimeError(f"{name} not implemented for complex tensors.")


def _share(larger: bool, first: bool) -> Any:
    """The gradient rule of an operand of ``maximum`` or ``minimum``: ties share."""

    def rule(grad: Any, input: Any, other: Any) -> Any:
        mine, its = (input, other) if first else (other, input)
        lost = mine < its if larger else mine > its
        return (grad / 2).where(mine == its, grad).masked_fill(lost, 0)

    return rule


maximum = binary("maximum", numpy.maximum, accepts="bif", numbers="none",
    refusal=_no_complex("maximum"), input=_share(True, True), other=_share(True, False),
    doc="""The larger of two elements; NaN if either is NaN.

    >>> torch.maximum(torch.tensor([1., 5.]), torch.tensor([3., torch.nan]))
    tensor([3., nan])""",
    methods="maximum")  # fmt: skip

minimum = binary("minimum", numpy.minimum, accepts="bif", numbers="none",
    refusal=_no_complex("minimum"), input=_share(False, True), other=_share(False, False),
    doc="""The smaller of two elements; NaN if either is NaN.

    >>> torch.minimum(torch.tensor([1., 5.]), torch.tensor([3., 4.]))
    tensor([1., 4.])""",
    methods="minimum")  # fmt: skip


def _fmax_takes_input(input: Any, other: Any) -> Any:
    return (input >= other) | other.isnan()


def _fmin_takes_input(input: Any, other: Any) -> Any:
    return (input <= other) | other.isnan()


fmax = binary("fmax", numpy.fmax, accepts="bif", numbers="none", refusal=_no_complex("fmax"),
    input=lambda grad, input, other: grad.masked_fill(~_fmax_takes_input(input, other), 0),
    other=lambda grad, input, other: grad.masked_fill(_fmax_takes_input(input, other), 0),
    doc="""The larger of two elements; NaN only if both are NaN.

    >>> torch.fmax(torch.tensor([1., torch.nan]), torch.tensor([3., 4.]))
    tensor([3., 4.])""",
    methods="fmax")  # fmt: skip

fmin = binary("fmin", numpy.fmin, accepts="bif", numbers="none", refusal=_no_complex("fmin"),
    input=lambda grad, input, other: grad.masked_fill(~_fmin_takes_input(input, other), 0),
    other=lambda grad, input, other: grad.masked_fill(_fmin_takes_input(input, other), 0),
    doc="""The smaller of two elements; NaN only if both are NaN.

    >>> torch.fmin(torch.tensor([1., torch.nan]), torch.tensor([3., 4.]))
    tensor([1., 4.])""",
    methods="fmin")  # fmt: skip


# ---- replacing what is not finite

_nan_to_num = Op("nan_to_num", kernels.finite, params=("nan", "posinf", "neginf"),
    widen=True, shape=pointwise_shape(kernels.finite), jvp=POINTWISE, batch=POINTWISE,
    vjp={"input": lambda grad, input: grad.masked_fill(~input.isfinite(), 0)})  # fmt: skip


@method("nan_to_num nan_to_num_")
def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Replaces NaN by ``nan`` (0) and infinities by ``posinf`` and ``neginf``.

    None stands for the largest and smallest finite numbers of the dtype. Of any shape and dtype;
    integers are copied.

    >>> torch.nan_to_num(torch.tensor([torch.nan, torch.inf, 1.]), posinf=9.)
    tensor([0., 9., 1.])
    """
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            f"nan_to_num: dtype of out: {scalar_name(out.dtype)} should be same as input: "
            f"{scalar_name(input.dtype)}"
        )
    result = _nan_to_num(input, *_replacements(input.dtype, nan, posinf, neginf))
    return deliver("nan_to_num", result, out)


def _replacements(of: dtype, nan: Any, posinf: Any, neginf: Any) -> tuple[float, float, float]:
    if of.rank < 2:
        return 0.0, 0.0, 0.0
    info = finfo(of.to_real())
    return (
        0.0 if nan is None else nan,
        info.max if posinf is None else posinf,
        info.min if neginf is None else neginf,
    )


# What PyTorch does not record: these gradients only ask where the input is larger.
for _op in (_clamp, _nan_to_num, maximum.op, minimum.op, fmax.op, fmin.op):  # type: ignore
    _op.linked = False

__all__ = exported(globals())
