"""Scans: running sums, products, extremes and log-sums along a dimension."""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.numpy_names import numpy_names
from flambeau.core.op import LINEAR, Op, in_order
from flambeau.core.publish import exported, method
from flambeau.core.return_types import return_type
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import scans as kernels
from flambeau.ops.joining import cat
from flambeau.ops.pointwise.rules import conj


def _reverse_cumsum(grad: Tensor, dim: int) -> Tensor:
    return grad.flip(dim).cumsum(dim).flip(dim) if grad.ndim else grad  # type: ignore[attr-defined]


_cumsum = Op("cumsum", kernels.cumsum, dims=("dim",), widen=True, jvp=LINEAR,
    vjp={"input": _reverse_cumsum})  # fmt: skip


def _accumulated(
    name: str, op: Op, input: Tensor, dim: int, dtype: DType | None, out: Tensor | None
) -> Tensor:
    """A scan in the dtype that ``dtype`` or ``out`` asks for."""
    of = dtype if dtype is not None or out is None else out.dtype
    if of is None:
        return op(input, dim)
    if of.rank == 0:
        raise NotImplementedError(f"\"{name}_out_cpu\" not implemented for 'Bool'")
    return deliver(name, op(input.to(of), dim).to(of), out)  # type: ignore[attr-defined]


@method("cumsum cumsum_")
@numpy_names
def cumsum(
    input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The running sum along ``dim``; integers as int64.

    Of any shape and dtype; ``dtype`` converts first. IndexError for a dimension that ``input`` does
    not have.

    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    return _accumulated("cumsum", _cumsum, input, dim, dtype, out)


def _cumprod_vjp(grad: Tensor, input: Tensor, result: Tensor, dim: int) -> Tensor:
    """``reverse_cumsum(grad * result) / input``; where an element is zero, products without it."""
    if not input.ndim or input.numel() == 0:
        return grad
    zeros = input == 0
    if input.device.type == "meta" or not zeros.any().item():  # type: ignore[attr-defined]
        return _reverse_cumsum(grad * conj(result), dim) / conj(input)  # type: ignore
    parts = [_cumprod_part(grad, input, result, dim, k) for k in range(input.shape[dim])]
    return cat(parts, dim)


def _cumprod_part(grad: Tensor, input: Tensor, result: Tensor, dim: int, k: int) -> Tensor:
    """The gradient of the ``k``-th element: the products of all others up to each later one."""
    n = input.shape[dim]
    rest = input.narrow(dim, k + 1, n - k - 1).cumprod(dim)  # type: ignore[attr-defined]
    one = input.narrow(dim, k, 1) * 0 + 1  # type: ignore[attr-defined]
    before = one if k == 0 else result.narrow(dim, k - 1, 1)  # type: ignore[attr-defined]
    if k:
        before = input.narrow(dim, 0, k).prod(dim, True)  # type: ignore[attr-defined]
    others = cat((one, rest), dim) * before
    return (grad.narrow(dim, k, n - k) * conj(others)).sum(dim, True)  # type: ignore


_cumprod = Op("cumprod", kernels.cumprod, dims=("dim",), widen=True, vjp={"input": _cumprod_vjp})


@method("cumprod cumprod_")
@numpy_names
def cumprod(
    input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The running product along ``dim``; integers as int64.

    Of any shape and dtype; ``dtype`` converts first. IndexError for a dimension that ``input`` does
    not have.

    >>> torch.cumprod(torch.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    return _accumulated("cumprod", _cumprod, input, dim, dtype, out)


def _placed(grad: Tensor, result1: Tensor, dim: int) -> Tensor:
    if not grad.ndim:
        return grad
    return (grad * 0).scatter_add(dim, result1, grad)  # type: ignore[attr-defined]


def _extreme_op(name: str) -> Op:
    return Op(name, kernels.cumulative_extreme, dims=("dim",), params=("largest",), outputs=2,
              differentiable=(0,), vjp={"input": _placed})  # fmt: skip


_cummax, _cummin = _extreme_op("cummax"), _extreme_op("cummin")


@method("cummax")
@numpy_names
def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """The running maximum along ``dim`` and its index.

    Real, of any shape; indices are int64, of equal elements the last. IndexError for a dimension
    that ``input`` does not have.

    >>> torch.cummax(torch.tensor([1., 3., 2.]), 0).values
    tensor([1., 3., 3.])
    """
    return deliver(
        "cummax", return_type("cummax", "values indices")(_cummax(input, dim, True)), out
    )


@method("cummin")
@numpy_names
def cummin(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """The running minimum along ``dim`` and its index.

    Real, of any shape; indices are int64, of equal elements the last. IndexError for a dimension
    that ``input`` does not have.

    >>> torch.cummin(torch.tensor([3., 1., 2.]), 0).values
    tensor([3., 1., 1.])
    """
    return deliver(
        "cummin", return_type("cummin", "values indices")(_cummin(input, dim, False)), out
    )


def _logcumsumexp_vjp(grad: Tensor, input: Tensor, result: Tensor, dim: int) -> Tensor:
    """``exp(x) * reverse_cumsum(grad * exp(-result))``, in logarithms of each sign to stay
    finite."""
    if not grad.ndim:
        return grad
    if input.dtype.is_complex:
        logs = (conj(grad).log() - result).flip(dim).logcumsumexp(dim).flip(dim)
        return conj((logs + input).exp())
    log_grad = grad.abs().log() - result  # type: ignore[attr-defined]
    low = float("-inf")
    positive = log_grad.masked_fill(~(grad > 0), low).flip(dim).logcumsumexp(dim).flip(dim)
    negative = log_grad.masked_fill(~(grad < 0), low).flip(dim).logcumsumexp(dim).flip(dim)
    return (positive + input).exp() - (negative + input).exp()


def _logcumsumexp_jvp(input: Tensor, input_t: Tensor, result: Tensor, dim: int) -> Tensor:
    if not input.ndim:
        return input_t
    most = (input.real if input.dtype.is_complex else input).detach().amax(dim, True)  # type: ignore
    most = most.masked_fill(most == float("-inf"), 0)
    parts = (input - most).exp() * input_t  # type: ignore[operator]
    empty = (result.real if input.dtype.is_complex else result) == float("-inf")
    return parts.cumsum(dim) * (most - result).masked_fill(empty, 0).exp()  # type: ignore


_logcumsumexp = Op("logcumsumexp", kernels.logcumsumexp, dims=("dim",), widen=True, shape=in_order,
    accepts="fc", refusal="logcumsumexp_out_cpu", vjp={"input": _logcumsumexp_vjp},
    jvp=_logcumsumexp_jvp)  # fmt: skip


@method("logcumsumexp")
@numpy_names
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """The running ``log(sum(exp(input)))`` along ``dim``.

    Floating or complex, of any shape. NotImplementedError for integers.

    >>> torch.logcumsumexp(torch.tensor([0., 0., 0.]), 0)
    tensor([0.0000, 0.6931, 1.0986])
    """
    return deliver("logcumsumexp", _logcumsumexp(input, dim), out)


@numpy_names
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: complex = 1, dim: int = -1
) -> Tensor:
    """The running integral of ``y`` along ``dim`` by the trapezoidal rule.

    ``x`` holds the places of the samples, or ``dx`` their distance; the result is one shorter.
    RuntimeError for another number of places.

    >>> torch.cumulative_trapezoid(torch.tensor([1., 3., 5.]))
    tensor([2., 6.])
    """
    left, right = _neighbours(y, dim)
    width = dx if x is None else _widths("cumulative_trapezoid", x, y, dim)
    return ((left + right) * width / 2).cumsum(dim)  # type: ignore[attr-defined]


@numpy_names
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: complex = 1, dim: int = -1) -> Tensor:
    """The integral of ``y`` along ``dim`` by the trapezoidal rule.

    ``x`` holds the places of the samples, or ``dx`` their distance; ``dim`` is dropped.
    RuntimeError for another number of places.

    >>> torch.trapezoid(torch.tensor([1., 3., 5.]), dx=2)
    tensor(12.)
    """
    left, right = _neighbours(y, dim)
    width = dx if x is None else _widths("trapezoid", x, y, dim)
    return ((left + right) * width).sum(dim) / 2  # type: ignore[attr-defined]


trapz = trapezoid


def _neighbours(y: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    n = y.shape[dim]
    return y.narrow(dim, 0, max(n - 1, 0)), y.narrow(dim, min(1, n), max(n - 1, 0))  # type: ignore


def _widths(name: str, x: Tensor, y: Tensor, dim: int) -> Tensor:
    if x.ndim == 1 and x.shape[0] != y.shape[dim]:
        raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
    if x.ndim == 1 and y.ndim > 1:
        shape = [1] * y.ndim
        shape[dim] = -1
        x = x.reshape(shape)  # type: ignore[attr-defined]
    left, right = _neighbours(x, dim)
    return right - left


__all__ = exported(globals())
