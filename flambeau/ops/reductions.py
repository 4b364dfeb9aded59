"""Reductions: operators that make one element of many."""

from __future__ import annotations

import builtins
import math
from typing import Any

from flambeau.core.dtype import bool_, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.families import canonical, reduced, reduction
from flambeau.core.op import LINEAR, POINTWISE, Op, wrap_dim
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import reductions as kernels
from flambeau.ops.joining import cat
from flambeau.ops.pointwise.selection import maximum, minimum

Dims = int | tuple[int, ...] | list[int] | None


# ---- what gradient rules share


@method("_spread")
def _spread(self: Tensor, shape: tuple[int, ...], dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """A reduced tensor expanded again to the shape it was reduced from."""
    if not keepdim and dims:
        self = self.reshape([1 if i in dims else n for i, n in enumerate(shape)])  # type: ignore
    return self.expand(shape)  # type: ignore[attr-defined]


def _count(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
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
        grad._spread(input_shape, dims, keepdim) / _count(input_shape, dims)),
    methods="", doc="The mean.")  # fmt: skip


@method("mean")
def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of the elements of ``input`` over ``dim``, or over all dimensions; NaN of none.

    Raises RuntimeError for integers and bools: pass ``dtype``.
    """
    if (dtype or input.dtype).rank < 2:
        raise RuntimeError(
            f"mean(): could not infer output dtype. {'Optional' if dtype else 'Input'} dtype "
            "must be "
            f"either a floating point or complex dtype. Got: {scalar_name(dtype or input.dtype)}"
        )
    return _mean(input, dim, keepdim, dtype=dtype, out=out)


@method("nansum")
def nansum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The sum with NaN counted as zero."""
    if input.dtype.is_complex:
        raise RuntimeError("nansum does not support complex inputs")
    if input.dtype.is_floating_point:
        input = input.masked_fill(input.isnan(), 0)  # type: ignore[attr-defined]
    if dtype is None and out is not None and input.dtype.rank < 2:
        dtype = out.dtype
    return sum(input, dim, keepdim, dtype=dtype, out=out)


@method("nanmean")
def nanmean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of the elements that are not NaN."""
    if input.dtype.rank < 2:
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{scalar_name(input.dtype)}"
        )
    present = input.isnan().logical_not().sum(dim, keepdim)  # type: ignore[attr-defined]
    return deliver("nanmean", nansum(input, dim, keepdim, dtype=dtype) / present, out)


@method("count_nonzero")
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero."""
    return _count_nonzero(input, canonical(dim, input.ndim), False)


_count_nonzero = Op("count_nonzero", kernels.count_nonzero, params=("dims", "keepdim"))


@_count_nonzero.shape
def _(array: Any, dims: Any, keepdim: bool) -> Any:
    return reduced(array, dims, keepdim), kernels.count_nonzero(array[:0].sum(), (), False).dtype


def _prod_vjp(grad: Tensor, input: Tensor, result: Tensor, dims: Any, keepdim: bool) -> Tensor:
    """The product over the element; where elements are zero, the product of the others."""
    zeros = input == 0
    if input.device.type == "meta" or not zeros.any().item():  # type: ignore[attr-defined]
        return (grad * result.conj())._spread(input.shape, dims, keepdim) / input.conj()  # type: ignore
    return grad._spread(input.shape, dims, keepdim) * _others(input, dims).conj()  # type: ignore


