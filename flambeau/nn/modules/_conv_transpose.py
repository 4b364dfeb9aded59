"""Transposed convolutions in one, two and three dimensions."""

from __future__ import annotations

from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules._conv_base import _ConvNd
from flambeau.nn.modules.utils import _pair, _single, _triple


class _ConvTransposeNd(_ConvNd):
    """What the transposed convolutions have in common: the choice of the size of the result."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, transposed,
            output_padding, groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def _output_padding(
        self,
        input: Tensor,
        output_size: Any,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        kernel_size: tuple[int, ...],
        num_spatial_dims: int,
        dilation: tuple[int, ...] | None = None,
    ) -> Any:
        """What to add at one side so that the result has the wanted size."""
        if output_size is None:
            return _single(self.output_padding)
        leading = input.dim() - num_spatial_dims
        wanted = list(output_size)
        if len(wanted) == leading + num_spatial_dims:
            wanted = wanted[leading:]
        if len(wanted) != num_spatial_dims:
            raise ValueError(
                f"ConvTranspose{num_spatial_dims}D: for {input.dim()}D input, output_size must "
                f"have {num_spatial_dims} or {leading + num_spatial_dims} elements "
                f"(got {len(wanted)})"
            )
        dilation = dilation or (1,) * num_spatial_dims
        least = [
            (input.size(place + leading) - 1) * stride[place]
            - 2 * padding[place]
            + dilation[place] * (kernel_size[place] - 1)
            + 1
            for place in range(num_spatial_dims)
        ]
        most = [size + step - 1 for size, step in zip(least, stride, strict=True)]
        if not all(
            low <= size <= high for low, size, high in zip(least, wanted, most, strict=True)
        ):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} "
                f"to {most} (for an input of {input.size()[leading:]})"
            )
        return [size - low for size, low in zip(wanted, least, strict=True)]


TRANSPOSED = """

    The gradient of a convolution with respect to its input, used as a layer.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the result.
        kernel_size: a number, or one for each spatial dimension; as all that follow.
        stride: the step of the kernel in the result.
        padding: elements cut off at both sides of the result.
        output_padding: elements added at one side of the result.
        groups: channels are split into so many groups.
        bias: whether to add one for each output channel.
        dilation: the distance between the kernel's elements.

    ``weight`` is (in_channels, out_channels / groups, *kernel_size); each size of the result is
    ``(size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1``.
    The call takes ``output_size`` to choose among the sizes that a stride leaves open.
"""


class _TransposedConvolution(_ConvTransposeNd):
    """The constructor and the call of the transposed convolutions."""

    def __init__(
        self,
        in_channels: int,
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
        each = self._sizes
        super().__init__(
            in_channels, out_channels, each(kernel_size), each(stride), each(padding),
            each(dilation), True, each(output_padding), groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        sizes = self.stride, self.padding, self.kernel_size, len(self.kernel_size), self.dilation
        extra = self._output_padding(input, output_size, *sizes)  # type: ignore[arg-type]
        return getattr(F, self._function)(
            input, *self._weights(), self.stride, self.padding, extra, self.groups, self.dilation
        )


class ConvTranspose1d(_TransposedConvolution):
    __doc__ = (
        """Transposed convolution over sequences: (N, in_channels, L) or (in_channels, L)."""
        + TRANSPOSED
        + """
    Example::

        >>> nn.ConvTranspose1d(4, 2, 3, stride=2)(torch.randn(1, 4, 5)).shape
        torch.Size([1, 2, 11])
    """
    )

    _function = "conv_transpose1d"
    _sizes = staticmethod(_single)


class ConvTranspose2d(_TransposedConvolution):
    __doc__ = (
        """Transposed convolution over images: (N, in_channels, H, W) or (in_channels, H, W)."""
        + TRANSPOSED
        + """
    Example::

        >>> nn.ConvTranspose2d(4, 2, 3, stride=2)(torch.randn(1, 4, 5, 5)).shape
        torch.Size([1, 2, 11, 11])
    """
    )

    _function = "conv_transpose2d"
    _sizes = staticmethod(_pair)


class ConvTranspose3d(_TransposedConvolution):
    __doc__ = (
        """Transposed convolution over volumes: (N, in_channels, D, H, W) or without N."""
        + TRANSPOSED
        + """
    Example::

        >>> nn.ConvTranspose3d(4, 2, 3, stride=2)(torch.randn(1, 4, 5, 5, 5)).shape
        torch.Size([1, 2, 11, 11, 11])
    """
    )

    _function = "conv_transpose3d"
    _sizes = staticmethod(_triple)
