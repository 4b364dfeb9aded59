"""Views of any shape and strides, and the history of in-place writes to views.

``as_strided`` looks at the memory of a tensor in any way; ``as_strided_scatter`` writes through
such a view, out of place. A write to a view makes its base the result of the second, and the view
the result of the first (``core/views.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core import views
from flambeau.core.families import ViewOp
from flambeau.core.flips import CONJ, NEG
from flambeau.core.graph import Node, make_node
from flambeau.core.op import LINEAR, Op
from flambeau.core.publish import exported, method
from flambeau.core.storage import as_strided as strided_array
from flambeau.core.tensor import Tensor, wrap
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import views as kernels
from flambeau.ops.geometry import check_slice, geometry, in_place_view

# ---- moving elements between two geometries of one memory


def _span(shape: Any, stride: Any, offset: int, of: Any) -> int:
    """How many bytes a geometry reaches over, from the start of the memory."""
    last = offset + sum([(n - 1) * s for n, s in zip(shape, stride)])
    return 0 if 0 in shape else (last + 1) * of.itemsize


def _batch_strided(op: Op, *given: Any) -> Tensor:
    """The memories of the examples lie one after the other."""
    *tensors, source, target = given
    size = tensors[0].shape[0]
    step = -(-max(_span(*source), _span(*target)) // 16) * 16
    both = [
        ((size, *shape), (step // of.itemsize, *stride), offset, of)
        for shape, stride, offset, of in (source, target)
    ]
    return op(*tensors, *both)


_gather = Op("strided_gather", kernels.strided_gather, params=("source", "target"), jvp=LINEAR,
    node="AsStrided",
    batch=_batch_strided,
    vjp={"input": lambda grad, source, target: _put(grad, source, target)},
    shape=lambda x, source, target: (target[0], target[3]),
    doc="The elements of one geometry out of a memory that holds the input as another.",
)  # fmt: skip

_put = Op("strided_put", kernels.strided_put, params=("source", "target"), jvp=LINEAR,
    batch=_batch_strided,
    vjp={"input": lambda grad, source, target: _gather(grad, source, target)},
    shape=lambda grad, source, target: (source[0], source[3]),
    doc="Adds the input into a zero memory in one geometry, and sees it in another.")  # fmt: skip

_replace = Op("strided_replace", kernels.strided_replace, inputs=("input", "src"),
    params=("source", "target"), jvp=LINEAR, node="AsStridedScatter", batch=_batch_strided,
    vjp={"input": lambda grad, src_shape, source, target:
            _replace(grad, _no_gradient(grad, src_shape, target), source, target),
         "src": lambda grad, source, target: _gather(grad, source, target)},
    shape=lambda x, src, source, target: x.shape,
    doc="The input with other values at the elements of a geometry of its memory.")  # fmt: skip

_write = Op("strided_write", kernels.strided_replace, inputs=("input", "src"),
    params=("source", "target"), jvp=LINEAR, vjp=_replace.formulas, batch=_batch_strided,
    doc="The history of a base whose view was written to.")  # fmt: skip
_write.node_type.__name__ = _write.node_type.__qualname__ = "CopySlices"


def _no_gradient(grad: Tensor, shape: tuple[int, ...], target: tuple[Any, ...]) -> Tensor:
    """Zeros for the elements that were overwritten."""
    return grad.new_zeros(shape, dtype=grad.kind.family[target[3]].dtype)


def _as_strided_array(array: Any, size: Any, stride: Any, storage_offset: int, source: Any) -> Any:
    return strided_array(array, size, stride, storage_offset)


def _batch_as_strided(op: Op, input: Any, size: Any, stride: Any, offset: int, source: Any) -> Any:
    """The strides are those of the memory; examples are as far apart as those of the input."""
    if type(input) is Tensor:
        offset += input.storage_offset()  # type: ignore[attr-defined]
    return as_strided(input, (input.shape[0], *size), (input.stride(0), *stride), offset)


_as_strided = ViewOp("as_strided", _as_strided_array, batch=_batch_as_strided,
    params=("size", "stride", "storage_offset", "source"),
    vjp={"input": lambda grad, size, stride, storage_offset, source:
        _put(grad, source, (size, stride, storage_offset, source[3]))},
    doc="A view of any shape and strides.")  # fmt: skip


@in_place_view("as_strided_")
@method("as_strided")
def as_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A view of the memory of ``input`` with the given shape, strides and offset, in elements.

    Raises RuntimeError for negative strides, and where an element would lie outside the memory.

    >>> torch.arange(6).as_strided((2, 2), (1, 2), 1).tolist()
    [[1, 3], [2, 4]]
    """
    source = geometry(input._array)
    size, stride, storage_offset = _checked(size, stride, storage_offset, source[2])
    return _as_strided(input, size, stride, storage_offset, source)


