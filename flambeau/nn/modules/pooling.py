"""Pooling: the largest, the average or a power mean of windows. By size: `_adaptive_pooling`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from flambeau.core.publish import adopt
from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules._adaptive_pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    FractionalMaxPool2d,
    FractionalMaxPool3d,
)
from flambeau.nn.modules.module import Module
from flambeau.nn.modules.utils import _pair, _single, _triple

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

Sizes = int | tuple[int, ...]


class _MaxPoolNd(Module):
    """The options of max pooling.

    Args:
        kernel_size: the window: a number, or one for each dimension; as all that follow.
        stride: the step of the window; its size, without this.
        padding: minus infinity, added at both sides; at most half the window.
        dilation: the distance between the window's elements.
        return_indices: whether to return the places of the maxima too, for `MaxUnpool2d`.
        ceil_mode: whether a last, incomplete window counts.
    """

    __constants__ = ["kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"]
    return_indices: bool
    ceil_mode: bool

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest element of each window of (N, C, L) or (C, L). Options: `_MaxPoolNd`.

    >>> nn.MaxPool1d(3, stride=2)(torch.randn(20, 16, 50)).shape
    torch.Size([20, 16, 24])
    """

    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class MaxPool2d(_MaxPoolNd):
    """The largest element of each window of (N, C, H, W) or (C, H, W). Options: `_MaxPoolNd`.

    >>> nn.MaxPool2d((3, 2), stride=(2, 1))(torch.randn(20, 16, 50, 32)).shape
    torch.Size([20, 16, 24, 31])
    """

    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class MaxPool3d(_MaxPoolNd):
    """The largest element of each window of (N, C, D, H, W) or (C, D, H, W). See `_MaxPoolNd`.

    >>> nn.MaxPool3d(3, stride=2)(torch.randn(2, 16, 10, 20, 30)).shape
    torch.Size([2, 16, 4, 9, 14])
    """

    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class _MaxUnpoolNd(Module):
    """The options of unpooling: those of the pooling that it undoes."""

    _function: ClassVar[str]  # of `nn.functional`, where programs may replace it
    _sizes: ClassVar[Callable[[Any], tuple[int, ...]]]
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = self._sizes(kernel_size)
        self.stride = self._sizes(stride if stride is not None else kernel_size)
        self.padding = self._sizes(padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return getattr(F, self._function)(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Puts the maxima of a `MaxPool1d` back in their places, zeros elsewhere.

    The call takes the values, the indices, and ``output_size`` where several sizes are possible.

    >>> values, indices = nn.MaxPool1d(2, return_indices=True)(torch.tensor([[[1.0, 2, 4, 3]]]))
    >>> nn.MaxUnpool1d(2)(values, indices)
    tensor([[[0., 2., 4., 0.]]])
    """

    _function = "max_unpool1d"
    _sizes = staticmethod(_single)


class MaxUnpool2d(_MaxUnpoolNd):
    """Puts the maxima of a `MaxPool2d` back in their places, zeros elsewhere; see `MaxUnpool1d`."""

    _function = "max_unpool2d"
    _sizes = staticmethod(_pair)


class MaxUnpool3d(_MaxUnpoolNd):
    """Puts the maxima of a `MaxPool3d` back in their places, zeros elsewhere; see `MaxUnpool1d`."""

    _function = "max_unpool3d"
    _sizes = staticmethod(_triple)


class _AvgPoolNd(Module):
    """The options of average pooling."""

    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The average of each window of (N, C, L) or (C, L).

    Args:
        kernel_size: the window.
        stride: the step of the window; its size, without this.
        padding: zeros added at both sides.
        ceil_mode: whether a last, incomplete window counts.
        count_include_pad: whether the zeros count in the average.

    >>> nn.AvgPool1d(3, stride=2)(torch.tensor([[[1.0, 2, 3, 4, 5, 6, 7]]]))
    tensor([[[2., 4., 6.]]])
    """

    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    ceil_mode: bool
    count_include_pad: bool

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes = None,  # type: ignore[assignment]
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(stride if stride is not None else kernel_size)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip


class _DividedAvgPool(_AvgPoolNd):
    """The options of average pooling in two and three dimensions."""

    __constants__ = [*_AvgPoolNd.__constants__, "divisor_override"]
    _function: ClassVar[str]  # of `nn.functional`, where programs may replace it
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    ceil_mode: bool
    count_include_pad: bool

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip


class AvgPool2d(_DividedAvgPool):
    """The average of each window of (N, C, H, W) or (C, H, W).

    Args:
        kernel_size: the window: a number, or one for each dimension; as all that follow.
        stride: the step of the window; its size, without this.
        padding: zeros added at both sides.
        ceil_mode: whether a last, incomplete window counts.
        count_include_pad: whether the zeros count in the average.
        divisor_override: divides by this instead of the number of elements.

    >>> nn.AvgPool2d((3, 2), stride=(2, 1))(torch.randn(20, 16, 50, 32)).shape
    torch.Size([20, 16, 24, 31])
    """

    _function = "avg_pool2d"


class AvgPool3d(_DividedAvgPool):
    """The average of each window of (N, C, D, H, W) or (C, D, H, W); see `AvgPool2d`."""

    _function = "avg_pool3d"

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for name, default in (("padding", 0), ("ceil_mode", False), ("count_include_pad", True)):
            self.__dict__.setdefault(name, default)


class _LPPoolNd(Module):
    """The options of power-mean pooling.

    Args:
        norm_type: the power p.
        kernel_size: the window: a number, or one for each dimension.
        stride: the step of the window; its size, without this.
        ceil_mode: whether a last, incomplete window counts.
    """

    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]
    norm_type: float
    ceil_mode: bool

    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """``sum(x ** p) ** (1 / p)`` of each window of (N, C, L) or (C, L). Options: `_LPPoolNd`.

    >>> nn.LPPool1d(2, 2)(torch.tensor([[[3.0, 4.0]]]))
    tensor([[[5.]]])
    """

    kernel_size: Sizes
    stride: Sizes | None

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool2d(_LPPoolNd):
    """``sum(x ** p) ** (1 / p)`` of each window of (N, C, H, W) or (C, H, W); see `_LPPoolNd`."""

    kernel_size: Sizes
    stride: Sizes | None

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool3d(_LPPoolNd):
    """``sum(x ** p) ** (1 / p)`` of each window of (N, C, D, H, W); see `_LPPoolNd`."""

    kernel_size: Sizes
    stride: Sizes | None

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool3d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


adopt(globals())
