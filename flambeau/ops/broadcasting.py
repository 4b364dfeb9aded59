"""Shapes made equal: tensors repeated without copying, and what undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.errors.messages import broadcast_error, broadcast_shape, expand_error
from flambeau.core.families import ViewOp
from flambeau.core.publish import exported, method
from flambeau.core.size import Size
from flambeau.core.storage import strides
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import views as kernels
from flambeau.ops.geometry import all_ints, ints, strided
from flambeau.ops.reshaping import reshaped, view_op


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which tensors of these shapes are broadcast.

    Shapes are sequences of integers, or integers; RuntimeError where they do not fit.

    >>> torch.broadcast_shapes((2, 1), (3,), 1)
    torch.Size([2, 3])
    """
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    for shape in given:
        if any(n < 0 for n in shape):
            raise ValueError("Attempting to broadcast a dimension with negative length!")
    together: list[int] = []
    for index, shape in enumerate(given):
        wider = broadcast_shape([together, shape])
        if wider is None:
            raise _mismatch(together, shape, index)
        together = wider
    return Size(together)


def _mismatch(together: list[int], shape: tuple[int, ...], index: int) -> RuntimeError:
    pairs = zip(reversed(together), reversed(shape))
    dim = next(i for i, (n, m) in enumerate(pairs, 1) if n != m and 1 not in (n, m))
    return RuntimeError(
        f"Attempting to broadcast a dimension of length {shape[-dim]} at -{dim}! Mismatching "
        f"argument at index {index} had {shape}; but expected shape should be broadcastable to "
        f"{together}"
    )


def _expanded(array: Any, target: tuple[int, ...]) -> Any:
    if not array.ndim:
        return strided(array, target, (0,) * len(target))
    return strided(array, target, kernels.expanded_strides(array.shape, strides(array), target))


def _batch_expand(op: Any, input: Tensor, target: tuple[int, ...]) -> Tensor:
    size, *own = input.shape
    wide = reshaped(input, (size, *[1] * (len(target) - len(own)), *own))
    return op(wide, (size, *target))


expand = ViewOp("expand", _expanded, params=("target",), batch=_batch_expand,
    vjp={"input": lambda grad, input_shape: grad.sum_to_size(input_shape)})  # fmt: skip


@method("expand")
def _expand_method(self: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """A view with dimensions of size 1 repeated, and new leading ones; -1 keeps a size.

    >>> torch.ones(3, 1).expand(-1, 4).shape
    torch.Size([3, 4])
    """
    return broadcast_to(self, all_ints("expand", sizes if size is None else (size,)))


@method("broadcast_to")
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """A view of ``input`` with dimensions of size 1 repeated, and new leading ones.

    RuntimeError for a shape that ``input`` does not broadcast to.

    >>> torch.arange(3).broadcast_to((2, 3)).tolist()
    [[0, 1, 2], [0, 1, 2]]
    """
    size, shape = ints((tuple(size),)), input._array.shape
    missing = len(size) - len(shape)
    if missing < 0:
        raise expand_error(shape, size, input.kind.type_name)
    target = []
    for dim, n in enumerate(size):
        old = 1 if dim < missing else shape[dim - missing]
        if n == -1 and dim >= missing:
            n = old
        elif n < 0 or (old != n and old != 1):
            raise expand_error(shape, size, input.kind.type_name)
        target.append(n)
    return expand(input, tuple(target))


@method("expand_as")
def _expand_as(self: Tensor, other: Tensor) -> Tensor:
    """The same as ``expand(other.shape)``."""
    return broadcast_to(self, other.shape)


@method("sum_to_size")
def _sum_to_size(self: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """The sum over the dimensions along which ``size`` would be expanded to this tensor's shape.

    >>> torch.ones(2, 3).sum_to_size(1, 3).tolist()
    [[2.0, 2.0, 2.0]]
    """
    target = all_ints("sum_to_size", sizes if size is None else (size,))
    shape = tuple(self.shape)
    missing = len(shape) - len(target)
    if missing < 0 or any([n not in (1, m) for n, m in zip(target, shape[missing:], strict=True)]):
        raise RuntimeError(f"size {{{list(target)}}} is not expandable to size {{{list(shape)}}}.")
    if not target:
        return self.sum()  # type: ignore[attr-defined]
    kept = [missing + d for d, n in enumerate(target) if n == 1 != shape[missing + d]]
    result = self
    if missing or kept:
        result = result.sum((*range(missing), *kept), keepdim=True)  # type: ignore[attr-defined]
    return view_op(result, target) if missing else result


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All tensors expanded to their common shape; RuntimeError if there is none.

    >>> [t.shape for t in torch.broadcast_tensors(torch.ones(3), torch.ones(2, 1))]
    [torch.Size([2, 3]), torch.Size([2, 3])]
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    shapes = [t._array.shape for t in tensors]
    common = broadcast_shape(shapes)
    if common is None:
        raise broadcast_error(shapes)
    return tuple([t if list(t.shape) == common else broadcast_to(t, common) for t in tensors])


__all__ = exported(globals())
silence(globals())