def _others(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For each element, the product of the others: from the left times from the right."""
    kept = [d for d in builtins.range(input.ndim) if d not in dims]
    moved = input.permute(*kept, *dims)  # type: ignore[attr-defined]
    flat = moved.reshape([*[input.shape[d] for d in kept], -1])
    one = flat.narrow(-1, 0, 1) * 0 + 1
    left = cat((one, flat.narrow(-1, 0, flat.shape[-1] - 1)), -1).cumprod(-1)
    right = cat((flat.narrow(-1, 1, flat.shape[-1] - 1), one), -1).flip(-1).cumprod(-1).flip(-1)
    order = [*kept, *dims]
    back = [order.index(d) for d in builtins.range(input.ndim)]
    return (left * right).reshape(moved.shape).permute(*back)


_prod = reduction("prod", kernels.prod, vjp=_prod_vjp, methods="")


@method("prod")
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product of the elements of ``input`` over ``dim``, or over all dimensions."""
    result = _prod(input, dim, keepdim, dtype=dtype)
    return deliver("prod", result if dtype is None else result.to(dtype), out)


# ---- extremes


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
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The largest element over ``dim``; equal ones share the gradient. NaN wins."""
    _check_some("amax", input, dim)
    _real_only("amax_cpu", input)
    _same_out(input, out)
    return _amax(input, dim, keepdim, out=out)  # type: ignore[arg-type]


@method("amin")
def amin(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The smallest element over ``dim``; equal ones share the gradient. NaN wins."""
    _check_some("amin", input, dim)
    _real_only("amin_cpu", input)
    _same_out(input, out)
    return _amin(input, dim, keepdim, out=out)  # type: ignore[arg-type]


@method("aminmax")
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None
) -> Any:
    """The smallest and the largest element, as ``(min, max)``."""
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
def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
) -> Any:
    """The largest element; along ``dim`` with its first index; or elementwise of two tensors.

    >>> torch.tensor([1., 3., 2.]).max(0).indices
    tensor(1)
    """
    return _extreme_of("max", input, dim if other is None else other, keepdim, out)


@method("min")
def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
) -> Any:
    """The smallest element; along ``dim`` with its first index; or elementwise of two tensors."""
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
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """The first index of the largest element, in the flattened tensor unless ``dim`` is given."""
    return _arg_of("argmax", input, dim, keepdim, out)


@method("argmin")
def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """The first index of the smallest element, in the flattened tensor unless ``dim`` is given."""
    return _arg_of("argmin", input, dim, keepdim, out)


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
def any(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether some element is not zero; the dtype is bool (uint8 for uint8)."""
    return _delivered_truth("any", _any(input, canonical(dim, input.ndim), keepdim), out)


@method("all")
def all(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether no element is zero; the dtype is bool (uint8 for uint8)."""
    return _delivered_truth("all", _all(input, canonical(dim, input.ndim), keepdim), out)


# ---- spread


_variance = Op(
    "var_mean", kernels.variance, params=("dims", "keepdim", "correction"), outputs=2, widen=True
)


@_variance.vjp
def _variance_vjp(
    grad: Any, input: Tensor, result1: Tensor, dims: Any, keepdim: bool, correction: float
) -> Any:
    grad, grad_mean = grad
    count = _count(input.shape, dims)
    total: Any = None
    if grad is not None:
        freedom = builtins.max(count - correction, 0)
        centre = result1._spread(input.shape, dims, keepdim)  # type: ignore[attr-defined]
        scale = 2 / freedom if freedom else math.nan if count == correction else math.inf
        total = grad._spread(input.shape, dims, keepdim) * (scale * (input - centre))
    if grad_mean is not None:
        part = grad_mean._spread(input.shape, dims, keepdim) / count
        total = part if total is None else total + part
    return (total,)


def _moments(
    name: str, input: Tensor, dim: Any, unbiased: Any, correction: Any, keepdim: bool
) -> Any:
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return _variance(input, canonical(dim, input.ndim), keepdim, correction)


@method("var")
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance over ``dim``; divides by the count minus ``correction`` (1 by default)."""
    return deliver(
        "var", _moments("std and var", input, dim, unbiased, correction, keepdim)[0], out
    )


@method("std")
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The standard deviation over ``dim``: the root of ``var``; its gradient is 0 where it is 0."""
    variance = _moments("std and var", input, dim, unbiased, correction, keepdim)[0]
    return deliver("std", _root(variance), out)


def _root_vjp(grad: Tensor, result: Tensor) -> Tensor:
    return (grad / (result * 2)).masked_fill(result == 0, 0)  # type: ignore[attr-defined]


_root = Op("std", kernels.square_root, vjp={"input": _root_vjp}, jvp=POINTWISE, batch=POINTWISE,
    widen=True)  # fmt: skip


def var_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Any = None,
) -> Any:  # fmt: skip
    """``(var, mean)`` in one pass."""
    return deliver("var_mean", _moments("var_mean", input, dim, unbiased, correction, keepdim), out)


