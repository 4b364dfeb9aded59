"""Largest and smallest elements, and where they are."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import bool_, scalar_name
from flambeau.core.families import canonical, reduced, reduction
from flambeau.core.numpy_names import chosen, numpy_names
from flambeau.core.op import Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import reductions as kernels
from flambeau.ops.pointwise.selection import maximum, minimum
from flambeau.ops.reductions import Dims


def _shared(grad: Tensor, input: Tensor, result: Tensor, dims: Any, keepdim: bool) -> Tensor:
    """The gradient goes in equal parts to all elements equal to the extreme."""
    top = result._spread(input.shape, dims, keepdim)  # type: ignore[attr-defined]
    found = ((input == top) | (input.isnan() & top.isnan())).to(grad.dtype)  # type: ignore
    parts = found / found.sum(dims, True) if dims else found
    return grad._spread(input.shape, dims, keepdim) * parts  # type: ignore[attr-defined]


def _check_some(name: str, input: Tensor, dim: Dims) -> None:
    if input.numel() == 0:
        if dim is None or dim == ():
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the "
                "reduction dim with the 'dim' argument."
            )
        _check_dims(name, input, dim)


def _check_dims(name: str, input: Tensor, dim: Dims) -> None:
    for d in canonical(dim, input.ndim):
        if input.shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


_amax = reduction("amax", kernels.amax, vjp=_shared, takes_integers=True, methods="")
_amin = reduction("amin", kernels.amin, vjp=_shared, takes_integers=True, methods="")
_amax.op.linked = _amin.op.linked = False  # type: ignore[attr-defined]


def _real_only(name: str, input: Tensor) -> None:
    if input.dtype.is_complex:
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_name(input.dtype)}'")


def _same_out(input: Tensor, out: Tensor | None) -> None:
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            "Expected the dtype for input and out to match, but got "
            f"{scalar_name(input.dtype)} for "
            f"input's dtype and {scalar_name(out.dtype)} for out's dtype."
        )


@method("amax")
def amax(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None,
    axis: Dims = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The largest element over ``dim``; equal ones share the gradient. NaN wins.

    ``dim`` is a dimension or several, all by default; complex numbers are refused with
    NotImplementedError, empty dimensions with IndexError.

    >>> torch.amax(torch.tensor([[1, 5], [7, 2]]), 0)
    tensor([7, 5])
    """
    if axis is not None:
        dim = chosen("amax", "axis", axis, dim, ())
    if keepdims is not None:
        keepdim = chosen("amax", "keepdims", keepdims, keepdim, False)
    _check_some("amax", input, dim)
    _real_only("amax_cpu", input)
    _same_out(input, out)
    return _amax(input, dim, keepdim, out=out)  # type: ignore[arg-type]


