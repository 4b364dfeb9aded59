"""Normalisation over features of one sample: layer, group, root-mean-square, local response."""

from __future__ import annotations

import numbers
from typing import Any

from flambeau.autograd.function import Function, once_differentiable
from flambeau.core.tensor import Parameter, Tensor
from flambeau.nn import functional as F
from flambeau.nn import init
from flambeau.nn.modules.module import Module
from flambeau.ops.creation import empty

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class _LocalNorm(Module):
    """The options of normalisation over neighbouring channels."""

    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_LocalNorm):
    """``x / (k + alpha * mean of squares over size channels) ** beta`` for (N, C, ...).

    Args:
        size: how many neighbouring channels count.
        alpha: factor of the mean.
        beta: exponent.
        k: added to it.

    Source: Krizhevsky 2012.

    >>> nn.LocalResponseNorm(2)(torch.randn(32, 5, 24, 24)).shape
    torch.Size([32, 5, 24, 24])
    """

    __constants__ = ["size", "alpha", "beta", "k"]

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class _CrossMapLRN2d(Function):
    """Both passes as PyTorch (and Lua Torch before it) computes them, not the textbook's.

    The running sum over channels never lets go of the first one, so that all sums contain it; the
    backward pass sums over the ``size`` channels that end with its own.
    """

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1
    ) -> Tensor:
        before = (size - 1) // 2
        channels = input.shape[1]
        squares = input.square()
        total = squares.narrow(1, 0, 1)
        others = F.pad(squares.narrow(1, 1, channels - 1), (0, 0, 0, 0, before + 1, before))
        for shift in range(2 * before + 1):
            total = total + others.narrow(1, shift, channels)
        scale = total * (alpha / size) + k
        output = input * scale.pow(-beta)
        ctx.save_for_backward(input, output, scale)
        ctx.size, ctx.alpha, ctx.beta = size, alpha, beta
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        input, output, scale = ctx.saved_tensors
        size = ctx.size
        reach = int(size - (size - 1) / 2)
        channels = input.shape[1]
        ratio = F.pad(grad * output / scale, (0, 0, 0, 0, reach, max(0, size - 1 - reach)))
        total = ratio.narrow(1, 0, channels)
        for shift in range(1, size):
            total = total + ratio.narrow(1, shift, channels)
        factor = 2 * ctx.alpha * ctx.beta / size
        return grad * scale.pow(-ctx.beta) - input * total * factor, None, None, None, None


class CrossMapLRN2d(_LocalNorm):
    """``x / (k + alpha / size * sum of squares over size channels) ** beta`` for (N, C, H, W).

    The old form of `LocalResponseNorm`, with sums and gradients of its own.

    Args:
        size: how many neighbouring channels count.
        alpha: factor of the mean.
        beta: exponent.
        k: added to it.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)  # an int, as PyTorch prints it

    def forward(self, input: Tensor) -> Tensor:
        return _CrossMapLRN2d.apply(input, self.size, self.alpha, self.beta, self.k)


def _shape(normalized_shape: Any) -> tuple[int, ...]:
    if isinstance(normalized_shape, numbers.Integral):
        return (normalized_shape,)
    return tuple(normalized_shape)


class LayerNorm(Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last dimensions of each sample.

    Args:
        normalized_shape: the size of the last dimension, or the sizes of several.
        eps: keeps the division finite.
        elementwise_affine: whether there are ``weight`` and ``bias``, of that shape.
        bias: whether there is a ``bias``.

    Source: Ba 2016.

    >>> nn.LayerNorm(10)(torch.randn(20, 5, 10)).shape
    torch.Size([20, 5, 10])
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]
    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool
    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, wanted in (("weight", True), ("bias", bias)):
            if elementwise_affine and wanted:
                value = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
                self.register_parameter(name, value)
            else:
                self.register_parameter(name, None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.elementwise_affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        own = self._parameters  # the attributes cost ten times as much
        try:
            weight, bias = own["weight"], own["bias"]
        except KeyError:  # reparametrised
            weight, bias = self.weight, self.bias
        return F.layer_norm(input, self.normalized_shape, weight, bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over groups of channels of (N, C, ...).

    Args:
        num_groups: the number of groups.
        num_channels: the number C of channels, a multiple of it.
        eps: keeps the division finite.
        affine: whether there are ``weight`` and ``bias``, one for each channel.
        bias: whether there is a ``bias``.

    Source: Wu & He 2018.

    >>> nn.GroupNorm(3, 6)(torch.randn(20, 6, 10, 10)).shape
    torch.Size([20, 6, 10, 10])
    """

    __constants__ = ["num_groups", "num_channels", "eps", "affine"]
    num_groups: int
    num_channels: int
    eps: float
    affine: bool
    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            value = Parameter(empty(num_channels, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """``x / sqrt(mean(x ** 2) + eps) * weight`` over the last dimensions of each sample.

    Args:
        normalized_shape: the size of the last dimension, or the sizes of several.
        eps: keeps the division finite; without it, the smallest step of the dtype.
        elementwise_affine: whether there is a ``weight``, of that shape.

    Source: Zhang & Sennrich 2019.

    >>> nn.RMSNorm([2, 3])(torch.randn(2, 2, 3)).shape
    torch.Size([2, 2, 3])
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]
    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )
