"""The activation functions of ``nn.functional``, with their ``inplace=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.limits import finfo
from flambeau.core.op import Op
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver, overwrite
from flambeau.ops.pointwise import activation as ops
from flambeau.ops.pointwise.trigonometric import tanh as _tanh


def _apply(op: Callable[..., Tensor], input: Tensor, inplace: bool, *params: Any) -> Tensor:
    if not isinstance(input, Tensor):
        name = op.name if isinstance(op, Op) else op.__name__
        raise not_a_tensor(name, "input", 1, input)
    return overwrite(input, op, *params) if inplace else op(input, *params)


# ---- flat pieces


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """The positive part of each element.

    >>> relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return overwrite(input, ops.relu) if inplace else ops.relu(input)


def relu_(input: Tensor) -> Tensor:
    """In-place form of ``relu``."""
    return relu(input, inplace=True)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``value`` in place of elements that are not above ``threshold``.

    Real, of any shape. NotImplementedError for complex numbers.

    >>> F.threshold(torch.tensor([0., 2.]), 1, 9)
    tensor([9., 2.])
    """
    return _apply(ops.threshold, input, inplace, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place form of ``threshold``."""
    return _apply(ops.threshold, input, True, threshold, value)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """The nearest values between two bounds; the gradient is 0 at the bounds.

    Raises ValueError if ``min_val`` is larger than ``max_val``. Real, of any shape.

    >>> F.hardtanh(torch.tensor([-2., 0.5, 2.]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _apply(ops.hardtanh, input, inplace, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place form of ``hardtanh``."""
    return hardtanh(input, min_val, max_val, inplace=True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """The nearest values between 0 and 6.

    Real, of any shape.

    >>> F.relu6(torch.tensor([-1., 3., 9.]))
    tensor([0., 3., 6.])
    """
    return _apply(ops.hardtanh, input, inplace, 0, 6)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``(input + 3) / 6``, between 0 and 1.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.hardsigmoid(torch.tensor([-4., 0., 4.]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return _apply(ops.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * hardsigmoid(input)``.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.hardswish(torch.tensor([-4., 0., 4.]))
    tensor([-0., 0., 4.])
    """
    return _apply(ops.hardswish, input, inplace)


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """0 in place of elements between ``-lambd`` and ``lambd``.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.hardshrink(torch.tensor([-1., 0.25, 1.]))
    tensor([-1.,  0.,  1.])
    """
    return ops.hardshrink(input, lambd, out=out)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """Elements moved towards 0 by ``lambd``; RuntimeError for a negative one.

    Floating, of any shape.

    >>> F.softshrink(torch.tensor([-1., 0.25, 1.]))
    tensor([-0.5000,  0.0000,  0.5000])
    """
    if lambd < 0 and input.dtype.is_floating_point:
        raise RuntimeError(
            f"lambda must be in range [0, {finfo(input.dtype).max:g}] for input dtype "
            f"{scalar_name(input.dtype)}, but found {lambd:g}"
        )
    return deliver("softshrink", _apply(ops.softshrink, input, False, lambd), out)


# ---- leaks and exponentials


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``negative_slope * input`` below 0.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.leaky_relu(torch.tensor([-1., 1.]))
    tensor([-0.0100,  1.0000])
    """
    return _apply(ops.leaky_relu, input, inplace, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place form of ``leaky_relu``."""
    return _apply(ops.leaky_relu, input, True, negative_slope)


prelu = ops.prelu


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``alpha * (exp(input) - 1)`` below 0.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.elu(torch.tensor([-1., 1.]))
    tensor([-0.6321,  1.0000])
    """
    return _apply(ops.elu, input, inplace, alpha, 1, 1)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of ``elu``."""
    return elu(input, alpha, inplace=True)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * elu(input, alpha)`` with the constants that keep mean 0 and variance 1.

    Source: Klambauer et al., Self-Normalizing Neural Networks, 2017. Floating, of any shape;
    NotImplementedError for integers.

    >>> F.selu(torch.tensor([-1., 1.]))
    tensor([-1.1113,  1.0507])
    """
    return _apply(ops.selu, input, inplace)


def selu_(input: Tensor) -> Tensor:
    """In-place form of ``selu``."""
    return selu(input, inplace=True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``alpha * (exp(input / alpha) - 1)`` below 0; RuntimeError for ``alpha`` 0.

    >>> F.celu(torch.tensor([-1., 1.]))
    tensor([-0.6321,  1.0000])
    """
    return _apply(ops.celu, input, inplace, alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of ``celu``."""
    return celu(input, alpha, inplace=True)


# ---- sigmoids


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``.

    Of any shape and dtype; integers give floating numbers.

    >>> F.sigmoid(torch.tensor([-1., 0., 1.]))
    tensor([0.2689, 0.5000, 0.7311])
    """
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent.

    Of any shape and dtype; integers give floating numbers.

    >>> F.tanh(torch.tensor([0., 1.]))
    tensor([0.0000, 0.7616])
    """
    return _tanh(input)


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(sigmoid(input))`` without overflow.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.logsigmoid(torch.tensor([-100., 0.]))
    tensor([-100.0000,   -0.6931])
    """
    return deliver("log_sigmoid", _apply(ops.log_sigmoid, input, False), out)


def softplus(
    input: Tensor, beta: float = 1, threshold: float = 20, *, out: Tensor | None = None
) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``; ``input`` itself above ``threshold / beta``.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.softplus(torch.tensor([0., 100.]))
    tensor([  0.6931, 100.0000])
    """
    return deliver("softplus", _apply(ops.softplus, input, False, beta, threshold), out)


def softsign(input: Tensor) -> Tensor:
    """``input / (1 + |input|)``.

    Of any shape and dtype; integers give floating numbers.

    >>> F.softsign(torch.tensor([-1., 3.]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)  # type: ignore[attr-defined]


def tanhshrink(input: Tensor) -> Tensor:
    """``input - tanh(input)``.

    Of any shape and dtype; integers give floating numbers.

    >>> F.tanhshrink(torch.tensor([0., 1.]))
    tensor([0.0000, 0.2384])
    """
    return input - _tanh(input)  # type: ignore[operator]


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * sigmoid(input)``.

    Floating or complex, of any shape. NotImplementedError for integers.

    >>> F.silu(torch.tensor([-1., 1.]))
    tensor([-0.2689,  0.7311])
    """
    return _apply(ops.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * tanh(softplus(input))``.

    Floating, of any shape. NotImplementedError for integers.

    >>> F.mish(torch.tensor([-1., 1.]))
    tensor([-0.3034,  0.8651])
    """
    return _apply(ops.mish, input, inplace)


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """``input`` times the normal distribution function, or with ``approximate="tanh"`` nearly so.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.

    >>> F.gelu(torch.tensor([-1., 0., 1.]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return deliver("gelu", _apply(ops.gelu, input, False, approximate), out)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of ``dim`` times the sigmoid of the second half.

    Raises RuntimeError for an odd size. Source: Dauphin et al., 2017.

    >>> F.glu(torch.tensor([2., 4., 0., 0.]))
    tensor([1., 2.])
    """
    if not input.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"glu_cpu\" not implemented for '{scalar_name(input.dtype)}'")
    size = input.size(dim)  # type: ignore[attr-defined]
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.ndim} is size {size}"
        )
    half = size // 2
    first, second = input.narrow(dim, 0, half), input.narrow(dim, half, half)  # type: ignore
    return first * ops.sigmoid(second)


__all__ = [*exported(globals()), "prelu"]
