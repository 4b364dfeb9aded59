"""What views do, with memory of its own: ``*_copy`` and ``*_scatter``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.layout import contiguous_format
from flambeau.core.op import LINEAR, SAME, Op, wrap_dim
from flambeau.core.publish import aten, exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.quiet import silence
from flambeau.kernels.shared import views as kernels
from flambeau.ops.geometry import check_slice, slice_bounds
from flambeau.ops.pointwise.complex import view_as_complex, view_as_real
from flambeau.ops.slicing import diagonal_op, select_op, slice_op
from flambeau.ops.views import alias_op

# ---- copies of views


def _copied(name: str, view: Any, out: Any) -> Any:
    """The view with memory of its own, or ``out`` filled with it."""
    if out is not None:
        delivered = deliver(name, view, out, exact=True)
        return delivered if isinstance(view, Tensor) else None
    return _clone(view) if isinstance(view, Tensor) else tuple(map(_clone, view))


def _clone(tensor: Any) -> Any:
    return tensor.clone(memory_format=contiguous_format)


def alias_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input``.

    >>> torch.alias_copy(torch.tensor([1, 2]))
    tensor([1, 2])
    """
    return _copied("alias_copy", alias_op(input), out)


def as_strided_copy(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input.as_strided(size, stride, storage_offset)``.

    RuntimeError beyond the memory of ``input``.

    >>> torch.as_strided_copy(torch.arange(4), (2, 2), (1, 1))
    tensor([[0, 1],
            [1, 2]])
    """
    view = input.as_strided(size, stride, storage_offset)  # type: ignore[attr-defined]
    return _copied("as_strided_copy", view, out)


def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input`` without history.

    >>> torch.detach_copy(torch.ones(2))
    tensor([1., 1.])
    """
    return _copied("detach_copy", input.detach(), out)  # type: ignore[attr-defined]


def diagonal_copy(
    input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input.diagonal(offset, dim1, dim2)``.

    IndexError for less than two dimensions.

    >>> torch.diagonal_copy(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return _copied("diagonal_copy", input.diagonal(offset, dim1, dim2), out)  # type: ignore


def expand_copy(
    input: Tensor, size: Sequence[int], *, implicit: bool = False, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input.expand(size)``.

    RuntimeError for a shape that ``input`` does not broadcast to.

    >>> torch.expand_copy(torch.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return _copied("expand_copy", input.expand(size), out)  # type: ignore[attr-defined]


@method("narrow_copy")
def narrow_copy(
    input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input.narrow(dim, start, length)``.

    >>> torch.narrow_copy(torch.arange(4), 0, 1, 2)
    tensor([1, 2])
    """
    if dim >= input.ndim > 0:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  "
            "(Could this error message be improved?  If so, please report an enhancement request "
            "to PyTorch.)"
        )
    return _copied("narrow_copy", input.narrow(dim, start, length), out)  # type: ignore


def permute_copy(input: Tensor, dims: Sequence[int], *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.permute(dims)``.

    RuntimeError unless ``dims`` are all dimensions, each once.

    >>> torch.permute_copy(torch.ones(2, 3), (1, 0)).stride()
    (2, 1)
    """
    return _copied("permute_copy", input.permute(dims), out)  # type: ignore[attr-defined]


def select_copy(input: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.select(dim, index)``.

    IndexError for an index out of range.

    >>> torch.select_copy(torch.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([3, 4])
    """
    return _copied("select_copy", input.select(dim, index), out)  # type: ignore[attr-defined]


def slice_copy(
    input: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input[start:end:step]`` along ``dim``.

    >>> torch.slice_copy(torch.arange(6), 0, 1, 5, 2)
    tensor([1, 3])
    """
    return _copied("slice_copy", _slice(input, dim, start, end, step), out)


def split_copy(input: Tensor, split_size: int, dim: int = 0, *, out: Any = None) -> Any:
    """Copies of ``input.split(split_size, dim)``.

    >>> torch.split_copy(torch.arange(4), 3)
    (tensor([0, 1, 2]), tensor([3]))
    """
    return _copied("split_copy", input.split(split_size, dim), out)  # type: ignore[attr-defined]


def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0, *, out: Any = None
) -> Any:
    """Copies of ``input.split_with_sizes(split_sizes, dim)``.

    RuntimeError for sizes with another sum.

    >>> torch.split_with_sizes_copy(torch.arange(4), (1, 3))
    (tensor([0]), tensor([1, 2, 3]))
    """
    pieces = input.split_with_sizes(split_sizes, dim)  # type: ignore[attr-defined]
    return _copied("split_with_sizes_copy", pieces, out)


def squeeze_copy(input: Tensor, dim: Any = None, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.squeeze(dim)``.

    IndexError for a dimension that ``input`` does not have.

    >>> torch.squeeze_copy(torch.ones(1, 2)).shape
    torch.Size([2])
    """
    return _copied("squeeze_copy", input.squeeze(dim), out)  # type: ignore[attr-defined]


def t_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.t()``.

    >>> torch.t_copy(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    return _copied("t_copy", input.t(), out)  # type: ignore[attr-defined]


def transpose_copy(input: Tensor, dim0: int, dim1: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.transpose(dim0, dim1)``.

    IndexError for a dimension that ``input`` does not have.

    >>> torch.transpose_copy(torch.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    return _copied("transpose_copy", input.transpose(dim0, dim1), out)  # type: ignore[attr-defined]


def unbind_copy(input: Tensor, dim: int = 0, *, out: Any = None) -> Any:
    """Copies of ``input.unbind(dim)``.

    IndexError for a tensor without dimensions.

    >>> torch.unbind_copy(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    return _copied("unbind_copy", input.unbind(dim), out)  # type: ignore[attr-defined]


def unfold_copy(
    input: Tensor, dimension: int, size: int, step: int, *, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input.unfold(dimension, size, step)``.

    >>> torch.unfold_copy(torch.arange(4), 0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    return _copied("unfold_copy", input.unfold(dimension, size, step), out)  # type: ignore


def unsqueeze_copy(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.unsqueeze(dim)``.

    IndexError for a place beyond the dimensions.

    >>> torch.unsqueeze_copy(torch.tensor([1, 2]), 0)
    tensor([[1, 2]])
    """
    return _copied("unsqueeze_copy", input.unsqueeze(dim), out)  # type: ignore[attr-defined]


def view_copy(
    input: Tensor, size: Sequence[int] | DType | None = None, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of ``input.reshape(size)``, or of ``input.view(dtype)``.

    RuntimeError for a shape with another number of elements.

    >>> torch.view_copy(torch.arange(4), (2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    if dtype is None and not isinstance(size, DType):
        return _copied("view_copy", input.reshape(size), out)  # type: ignore[attr-defined]
    return _copied("view_copy", input.view(dtype or size), out)  # type: ignore[attr-defined]


def view_as_real_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``view_as_real(input)``.

    RuntimeError for real tensors.

    >>> torch.view_as_real_copy(torch.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    return _copied("view_as_real_copy", view_as_real(input), out)


def view_as_complex_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``view_as_complex(input)``.

    RuntimeError unless the last dimension has size 2.

    >>> torch.view_as_complex_copy(torch.tensor([[1., 2.]]))
    tensor([1.+2.j])
    """
    return _copied("view_as_complex_copy", view_as_complex(input), out)


# ---- copies with other elements in a view


def _scatter(name: str, kernel: Callable[..., Any], params: tuple[str, ...], **vjp: Any) -> Op:
    return Op(name, kernel, inputs=("input", "src"), params=params, jvp=LINEAR, shape=SAME, vjp=vjp,
              doc=f"The input with other elements in a view: see ``{name}``.")  # fmt: skip


_select_scatter = _scatter("select_scatter", kernels.select_scatter, ("dim", "index"),
    input=lambda grad, src_shape, dim, index:
        _select_scatter(grad, grad.new_zeros(src_shape), dim, index),
    src=lambda grad, dim, index: select_op(grad, dim, index))  # fmt: skip


@method("select_scatter")
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of ``input`` with ``src`` at one index of a dimension.

    RuntimeError where ``src`` has another shape.

    >>> torch.zeros(2, 2).select_scatter(torch.ones(2), 0, 1).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    check_slice(src, tuple(input.detach().select(dim, index).shape))  # type: ignore[attr-defined]
    return _select_scatter(input, src.to(input.dtype), wrap_dim(dim, input.ndim), index)  # type: ignore


_slice_scatter = _scatter("slice_scatter", kernels.slice_scatter, ("dim", "start", "end", "step"),
    input=lambda grad, src_shape, dim, start, end, step:
        _slice_scatter(grad, grad.new_zeros(src_shape), dim, start, end, step),
    src=lambda grad, dim, start, end, step: slice_op(grad, dim, start, end, step))  # fmt: skip


@aten("slice")
def _slice(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The view ``start:end:step`` of a dimension.

    >>> torch.ops.aten.slice(torch.arange(5), 0, 1, None, 2)
    tensor([1, 3])
    """
    dim = wrap_dim(dim, input.ndim)
    return slice_op(input, dim, *_bounds(input, dim, start, end, step), step)


def _bounds(input: Tensor, dim: int, start: Any, end: Any, step: int) -> tuple[int, int]:
    if not input.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return slice_bounds(input._array.shape[dim], start, end, step)


@method("slice_scatter")
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input`` with ``src`` at ``start:end:step`` along a dimension.

    RuntimeError where ``src`` has another shape.

    >>> torch.zeros(3).slice_scatter(torch.ones(2), 0, 1).tolist()
    [0.0, 1.0, 1.0]
    """
    dim = wrap_dim(dim, input.ndim)
    first, last = _bounds(input, dim, start, end, step)
    check_slice(src, tuple(slice_op(input.detach(), dim, first, last, step).shape))  # type: ignore
    result = _slice_scatter(input, src.to(input.dtype), dim, first, last, step)  # type: ignore
    return deliver("slice_scatter", result, out, exact=True)


_diagonal_scatter = _scatter("diagonal_scatter", kernels.diagonal_scatter,
    ("offset", "dim1", "dim2"),
    input=lambda grad, src_shape, offset, dim1, dim2:
        _diagonal_scatter(grad, grad.new_zeros(src_shape), offset, dim1, dim2),
    src=lambda grad, offset, dim1, dim2: diagonal_op(grad, offset, dim1, dim2))  # fmt: skip


@method("diagonal_scatter")
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of ``input`` with ``src`` on a diagonal.

    ``src`` has the shape of the diagonal; RuntimeError otherwise.

    >>> torch.zeros(2, 2).diagonal_scatter(torch.ones(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    check_slice(src, tuple(input.detach().diagonal(offset, dim1, dim2).shape))  # type: ignore
    first, second = wrap_dim(dim1, input.ndim), wrap_dim(dim2, input.ndim)
    return _diagonal_scatter(input, src.to(input.dtype), offset, first, second)  # type: ignore


__all__ = exported(globals())
silence(globals())