def std_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, out: Any = None,
) -> Any:  # fmt: skip
    """``(std, mean)`` in one pass."""
    variance, centre = _moments("std_mean", input, dim, unbiased, correction, keepdim)
    return deliver("std_mean", (_root(variance), centre), out)


# ---- norms and log-sums

_logsumexp = Op(
    "logsumexp",
    kernels.logsumexp,
    params=("dims", "keepdim"),
    promote="float",
    widen=True,
    vjp={
        "input": lambda grad, input, result, dims, keepdim: (
            grad._spread(input.shape, dims, keepdim)
            * (input - result._spread(input.shape, dims, keepdim)).exp().conj()
        )
    },
    jvp=lambda input_t, input, result, dims, keepdim: (
        input_t * (input - result._spread(input.shape, dims, keepdim)).exp()
    ).sum(dims, keepdim),
    shape=reduced,
)


@method("logsumexp")
def logsumexp(
    input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """``log(sum(exp(input)))`` over ``dim``, without overflow."""
    return deliver("logsumexp", _logsumexp(input, canonical(dim, input.ndim), keepdim), out)


def _norm_vjp(
    grad: Tensor, input: Tensor, result: Tensor, dims: Any, keepdim: bool, order: float
) -> Tensor:
    """``sgn(x) |x|^(p-1) / norm^(p-1)``; 0 where the norm is 0."""
    norm, grad = (t._spread(input.shape, dims, keepdim) for t in (result, grad))  # type: ignore
    if order == 0:
        return input * 0
    if order == 1:
        return input.sgn() * grad  # type: ignore[attr-defined]
    if order == 2:
        return grad * (input / norm).masked_fill(norm == 0, 0)  # type: ignore[attr-defined]
    size = input.abs()  # type: ignore[attr-defined]
    if math.isinf(order):
        found = (size == norm).to(norm.dtype)
        return input.sgn() * (grad * found / found.sum(dims, True))  # type: ignore[attr-defined]
    scaled = (
        (size / norm)
        .pow(order - 1)
        .masked_fill((norm == 0) | (size == 0) if order < 2 else norm == 0, 0)
    )
    return input.sgn() * scaled * grad  # type: ignore[attr-defined]


_vector_norm = Op("linalg_vector_norm", kernels.vector_norm, params=("dims", "keepdim", "order"),
    vjp={"input": _norm_vjp}, widen=True)  # fmt: skip


def vector_norm(x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *,
                dtype: DType | None = None, out: Tensor | None = None) -> Tensor:  # fmt: skip
    """``sum(|x|^ord)^(1/ord)`` over ``dim``, or over all dimensions; also ``ord`` inf, -inf and
    0."""
    if x.dtype.rank < 2:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{scalar_name(x.dtype)}"
        )
    if dtype is not None:
        x = x.to(dtype)  # type: ignore[attr-defined]
    dims = canonical(dim, x.ndim)
    if (ord < 0 or ord == math.inf) and x.numel() == 0 and _count(x.shape, dims) == 0:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the "
            "operation does not have an identity"
        )
    return deliver("linalg_vector_norm", _vector_norm(x, dims, keepdim, float(ord)), out)


@method("norm")
def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """The ``p``-norm over ``dim``; "fro" is the 2-norm of the elements, "nuc" the sum of singular
    values."""
    if p == "nuc":
        return deliver("norm", input.norm_nuclear(dim, keepdim), out)  # type: ignore
    order = 2.0 if p is None or p == "fro" else float(p)
    return vector_norm(input, order, dim, keepdim, dtype=dtype, out=out)


__all__ = exported(globals())
