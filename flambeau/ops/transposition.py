"""Views with the dimensions in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.families import ViewOp
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import wrap_dim
from flambeau.core.publish import exported, method, named
from flambeau.core.storage import strides
from flambeau.core.tensor import Tensor, wrap_view
from flambeau.kernels.quiet import silence
from flambeau.ops.geometry import in_place_view, ints, strided

Dims = int | Sequence[int]


def _transposed(array: Any, dim0: int, dim1: int) -> Any:
    if array.size and array.ndim:
        return array.swapaxes(dim0, dim1)
    order = list(range(array.ndim))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permuted(array, tuple(order))


def _permuted(array: Any, dims: tuple[int, ...]) -> Any:
    if array.size:
        return array.transpose(dims)
    shape, steps = array.shape, strides(array)
    return strided(array, [shape[d] for d in dims], [steps[d] for d in dims])


_transpose = ViewOp("transpose", _transposed, dims=("dim0", "dim1"),
    vjp={"input": lambda grad, dim0, dim1: grad.transpose(dim0, dim1)})  # fmt: skip
_t = ViewOp("t", _transposed, dims=("dim0", "dim1"),
    vjp={"input": lambda grad, dim0, dim1: grad.transpose(dim0, dim1)})  # fmt: skip
_permute = ViewOp("permute", _permuted, params=("dims",),
    batch=lambda op, input, dims: op(input, (0, *[d + 1 for d in dims])),
    vjp={"input": lambda grad, dims: grad.permute(_inverse(dims))})  # fmt: skip


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@in_place_view("transpose_ swapdims_")
@method("transpose swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view of ``input`` with dimensions ``dim0`` and ``dim1`` swapped.

    IndexError for a dimension that ``input`` does not have.

    >>> torch.ones(2, 3).transpose(0, 1).shape
    torch.Size([3, 2])
    """
    kind = input._kind
    if kind is not None and not flags.active:
        array = input._array
        if array.size:
            try:
                result = wrap_view(array.swapaxes(dim0, dim1), kind, input)
            except (ValueError, TypeError):
                return _transpose(input, _int("transpose", dim0), _int("transpose", dim1))
            if input._node is not None and modes.grad:
                record(_transpose, result, (input,), (dim0, dim1))
            return result
    return _transpose(input, dim0, dim1)


def _int(function: str, value: Any) -> int:
    if not hasattr(value, "__index__"):
        raise TypeError(
            f"{function}(): argument 'dim0' (position 1) must be int, not {type(value).__name__}"
        )
    return int(value)


@in_place_view("swapaxes_")
@method("swapaxes")
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """The same as ``transpose``.

    IndexError for a dimension that ``input`` does not have.

    >>> torch.swapaxes(torch.ones(2, 3), 0, 1).shape
    torch.Size([3, 2])
    """
    return transpose(input, axis0, axis1)


swapdims = named(transpose, "swapdims", """The same as ``transpose``.

    >>> torch.swapdims(torch.ones(2, 3), 0, 1).shape
    torch.Size([3, 2])""")  # fmt: skip


