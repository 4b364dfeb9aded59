"""Views that split a tensor into several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from flambeau.core.dtype import int64, scalar_name
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LINEAR, Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.kernels.quiet import silence
from flambeau.ops.geometry import ints
from flambeau.ops.joining import cat, stack
from flambeau.ops.slicing import selected_array, slice_op, sliced_array

Tensors = tuple[Tensor, ...]
Places = int | Sequence[int] | Tensor | None


# ---- pieces of given lengths


def _split_array(array: Any, dim: int, lengths: tuple[int, ...]) -> tuple[Any, ...]:
    start, pieces = 0, []
    for length in lengths:
        pieces.append(sliced_array(array, dim, start, start + length, 1))
        start += length
    return tuple(pieces)


def _rejoined(grad: Any, input_shape: tuple[int, ...], dim: int, lengths: Any) -> Any:
    """The gradients of the pieces as one; zeros where a piece was not used."""
    like = next((g for g in grad if g is not None), None)
    if like is None:
        return (None,)
    shape, pieces = list(input_shape), []
    for piece, length in zip(grad, lengths, strict=True):
        shape[dim] = length
        pieces.append(like.new_zeros(shape) if piece is None else piece)
    return (cat(pieces, dim),)


def _splitter(name: str, view: bool = True) -> Op:
    return Op(
        name, _split_array, dims=("dim",), params=("lengths",), jvp=LINEAR, outputs=None,
        view=view, vjp=_rejoined, doc="The pieces of given lengths along a dimension.",
    )  # fmt: skip


_split, _split_with_sizes = _splitter("split"), _splitter("split_with_sizes")
_unsafe_split = _splitter("unsafe_split", view=False)
_unsafe_split_with_sizes = _splitter("unsafe_split_with_sizes", view=False)


@method("split")
def _split_method(self: Tensor, split_size: int | Sequence[int], dim: int = 0) -> Tensors:
    """Views of pieces of one size (the last may be smaller), or of given sizes, along ``dim``."""
    return split(self, split_size, dim)


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> Tensors:
    """Views of pieces of one size (the last may be smaller), or of given sizes, along ``dim``.

    RuntimeError for sizes with another sum, or negative ones.

    >>> [piece.tolist() for piece in torch.arange(5).split(2)]
    [[0, 1], [2, 3], [4]]
    """
    if isinstance(split_size_or_sections, tuple | list):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    return _split(tensor, dim, _even(tensor, int(split_size_or_sections), dim))


def _even(tensor: Tensor, size: int, dim: int) -> tuple[int, ...]:
    """The lengths of pieces of one size along a dimension."""
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    total = tensor._array.shape[wrap_dim(dim, tensor.ndim)]
    if not size:
        if total:
            raise RuntimeError(
                "split_size can only be 0 if dimension size is 0, but got dimension size of "
                f"{total}"
            )
        return (0,)
    full, rest = divmod(total, size)
    return (size,) * full + ((rest,) if rest or not full else ())


@method("split_with_sizes")
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Tensors:
    """Views of pieces of the given sizes along ``dim``.

    RuntimeError for sizes with another sum.

    >>> [piece.tolist() for piece in torch.arange(4).split_with_sizes([1, 3])]
    [[0], [1, 2, 3]]
    """
    return _split_with_sizes(input, dim, _given(input, split_sizes, dim))


def _given(input: Tensor, split_sizes: Sequence[int], dim: int) -> tuple[int, ...]:
    lengths = ints((tuple(split_sizes),))
    if not input.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, input.ndim)
    size = input._array.shape[dim]
    if any([n < 0 for n in lengths]):
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={list(lengths)}"
        )
    total = 0
    for n in lengths:
        total += n
    if total != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size "
            f"at dimension {dim}), but got split_sizes={list(lengths)}"
        )
    return lengths


@method("unsafe_split")
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> Tensors:
    """The same as ``split``, with pieces that do not count as views: they may be written to, if
    the original is not used any more.

    >>> torch.unsafe_split(torch.arange(4), 3)
    (tensor([0, 1, 2]), tensor([3]))
    """
    return _unsafe_split(input, dim, _even(input, split_size, dim))


@method("unsafe_split_with_sizes")
def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Tensors:
    """The same as ``split_with_sizes``, with pieces that do not count as views.

    RuntimeError for sizes with another sum.

    >>> torch.unsafe_split_with_sizes(torch.arange(4), (1, 3))
    (tensor([0]), tensor([1, 2, 3]))
    """
    return _unsafe_split_with_sizes(input, dim, _given(input, split_sizes, dim))


@method("chunk")
@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> Tensors:
    """At most ``chunks`` views of one size along ``dim``; the last may be smaller.

    RuntimeError for no pieces.

    >>> [piece.tolist() for piece in torch.arange(7).chunk(5)]
    [[0, 1], [2, 3], [4, 5], [6]]
    """
    return _chunked(input, chunks, dim, _split, _split_with_sizes)


@method("unsafe_chunk")
@numpy_names
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> Tensors:
    """The same as ``chunk``, with pieces that do not count as views.

    RuntimeError for no pieces.

    >>> torch.unsafe_chunk(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _chunked(input, chunks, dim, _unsafe_split, _unsafe_split_with_sizes)


def _chunked(input: Tensor, chunks: int, dim: int, even: Op, given: Op) -> Tensors:
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input._array.shape[wrap_dim(dim, input.ndim)]
    if not size:
        return given(input, dim, (0,) * chunks)
    return even(input, dim, _even(input, -(-size // chunks), dim))


# ---- pieces between given places


@method("tensor_split")
@numpy_names
def tensor_split(
    input: Tensor,
    indices_or_sections: Places = None,
    dim: int = 0,
    *,
    sections: int | None = None,
    indices: Sequence[int] | None = None,
    tensor_indices_or_sections: Tensor | None = None,
) -> Tensors:
    """Views of nearly equal pieces, or of those between given indices, along ``dim``.

    Along a dimension of any size. RuntimeError for no pieces.

    >>> [piece.tolist() for piece in torch.arange(7).tensor_split(3)]
    [[0, 1, 2], [3, 4], [5, 6]]
    """
    where = _the_one(
        "tensor_split", indices_or_sections, sections, indices, tensor_indices_or_sections
    )
    if not input.ndim:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = wrap_dim(dim, input.ndim)
    size = input._array.shape[dim]
    if isinstance(where, Tensor):
        where = _indices(where)
    if isinstance(where, tuple | list):
        places = [0, *ints((tuple(where),)), None]
    else:
        places = _sections(size, int(where))
    bounds = [slice(*pair).indices(size)[:2] for pair in pairwise(places)]
    return tuple([slice_op(input, dim, start, max(start, end), 1) for start, end in bounds])


def _the_one(name: str, *given: Any) -> Any:
    """Where to split, of which PyTorch's forms have names of their own; TypeError unless one is
    given."""
    there = [g for g in given if g is not None]
    if len(there) != 1:
        shown = ", ".join(["Tensor", *[type(g).__name__ for g in there]])
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({shown})")
    return there[0]


def _sections(size: int, count: int) -> list[Any]:
    if count <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {count}")
    least, larger = divmod(size, count)
    return [i * least + min(i, larger) for i in range(count + 1)]


def _indices(tensor: Tensor) -> Any:
    if tensor.ndim > 1:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
            f"one-dimensional tensor, but got a tensor with {tensor.ndim} dims"
        )
    if tensor.dtype is not int64:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
            f"{scalar_name(tensor.dtype)}"
        )
    return tensor.tolist()  # type: ignore[attr-defined]


def _split_evenly(name: str, input: Tensor, parts: Any, dim: int, least: int) -> Tensors:
    """``hsplit`` and its like: sections have to be of one size."""
    if input.ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {input.ndim} dimensions!"
        )
    if not isinstance(parts, int | tuple | list | Tensor):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (Tensor, "
            f"{type(parts).__name__}), but expected an int or a tuple of ints"
        )
    if isinstance(parts, int):
        size = input._array.shape[dim]
        if parts <= 0 or size % parts:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the "
                f"dimension {size} is not divisible by the split_size {parts}!"
            )
    return tensor_split(input, parts, dim)


