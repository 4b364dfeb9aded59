"""Convolutions in one, two and three dimensions, and the lazy ones. (`_conv_transpose.py`: the
transposed ones.)"""

from __future__ import annotations

from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core.publish import adopt
from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules._conv_base import _ConvNd
from flambeau.nn.modules._conv_transpose import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from flambeau.nn.modules._conv_transpose import _ConvTransposeNd as _ConvTransposeNd
from flambeau.nn.modules.lazy import LazyModuleMixin
from flambeau.nn.modules.utils import _pair, _single, _triple
from flambeau.nn.parameter import UninitializedParameter

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

ARGUMENTS = """

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: a number, or one for each spatial dimension; as all that follow.
        stride: the step of the kernel.
        padding: elements added at both sides of the input; ``"same"`` keeps the size, ``"valid"``
            adds none.
        dilation: the distance between the kernel's elements.
        groups: channels are split into so many groups, each convolved on its own.
        bias: whether to add one for each output channel.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
"""


class _Convolution(_ConvNd):
    """The constructor and the call of the convolutions."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        each = self._sizes
        super().__init__(
            in_channels, out_channels, each(kernel_size), each(stride),
            padding if isinstance(padding, str) else each(padding), each(dilation),
            False, each(0), groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, *self._weights())

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        function = getattr(F, self._function)
        return function(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Convolution):
    __doc__ = (
        """Convolution over sequences: (N, in_channels, L) or (in_channels, L)."""
        + ARGUMENTS
        + """
    ``weight`` is (out_channels, in_channels / groups, kernel_size); the length of the result is
    ``(L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``.

    Example::

        >>> nn.Conv1d(16, 33, 3, stride=2)(torch.randn(20, 16, 50)).shape
        torch.Size([20, 33, 24])
    """
    )

    _function = "conv1d"
    _sizes = staticmethod(_single)


class Conv2d(_Convolution):
    __doc__ = (
        """Convolution over images: (N, in_channels, H, W) or (in_channels, H, W)."""
        + ARGUMENTS
        + """
    ``weight`` is (out_channels, in_channels / groups, *kernel_size); each size of the result is
    ``(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``.

    Example::

        >>> conv = nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))
        >>> conv(torch.randn(20, 16, 50, 100)).shape
        torch.Size([20, 33, 28, 100])
    """
    )

    _function = "conv2d"
    _sizes = staticmethod(_pair)


class Conv3d(_Convolution):
    __doc__ = (
        """Convolution over volumes: (N, in_channels, D, H, W) or (in_channels, D, H, W)."""
        + ARGUMENTS
        + """
    ``weight`` is (out_channels, in_channels / groups, *kernel_size).

    Example::

        >>> nn.Conv3d(16, 33, 3, stride=2)(torch.randn(2, 16, 10, 20, 30)).shape
        torch.Size([2, 33, 4, 9, 14])
    """
    )

    _function = "conv3d"
    _sizes = staticmethod(_triple)


class _LazyConvXdMixin(LazyModuleMixin):
    """The part of the lazy convolutions that takes the input channels from the first input."""

    def reset_parameters(self) -> None:
        """Draws weight and bias anew, once they have a shape."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Gives weight and bias the shape that the input asks for."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        with no_grad():
            self.weight.materialize((first, second // self.groups, *self.kernel_size))
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()

    def _get_in_channels(self, input: Tensor) -> int:
        rank = len(self.kernel_size)
        if input.dim() not in (rank + 1, rank + 2):
            raise RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        return input.shape[1] if input.dim() == rank + 2 else input.shape[0]

    def _lazy_parameters(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)


class _LazyConv(_LazyConvXdMixin):
    """The constructor of the lazy convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self._lazy_parameters(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvXdMixin):
    """The constructor of the lazy transposed convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._lazy_parameters(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose3d


adopt(globals())
