"""Reductions: operators that make one element of many."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import scalar_name
from flambeau.core.families import canonical, reduced, reduction
from flambeau.core.numpy_names import chosen, numpy_names
from flambeau.core.op import LINEAR, Op
from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import reductions as kernels
from flambeau.ops.broadcasting import expand
from flambeau.ops.joining import cat
from flambeau.ops.pointwise.rules import conj
from flambeau.ops.reshaping import view_op

Dims = int | tuple[int, ...] | list[int] | None


# ---- what gradient rules share


@method("_spread")
def _spread(self: Tensor, shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """A reduced tensor expanded again to the shape it was reduced from."""
    if len(dims) < len(shape) and dims and not keepdim:
        self = view_op(self, tuple([1 if i in dims else n for i, n in enumerate(shape)]))
    return expand(self, shape)


def count(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    return math.prod([shape[d] for d in dims])


# ---- sums

sum = reduction("sum", kernels.sum, jvp=LINEAR,
    vjp=lambda grad, input_shape, dims, keepdim: grad._spread(input_shape, dims, keepdim),
    doc="""Sums the elements of ``input`` over ``dim``, or over all dimensions.

    Integers and bools are summed as int64. ``dtype`` converts before summing.

    >>> torch.tensor([[1., 2.], [3., 4.]]).sum(0)
    tensor([4., 6.])
    """)  # fmt: skip

_mean = reduction("mean", kernels.mean, jvp=LINEAR,
    vjp=lambda grad, input_shape, dims, keepdim: (
        grad._spread(input_shape, dims, keepdim) / count(input_shape, dims)),
    methods="", doc="The mean.")  # fmt: skip


@method("mean")
def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None, axis: Dims = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The mean of the elements of ``input`` over ``dim``, or over all dimensions; NaN of none.

    Raises RuntimeError for integers and bools: pass ``dtype``.

    >>> torch.mean(torch.tensor([[1., 2.], [3., 4.]]), 1)
    tensor([1.5000, 3.5000])
    """
    if axis is not None:
        dim = chosen("mean", "axis", axis, dim)
    if keepdims is not None:
        keepdim = chosen("mean", "keepdims", keepdims, keepdim, False)
    if (dtype or input.dtype).rank < 2:
        raise RuntimeError(
            f"mean(): could not infer output dtype. {'Optional' if dtype else 'Input'} dtype "
            "must be "
            f"either a floating point or complex dtype. Got: {scalar_name(dtype or input.dtype)}"
        )
    return _mean(input, dim, keepdim, dtype=dtype, out=out)


@method("nansum")
@numpy_names
def nansum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The sum with NaN counted as zero.

    Real, of any shape; RuntimeError for complex numbers.

    >>> torch.nansum(torch.tensor([1., torch.nan, 3.]))
    tensor(4.)
    """
    if input.dtype.is_complex:
        raise RuntimeError("nansum does not support complex inputs")
    if input.dtype.is_floating_point:
        input = input.masked_fill(input.isnan(), 0)  # type: ignore[attr-defined]
    if dtype is None and out is not None and input.dtype.rank < 2:
        dtype = out.dtype
    return sum(input, dim, keepdim, dtype=dtype, out=out)


@method("nanmean")
@numpy_names
def nanmean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of the elements that are not NaN.

    Floating or complex; RuntimeError for integers.

    >>> torch.nanmean(torch.tensor([1., torch.nan, 3.]))
    tensor(2.)
    """
    if input.dtype.rank < 2:
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{scalar_name(input.dtype)}"
        )
    present = input.isnan().logical_not().sum(dim, keepdim)  # type: ignore[attr-defined]
    return deliver("nanmean", nansum(input, dim, keepdim, dtype=dtype) / present, out)


