"""Tensors overwritten with another's elements, or with one value."""

from __future__ import annotations

from typing import Any

from flambeau.core.dispatch import cast, dispatch, number_array
from flambeau.core.errors import broadcast_error, output_shape_error
from flambeau.core.errors.messages import broadcast_shape
from flambeau.core.fitting import check_fits
from flambeau.core.flips import elements
from flambeau.core.kind import CPU_KINDS, Kind
from flambeau.core.op import LEADING, POINTWISE, SAME, Op
from flambeau.core.publish import exported, method
from flambeau.core.sparse import is_sparse
from flambeau.core.tensor import Tensor
from flambeau.core.views import become, check_write, needs_history
from flambeau.core.writing import mutate, shadow, write
from flambeau.kernels.quiet import silence
from flambeau.kernels.select import META
from flambeau.kernels.shared import copying as kernels
from flambeau.ops.conversion import convert, moved
from flambeau.ops.pointwise.rules import zeros
from flambeau.ops.sparse_filling import fill_sparse

_copy = Op("copy", kernels.copied, inputs=("input", "src"), shape=SAME, batch=LEADING,
           vjp={"input": lambda grad: None, "src": lambda grad: grad},
           jvp=lambda src_t: src_t)  # fmt: skip
_copy.node_type.__name__ = _copy.node_type.__qualname__ = "CopyBackwards"


@method("copy_")
def _copy_into(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Overwrites the tensor with ``other``, broadcast and converted; gradients flow to it."""
    if not isinstance(other, Tensor):
        raise TypeError(
            f"copy_(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}"
        )
    if self.absorb is not None:
        return self.absorb(dispatch(_copy, (self, other)))
    if other.absorb is not None:
        return mutate(_copy, (self, other))
    if needs_history(self, (other,)):
        check_write(self)
        source = other if other.kind is self.kind else convert(other, self.kind)
        result = dispatch(_copy, (shadow(self, False), source))
        write(self, result._array)
        become(self, result)
        return self
    kind, given = self._kind or self.kind, other._kind or other.kind
    array = elements(other)
    if kind.place == META or given.place == META:
        if kind.place != META:
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        write(self, array)
        return self
    if given is not kind:
        array = moved(_cast_for(array, given, kind), kind)
    try:
        write(self, array)
    except ValueError:
        raise _copy_error(self, other) from None
    return self


def _cast_for(array: Any, given: Kind, kind: Kind) -> Any:
    return array if given.array_type == kind.array_type else cast(array, kind.dtype)


def _copy_error(self: Tensor, src: Tensor) -> RuntimeError:
    together = broadcast_shape([self.shape, src.shape])
    if together is None:
        return broadcast_error([self.shape, src.shape])
    return output_shape_error(self.shape, together)


_fill = Op("fill", kernels.filled, params=("value",), shape=SAME, batch=POINTWISE,
           vjp={"input": lambda grad: None}, jvp=lambda input_t: zeros(input_t))  # fmt: skip


@method("fill_")
def _fill_with(self: Tensor, value: Any) -> Tensor:
    """Overwrites every element with one value, a number or a tensor without dimensions."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value.ndim} dimensions."
            )
        return self.copy_(value)  # type: ignore[attr-defined]
    kind = self._kind or self.kind
    if kind.dtype.rank == 1 or type(value) is not int:
        check_fits(value, kind.dtype)
    if self.absorb is not None:
        return self.absorb(dispatch(_fill, (self,), (number_array(value, kind).item(),)))
    if is_sparse(self):
        return fill_sparse(self, value)
    if not needs_history(self, ()):
        write(self, number_array(value, kind) if kind.place != META else value)
        return self
    check_write(self)
    number = number_array(value, CPU_KINDS[kind.dtype]).item()
    result = dispatch(_fill, (shadow(self, False),), (number,))
    write(self, result._array)
    become(self, result)
    return self


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like ``input`` with every element equal to ``value``.

    Of any shape and dtype; ``value`` is a number or a tensor without dimensions. RuntimeError for
    others.

    >>> torch.fill(torch.zeros(2), 3)
    tensor([3., 3.])
    """
    return input.clone().fill_(value)  # type: ignore[attr-defined]


@method("zero_")
def _zero(self: Tensor) -> Tensor:
    """Overwrites every element with 0."""
    return self.fill_(0)  # type: ignore[attr-defined]


def zero_(input: Tensor) -> Tensor:
    """Overwrites every element with 0."""
    return input.fill_(0)  # type: ignore[attr-defined]


def fill_(input: Tensor, value: Any) -> Tensor:
    """Overwrites every element with ``value``."""
    return input.fill_(value)  # type: ignore[attr-defined]


__all__ = exported(globals())
silence(globals())