def _checked(size: Any, stride: Any, storage_offset: int | None, default: int) -> Any:
    size, stride = tuple(map(int, size)), tuple(map(int, stride))
    storage_offset = default if storage_offset is None else int(storage_offset)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any([s < 0 for s in stride]):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(stride)}"
        )
    if any([n < 0 for n in size]):
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(size)} and "
            f"strides={list(stride)}"
        )
    if storage_offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {storage_offset}")
    return size, stride, storage_offset


@method("as_strided_scatter")
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """``input`` with ``src`` written through ``as_strided(size, stride, storage_offset)``.

    RuntimeError beyond the memory of ``input``.

    >>> torch.zeros(4).as_strided_scatter(torch.ones(2), (2,), (2,)).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    source = geometry(input._array)
    size, stride, storage_offset = _checked(size, stride, storage_offset, source[2])
    check_slice(src, size)
    target = (size, stride, storage_offset, source[3])
    strided_array(input._array, size, stride, storage_offset)  # raises when out of bounds
    return _replace(input, src.to(input.dtype), source, target)


@method("slice_inverse")
def slice_inverse(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None,
    step: int = 1,
) -> Tensor:  # fmt: skip
    """The tensor that ``input`` was sliced from: its memory, seen as ``src`` sees its own.

    Of any dtype; RuntimeError where the memory of ``input`` is smaller.

    >>> x = torch.arange(4)
    >>> torch.slice_inverse(x[0:2], x, 0, 0, 2)
    tensor([0, 1, 2, 3])
    """
    shape, stride, offset = geometry(src._array)[:3]
    return input.as_strided(shape, stride, offset)  # type: ignore[attr-defined]


# ---- in-place writes to views


def _scatter_node(base: Tensor, value: Tensor, like: Tensor) -> Node | None:
    """The history of `base` after `value` was written to its view `like`."""
    memory, value = _turned(base, base._flips), _turned(value, like._flips)
    arrays = base._array, like._array
    node = make_node(_write, (base,), (memory, value), tuple([geometry(a) for a in arrays]))
    return _seen(node, base)


def _slice_node(base: Tensor, like: Tensor) -> Node | None:
    """The history of the view `like` of `base`, whose own history is out of date."""
    source, target = geometry(base._array), geometry(like._array)
    memory = _turned(base, base._flips)
    if source[3] is target[3]:
        node = make_node(_as_strided, (like,), (memory,), (*target[:3], source))
    else:
        node = make_node(_gather, (like,), (memory,), (source, target))
    return _seen(node, like)


def _turned(tensor: Tensor, flips: int) -> Tensor:
    """A tensor conjugated and negated, lazily: what the memory holds if it reads as the tensor."""
    if flips & CONJ:
        tensor = tensor.conj()  # type: ignore[attr-defined]
    return tensor._neg_view() if flips & NEG else tensor  # type: ignore[attr-defined]


def _seen(node: Node, like: Tensor) -> Node | None:
    """The history of a tensor over memory that has a history."""
    if not like._flips:
        return node
    memory = wrap(like._array, like.kind)
    memory._node = node
    return _turned(memory, like._flips)._node


views.scatter, views.slice_of = _scatter_node, _slice_node

as_strided_ = Tensor.as_strided_  # type: ignore[attr-defined]

__all__ = [*exported(globals()), "as_strided_"]
silence(globals())