@method("count_nonzero")
@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero.

    Of any shape and dtype; int64. ``dim`` is a dimension, several, or None for all. IndexError for
    a dimension that ``input`` does not have.

    >>> torch.count_nonzero(torch.tensor([[1, 0], [2, 3]]), 0)
    tensor([2, 1])
    """
    return _count_nonzero(input, canonical(dim, input.ndim), False)


_count_nonzero = Op("count_nonzero", kernels.count_nonzero, params=("dims", "keepdim"))


@_count_nonzero.shape
def _(array: Any, dims: Any, keepdim: bool) -> Any:
    return reduced(array, dims, keepdim), kernels.count_nonzero(array[:0].sum(), (), False).dtype


def _prod_vjp(grad: Tensor, input: Tensor, result: Tensor, dims: Any, keepdim: bool) -> Tensor:
    """The product over the element; where elements are, or may be, zero, that of the others."""
    known = input._kind is not None
    if known and (input.device.type == "meta" or not (input == 0).any().item()):  # type: ignore[attr-defined]
        return (grad * conj(result))._spread(input.shape, dims, keepdim) / conj(input)  # type: ignore
    return grad._spread(input.shape, dims, keepdim) * conj(_others(input, dims))  # type: ignore


def _others(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For each element, the product of the others: from the left times from the right."""
    kept = [d for d in range(input.ndim) if d not in dims]
    moved = input.permute(*kept, *dims)  # type: ignore[attr-defined]
    flat = moved.reshape([*[input.shape[d] for d in kept], -1])
    one = flat.narrow(-1, 0, 1) * 0 + 1
    left = cat((one, flat.narrow(-1, 0, flat.shape[-1] - 1)), -1).cumprod(-1)
    right = cat((flat.narrow(-1, 1, flat.shape[-1] - 1), one), -1).flip(-1).cumprod(-1).flip(-1)
    order = [*kept, *dims]
    back = [order.index(d) for d in range(input.ndim)]
    return (left * right).reshape(moved.shape).permute(*back)


_prod = reduction("prod", kernels.prod, vjp=_prod_vjp, methods="")


@method("prod")
@numpy_names
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product of the elements of ``input`` over ``dim``, or over all dimensions.

    ``dim`` is one dimension or None for all; integers and bools give int64. IndexError for a
    dimension that ``input`` does not have.

    >>> torch.prod(torch.tensor([[1, 2], [3, 4]]), 0)
    tensor([3, 8])
    """
    result = _prod(input, dim, keepdim, dtype=dtype)
    return deliver("prod", result if dtype is None else result.to(dtype), out)


# ---- truth

_any = Op("any", kernels.any_, params=("dims", "keepdim"), widen=False)
_all = Op("all", kernels.all_, params=("dims", "keepdim"), widen=False)


def _delivered_truth(name: str, result: Tensor, out: Tensor | None) -> Tensor:
    if out is not None and out.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(
            f"{name} only supports bool tensor for result, got: {scalar_name(out.dtype)}"
        )
    if out is not None and out.dtype.name == "bool":
        result = result.bool()  # type: ignore[attr-defined]
    return deliver(name, result, out)


@method("any")
@numpy_names
def any(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether some element is not zero; the dtype is bool (uint8 for uint8).

    Of any shape and dtype; ``dim`` is a dimension, several, or None for all. IndexError for a
    dimension that ``input`` does not have.

    >>> torch.any(torch.tensor([[0, 0], [2, 3]]), 1)
    tensor([False,  True])
    """
    return _delivered_truth("any", _any(input, canonical(dim, input.ndim), keepdim), out)


@method("all")
@numpy_names
def all(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether no element is zero; the dtype is bool (uint8 for uint8).

    Of any shape and dtype; ``dim`` is a dimension, several, or None for all. IndexError for a
    dimension that ``input`` does not have.

    >>> torch.all(torch.tensor([[1, 0], [2, 3]]), 1)
    tensor([False,  True])
    """
    return _delivered_truth("all", _all(input, canonical(dim, input.ndim), keepdim), out)


# ---- log-sums

_logsumexp = Op(
    "logsumexp",
    kernels.logsumexp,
    params=("dims", "keepdim"),
    promote="float",
    widen=True,
    vjp={
        "input": lambda grad, input, result, dims, keepdim: (
            grad._spread(input.shape, dims, keepdim)
            * conj((input - result._spread(input.shape, dims, keepdim)).exp())
        )
    },
    jvp=lambda input_t, input, result, dims, keepdim: (
        input_t * (input - result._spread(input.shape, dims, keepdim)).exp()
    ).sum(dims, keepdim),
    shape=reduced,
)


@method("logsumexp")
@numpy_names
def logsumexp(
    input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """``log(sum(exp(input)))`` over ``dim``, without overflow.

    Of any shape; integers give floating numbers. ``dim`` is a dimension or several. IndexError for
    a dimension that ``input`` does not have.

    >>> torch.logsumexp(torch.tensor([1000., 1000.]), 0)
    tensor(1000.6932)
    """
    return deliver("logsumexp", _logsumexp(input, canonical(dim, input.ndim), keepdim), out)


__all__ = exported(globals(), "count")