@method("hsplit")
def hsplit(
    input: Tensor, indices_or_sections: Places = None, *, sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> Tensors:  # fmt: skip
    """Views of pieces along the second dimension, or along that of a vector.

    A number of equal pieces, or the places where pieces begin; RuntimeError for a tensor without
    dimensions, or a number that does not divide the size.

    >>> torch.hsplit(torch.arange(4), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3]))
    """
    where = _the_one("hsplit", indices_or_sections, sections, indices)
    return _split_evenly("hsplit", input, where, 0 if input.ndim == 1 else 1, 1)


@method("vsplit")
def vsplit(
    input: Tensor, indices_or_sections: Places = None, *, sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> Tensors:  # fmt: skip
    """Views of pieces along the first dimension.

    A number of equal pieces, or the places where pieces begin; RuntimeError for less than two
    dimensions, or a number that does not divide the size.

    >>> torch.vsplit(torch.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))
    """
    where = _the_one("vsplit", indices_or_sections, sections, indices)
    return _split_evenly("vsplit", input, where, 0, 2)


@method("dsplit")
def dsplit(
    input: Tensor, indices_or_sections: Places = None, *, sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> Tensors:  # fmt: skip
    """Views of pieces along the third dimension.

    A number of equal pieces, or the places where pieces begin; RuntimeError for less than three
    dimensions, or a number that does not divide the size.

    >>> [piece.shape for piece in torch.dsplit(torch.ones(1, 1, 4), 2)]
    [torch.Size([1, 1, 2]), torch.Size([1, 1, 2])]
    """
    where = _the_one("dsplit", indices_or_sections, sections, indices)
    return _split_evenly("dsplit", input, where, 2, 3)


# ---- one view for each index


def _unbound(array: Any, dim: int) -> tuple[Any, ...]:
    return tuple([selected_array(array, dim, i) for i in range(array.shape[dim])])


def _restacked(grad: Any, dim: int) -> Any:
    like = next((g for g in grad if g is not None), None)
    if like is None:
        return (None,)
    return (stack([like.new_zeros(like.shape) if g is None else g for g in grad], dim),)


_unbind = Op("unbind", _unbound, dims=("dim",), jvp=LINEAR, outputs=None, view=True,
             vjp=_restacked, doc="A view for each index of a dimension.")  # fmt: skip


@method("unbind")
@numpy_names
def unbind(input: Tensor, dim: int = 0) -> Tensors:
    """A view for each index of a dimension.

    IndexError for a tensor without dimensions.

    >>> [row.tolist() for row in torch.tensor([[1, 2], [3, 4]]).unbind()]
    [[1, 2], [3, 4]]
    """
    if not input.ndim:
        wrap_dim(dim, 0)
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return _unbind(input, dim)


__all__ = exported(globals())
silence(globals())
