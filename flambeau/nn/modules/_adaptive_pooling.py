"""Pooling whose windows follow from the size of the result; random windows."""

from __future__ import annotations

from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.module import Module
from flambeau.nn.modules.utils import _pair, _triple

Sizes = int | None | tuple[int | None, ...]


class _AdaptiveAvgPoolNd(Module):
    """The option of adaptive average pooling.

    Args:
        output_size: the size of the result in each dimension; None keeps that of the input.
    """

    __constants__ = ["output_size"]

    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Averages (N, C, L) or (C, L) down to a given length.

    >>> nn.AdaptiveAvgPool1d(5)(torch.randn(1, 64, 8)).shape
    torch.Size([1, 64, 5])
    """

    output_size: Sizes

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Averages (N, C, H, W) or (C, H, W) down to a given height and width.

    >>> nn.AdaptiveAvgPool2d((None, 7))(torch.randn(1, 64, 10, 9)).shape
    torch.Size([1, 64, 10, 7])
    """

    output_size: Sizes

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Averages (N, C, D, H, W) or (C, D, H, W) down to a given depth, height and width.

    >>> nn.AdaptiveAvgPool3d((5, 7, 9))(torch.randn(1, 64, 8, 9, 10)).shape
    torch.Size([1, 64, 5, 7, 9])
    """

    output_size: Sizes

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(Module):
    """The options of adaptive max pooling.

    Args:
        output_size: the size of the result in each dimension; None keeps that of the input.
        return_indices: whether to return the places of the maxima too.
    """

    __constants__ = ["output_size", "return_indices"]
    return_indices: bool

    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The maxima of (N, C, L) or (C, L), down to a given length.

    >>> nn.AdaptiveMaxPool1d(5)(torch.randn(1, 64, 8)).shape
    torch.Size([1, 64, 5])
    """

    output_size: Sizes

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The maxima of (N, C, H, W) or (C, H, W), down to a given height and width.

    >>> nn.AdaptiveMaxPool2d((5, 7))(torch.randn(1, 64, 8, 9)).shape
    torch.Size([1, 64, 5, 7])
    """

    output_size: Sizes

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The maxima of (N, C, D, H, W) or (C, D, H, W), down to a given depth, height and width.

    >>> nn.AdaptiveMaxPool3d(5)(torch.randn(1, 64, 8, 9, 10)).shape
    torch.Size([1, 64, 5, 5, 5])
    """

    output_size: Sizes

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _FractionalMaxPoolNd(Module):
    """The options of fractional max pooling.

    Args:
        kernel_size: the window: a number, or one for each dimension.
        output_size: the size of the result.
        output_ratio: instead of it, the size as a share of the input's.
        return_indices: whether to return the places of the maxima too.
    """

    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]
    kernel_size: Any
    return_indices: bool
    output_size: Any
    output_ratio: Any

    def _set(
        self, sizes: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
    ) -> None:
        self.kernel_size = sizes(kernel_size)
        self.register_buffer("_random_samples", samples)
        self.output_size = sizes(output_size) if output_size is not None else None
        self.output_ratio = sizes(output_ratio) if output_ratio is not None else None
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{type(self).__name__} requires specifying either an output size, or a pooling "
                "ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The maxima of windows at random places of (N, C, H, W) or (C, H, W). Source: Graham 2015.

    >>> nn.FractionalMaxPool2d(3, output_ratio=(0.5, 0.5))(torch.randn(2, 4, 50, 32)).shape
    torch.Size([2, 4, 25, 16])
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        output_size: int | tuple[int, int] | None = None,
        output_ratio: float | tuple[float, float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.return_indices = return_indices
        self._set(_pair, kernel_size, output_size, output_ratio, _random_samples)

    def forward(self, input: Tensor) -> Any:
        return F.fractional_max_pool2d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            _random_samples=self._random_samples,
        )  # fmt: skip


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The maxima of windows at random places of (N, C, D, H, W) or (C, D, H, W)."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int, int],
        output_size: int | tuple[int, int, int] | None = None,
        output_ratio: float | tuple[float, float, float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.return_indices = return_indices
        self._set(_triple, kernel_size, output_size, output_ratio, _random_samples)

    def forward(self, input: Tensor) -> Any:
        return F.fractional_max_pool3d(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            _random_samples=self._random_samples,
        )  # fmt: skip