@method("amin")
def amin(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None,
    axis: Dims = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The smallest element over ``dim``; equal ones share the gradient. NaN wins.

    ``dim`` is a dimension or several, all by default; complex numbers are refused with
    NotImplementedError, empty dimensions with IndexError.

    >>> torch.amin(torch.tensor([[1, 5], [7, 2]]), 1, keepdim=True)
    tensor([[1],
            [2]])
    """
    if axis is not None:
        dim = chosen("amin", "axis", axis, dim, ())
    if keepdims is not None:
        keepdim = chosen("amin", "keepdims", keepdims, keepdim, False)
    _check_some("amin", input, dim)
    _real_only("amin_cpu", input)
    _same_out(input, out)
    return _amin(input, dim, keepdim, out=out)  # type: ignore[arg-type]


@method("aminmax")
@numpy_names
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None
) -> Any:
    """The smallest and the largest element, as ``(min, max)``.

    Of the flattened tensor unless ``dim`` is given. RuntimeError for a tensor without elements,
    NotImplementedError for complex numbers.

    >>> torch.aminmax(torch.tensor([3., 1., 2.]))
    torch.return_types.aminmax(
    min=tensor(1.),
    max=tensor(3.))
    """
    _check_some("aminmax", input, dim)
    _real_only("aminmax_cpu", input)
    both = return_type("aminmax", "min max")(_amin(input, dim, keepdim), _amax(input, dim, keepdim))
    return deliver("aminmax", both, out, exact=True)


_extreme = Op(
    "max",
    kernels.extreme,
    dims=("dim",),
    params=("keepdim", "largest"),
    outputs=2,
    differentiable=(0,),
    vjp={
        "input": lambda grad, result1, input_shape, dim, keepdim: _scattered(
            grad, result1, input_shape, dim, keepdim
        )
    },
    jvp=lambda input_t, result1, dim, keepdim: _gathered(input_t, result1, dim, keepdim),
)
_extreme_min = Op("min", kernels.extreme, dims=("dim",), params=("keepdim", "largest"), outputs=2,
    differentiable=(0,), vjp=_extreme.formulas, jvp=_extreme.jvp_rule)  # fmt: skip


def _scattered(grad: Tensor, index: Tensor, shape: Any, dim: int, keepdim: bool) -> Tensor:
    """The gradient at the chosen index along ``dim``, zero elsewhere."""
    if not shape:
        return grad
    if not keepdim:
        grad, index = grad.unsqueeze(dim), index.unsqueeze(dim)  # type: ignore[attr-defined]
    return grad.new_zeros(shape).scatter(dim, index, grad)  # type: ignore[attr-defined]


def _gathered(tangent: Tensor, index: Tensor, dim: int, keepdim: bool) -> Tensor:
    if not tangent.ndim:
        return tangent
    chosen = tangent.gather(dim, index if keepdim else index.unsqueeze(dim))  # type: ignore
    return chosen if keepdim else chosen.squeeze(dim)


def _extreme_of(name: str, input: Tensor, dim: Any, keepdim: Any, out: Any) -> Any:
    """The three meanings of ``max`` and ``min``: of all, along a dimension, of two tensors."""
    largest = name == "max"
    if isinstance(dim, Tensor):
        return (maximum if largest else minimum)(input, dim, out=out)
    if dim is None:
        _check_some(name, input, None)
        _real_only(f"{name}_all", input)
        return (_amax if largest else _amin)(input, None, False, out=out)
    dim = wrap_dim(dim, input.ndim)
    if input.ndim:
        _check_dims(name, input, dim)
    _real_only(f"{name}_cpu", input)
    op = _extreme if largest else _extreme_min
    values = return_type(name, "values indices")(*op(input, dim, bool(keepdim), largest))
    return deliver(name, values, out, exact=True)


@method("max")
@numpy_names
def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
) -> Any:
    """The largest element; along ``dim`` with its first index; or elementwise of two tensors.

    RuntimeError or IndexError where there are no elements, NotImplementedError for complex numbers.

    >>> torch.tensor([1., 3., 2.]).max(0).indices
    tensor(1)
    """
    return _extreme_of("max", input, dim if other is None else other, keepdim, out)


@method("min")
@numpy_names
def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
) -> Any:
    """The smallest element; along ``dim`` with its first index; or elementwise of two tensors.

    ``dim`` is a dimension, which ``keepdim`` keeps with size 1, or the tensor to compare with.
    RuntimeError or IndexError where there are no elements, NotImplementedError for complex numbers.

    >>> torch.min(torch.tensor([[1., 5.], [7., 2.]]), 1)
    torch.return_types.min(
    values=tensor([1., 2.]),
    indices=tensor([0, 1]))
    """
    return _extreme_of("min", input, dim if other is None else other, keepdim, out)


def _batch_arg_extreme(op: Op, input: Any, dim: int | None, keepdim: bool, largest: bool) -> Tensor:
    flat = input.reshape(input.shape[0], -1)
    if dim is None or input.ndim == 1:
        found = op(flat, 1, False, largest)
        return found.reshape(-1, *[1] * (input.ndim - 1)) if keepdim else found
    return op(input, dim + 1, keepdim, largest)


_arg_extreme = Op("argmax", kernels.arg_extreme, params=("dim", "keepdim", "largest"),
    batch=_batch_arg_extreme)  # fmt: skip


@_arg_extreme.shape
def _(array: Any, dim: int | None, keepdim: bool, largest: bool) -> Any:
    dims = None if dim is None else (dim,)
    return reduced(array, dims, keepdim), "int64"


def _arg_of(name: str, input: Tensor, dim: int | None, keepdim: bool, out: Any) -> Tensor:
    if input.dtype is bool_:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")
    _real_only(f"{name}_cpu", input)
    if dim is None:
        if input.numel() == 0:
            raise IndexError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
            )
    else:
        dim = wrap_dim(dim, input.ndim)
        if input.ndim:
            _check_dims(name, input, dim)
    return deliver(name, _arg_extreme(input, dim, keepdim, name == "argmax"), out, exact=True)


@method("argmax")
def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None,
    axis: int | None = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The first index of the largest element, in the flattened tensor unless ``dim`` is given.

    int64. IndexError for a dimension without elements, NotImplementedError for bools and complex
    numbers.

    >>> torch.argmax(torch.tensor([[1., 5.], [7., 2.]]), 1)
    tensor([1, 0])
    """
    if axis is not None:
        dim = chosen("argmax", "axis", axis, dim)
    if keepdims is not None:
        keepdim = chosen("argmax", "keepdims", keepdims, keepdim, False)
    return _arg_of("argmax", input, dim, keepdim, out)


@method("argmin")
def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None,
    axis: int | None = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The first index of the smallest element, in the flattened tensor unless ``dim`` is given.

    int64. IndexError for a dimension without elements, NotImplementedError for bools and complex
    numbers.

    >>> torch.argmin(torch.tensor([3., 1., 2.]))
    tensor(1)
    """
    if axis is not None:
        dim = chosen("argmin", "axis", axis, dim)
    if keepdims is not None:
        keepdim = chosen("argmin", "keepdims", keepdims, keepdim, False)
    return _arg_of("argmin", input, dim, keepdim, out)


__all__ = exported(globals())
