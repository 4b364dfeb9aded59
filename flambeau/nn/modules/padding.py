"""Padding: more elements around the last one, two or three dimensions."""

from __future__ import annotations

from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.module import Module
from flambeau.nn.modules.utils import _ntuple, _pair, _quadruple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

Sizes = int | tuple[int, ...]
_six = _ntuple(6, "_six")


class _Pad(Module):
    """Padding by a number at all sides, or by a tuple: left, right, top, bottom, front, back."""

    __constants__ = ["padding"]
    padding: Any
    _sides: Any
    _mode: str

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = type(self)._sides(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(Module):
    """Padding by one value."""

    __constants__ = ["padding", "value"]
    value: float
    padding: Any

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Adds ``value`` around (..., L): a number at both sides, or (left, right); negative: cuts.

    >>> nn.ConstantPad1d((1, 0), 3.5)(torch.zeros(1, 2))
    tensor([[3.5000, 0.0000, 0.0000]])
    """

    padding: tuple[int, int]

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(value)
        self.padding = _pair(padding)


class ConstantPad2d(_ConstantPadNd):
    """Adds ``value`` around (..., H, W): a number, or (left, right, top, bottom)."""

    __constants__ = ["padding", "value"]
    padding: tuple[int, int, int, int]

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(value)
        self.padding = _quadruple(padding)


class ConstantPad3d(_ConstantPadNd):
    """Adds ``value`` around (..., D, H, W): a number, or (left, right, ..., front, back)."""

    padding: tuple[int, int, int, int, int, int]

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(value)
        self.padding = _six(padding)


class ZeroPad1d(ConstantPad1d):
    """Adds zeros around (..., L).

    >>> nn.ZeroPad1d(1)(torch.ones(1, 1))
    tensor([[0., 1., 0.]])
    """

    padding: tuple[int, int]

    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Adds zeros around (..., H, W)."""

    padding: tuple[int, int, int, int]

    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Adds zeros around (..., D, H, W)."""

    padding: tuple[int, int, int, int, int, int]

    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_Pad):
    """Padding by the elements of the other side."""

    _mode = "circular"
    _ranks: tuple[int, int]

    def _check_input_dim(self, input: Tensor) -> None:
        low, high = self._ranks
        if input.dim() not in (low, high):
            raise ValueError(f"expected {low}D or {high}D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        return F.pad(input, self.padding, "circular")


class CircularPad1d(_CircularPadNd):
    """Adds the elements of the other side to (N, C, L) or (C, L).

    >>> nn.CircularPad1d(1)(torch.tensor([[[0.0, 1.0, 2.0]]]))
    tensor([[[2., 0., 1., 2., 0.]]])
    """

    padding: tuple[int, int]
    _sides = staticmethod(_pair)
    _ranks = (2, 3)


class CircularPad2d(_CircularPadNd):
    """Adds the elements of the other side to (N, C, H, W) or (C, H, W)."""

    padding: tuple[int, int, int, int]
    _sides = staticmethod(_quadruple)
    _ranks = (3, 4)


class CircularPad3d(_CircularPadNd):
    """Adds the elements of the other side to (N, C, D, H, W) or (C, D, H, W)."""

    padding: tuple[int, int, int, int, int, int]
    _sides = staticmethod(_six)
    _ranks = (4, 5)


class _ReflectionPadNd(_Pad):
    """Padding by the mirror image, without the edge."""

    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Adds the mirror image to (N, C, L) or (C, L).

    >>> nn.ReflectionPad1d(2)(torch.tensor([[[0.0, 1.0, 2.0]]]))
    tensor([[[2., 1., 0., 1., 2., 1., 0.]]])
    """

    padding: tuple[int, int]
    _sides = staticmethod(_pair)


class ReflectionPad2d(_ReflectionPadNd):
    """Adds the mirror image to (N, C, H, W) or (C, H, W)."""

    padding: tuple[int, int, int, int]
    _sides = staticmethod(_quadruple)


class ReflectionPad3d(_ReflectionPadNd):
    """Adds the mirror image to (N, C, D, H, W) or (C, D, H, W)."""

    padding: tuple[int, int, int, int, int, int]
    _sides = staticmethod(_six)


class _ReplicationPadNd(_Pad):
    """Padding by the element at the edge."""

    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Repeats the first and the last element of (N, C, L) or (C, L).

    >>> nn.ReplicationPad1d(1)(torch.tensor([[[0.0, 1.0, 2.0]]]))
    tensor([[[0., 0., 1., 2., 2.]]])
    """

    padding: tuple[int, int]
    _sides = staticmethod(_pair)


class ReplicationPad2d(_ReplicationPadNd):
    """Repeats the edge of (N, C, H, W) or (C, H, W)."""

    padding: tuple[int, int, int, int]
    _sides = staticmethod(_quadruple)


class ReplicationPad3d(_ReplicationPadNd):
    """Repeats the edge of (N, C, D, H, W) or (C, D, H, W)."""

    padding: tuple[int, int, int, int, int, int]
    _sides = staticmethod(_six)