@in_place_view("t_")
@method("t")
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; tensors of 0 and 1 dimensions come back as views of themselves.

    RuntimeError for more than two dimensions.

    >>> torch.tensor([[1, 2], [3, 4]]).t().tolist()
    [[1, 3], [2, 4]]
    """
    ndim = input.ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return _t(input, 0, 1 if ndim == 2 else 0)


def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """A view of ``input`` with its dimensions in the order ``dims``.

    RuntimeError unless ``dims`` are all dimensions, each once.

    >>> torch.ones(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    dims, ndim = ints((dims,)), input.ndim
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal "
            f"to len(dims) = {len(dims)}"
        )
    dims = tuple([d if 0 <= d < ndim else wrap_dim(d, ndim) for d in dims])
    if len(set(dims)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return _permute(input, dims)


@method("permute")
def _permute_method(self: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """A view with the dimensions in the order ``dims``, given one by one or as a sequence."""
    return permute(self, ints(sizes) if dims is None else dims)


@method("movedim moveaxis")
def movedim(input: Tensor, source: Dims, destination: Dims) -> Tensor:
    """A view of ``input`` with dimensions ``source`` at ``destination``, the others in order.

    RuntimeError for one dimension twice, or other numbers of sources than destinations.

    >>> torch.ones(2, 3, 4).movedim(0, -1).shape
    torch.Size([3, 4, 2])
    """
    sources = ints(source if isinstance(source, tuple | list) else (source,))
    places = ints(destination if isinstance(destination, tuple | list) else (destination,))
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should "
            f"contain the same number of dims as destination ({list(places)} dims)"
        )
    ndim = input.ndim
    wrapped = [_unrepeated(d, ndim, n) for d, n in ((sources, "source"), (places, "destination"))]
    order: list[Any] = [None] * ndim
    for place, dim in zip(wrapped[1], wrapped[0], strict=True):
        order[place] = dim
    rest = iter([d for d in range(ndim) if d not in wrapped[0]])
    return _permute(input, tuple([next(rest) if d is None else d for d in order]))


def _unrepeated(dims: tuple[int, ...], ndim: int, name: str) -> list[int]:
    wrapped = [wrap_dim(d, ndim) for d in dims]
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(dims)})")
    return wrapped if ndim else []


moveaxis = named(movedim, "moveaxis", """The same as ``movedim``.

    >>> torch.moveaxis(torch.ones(2, 3, 4), 0, -1).shape
    torch.Size([3, 4, 2])""")  # fmt: skip


@method("adjoint")
def adjoint(input: Tensor) -> Tensor:
    """The conjugate of ``input`` with its last two dimensions swapped.

    ``[*, n, m]`` gives ``[*, m, n]``; RuntimeError for a vector.

    >>> torch.adjoint(torch.tensor([[1j, 2]]))
    tensor([[0.-1.j],
            [2.-0.j]])
    """
    return _conjugate_transpose(input, "adjoint()")


def _conjugate_transpose(self: Tensor, name: str) -> Tensor:
    if self.ndim == 1 or (self.ndim == 0 and name != "adjoint()"):
        raise _no_matrix(self, name)
    swapped = transpose(self, -2, -1) if self.ndim else self[...]
    return swapped.conj() if self.is_complex() else swapped


def _no_matrix(self: Tensor, name: str) -> RuntimeError:
    return RuntimeError(
        f"tensor.{name} is only supported on matrices or batches of matrices. Got {self.ndim}-D "
        "tensor."
    )


def _reversed(self: Tensor) -> Tensor:
    """A view with the dimensions in reverse order."""
    if self.ndim == 2:
        return permute(self, (1, 0))
    return permute(self, tuple(range(self.ndim))[::-1])


def _matrix_transpose(self: Tensor) -> Tensor:
    """A view with the last two dimensions swapped."""
    if self.ndim < 2:
        if self.ndim:
            raise _no_matrix(self, "mT")
        return self
    return transpose(self, -2, -1)


def _matrix_adjoint(self: Tensor) -> Tensor:
    """The conjugate with the last two dimensions swapped."""
    return _conjugate_transpose(self, "mH")


def _adjoint_of_matrix(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if self.ndim not in (0, 2):
        hint = " For batches of matrices, consider using tensor.mH" if self.ndim > 2 else ""
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.{hint}"
        )
    return _conjugate_transpose(self, "adjoint()")


Tensor.T, Tensor.mT = property(_reversed), property(_matrix_transpose)  # type: ignore
Tensor.mH, Tensor.H = property(_matrix_adjoint), property(_adjoint_of_matrix)  # type: ignore


__all__ = [*exported(globals()), "moveaxis", "swapdims"]
silence(globals())
