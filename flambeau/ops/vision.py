"""Rearranging pixels and channels, and sampling images at given places."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.layout import contiguous_format
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones, zeros
from flambeau.ops.joining import stack
from flambeau.ops.sequences import linspace
from flambeau.ops.spatial import follow

# ---- shuffles


def _factor(name: str, argument: str, value: Any, input: Tensor) -> int:
    if not isinstance(value, int):
        raise TypeError(
            f"{name}(): argument '{argument}' (position 2) must be int, not {type(value).__name__}"
        )
    if input.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {input.ndim} "
            "dimension(s)"
        )
    if value <= 0:
        raise RuntimeError(f"{name} expects a positive {argument}, but got {value}")
    return value


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """``[*, C r^2, H, W]`` as ``[*, C, H r, W r]``: channels become pixels.

    Of any dtype; RuntimeError unless the square divides the channels.

    >>> torch.pixel_shuffle(torch.arange(4).reshape(1, 4, 1, 1), 2)
    tensor([[[[0, 1],
              [2, 3]]]])
    """
    r = _factor("pixel_shuffle", "upscale_factor", upscale_factor, input)
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            "of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n, c = len(lead), channels // (r * r)
    split = input.reshape(*lead, c, r, r, height, width)  # type: ignore[attr-defined]
    moved = split.permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    copy = moved.clone(memory_format=contiguous_format)
    return follow(copy.view(*lead, c, height * r, width * r), input)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """``[*, C, H r, W r]`` as ``[*, C r^2, H, W]``: the inverse of ``pixel_shuffle``.

    Of any dtype; RuntimeError unless the factor divides height and width.

    >>> torch.pixel_unshuffle(torch.arange(4).reshape(1, 1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    r = _factor("pixel_unshuffle", "downscale_factor", downscale_factor, input)
    *lead, channels, height, width = input.shape
    for extent, what, dim in ((height, "height", -2), (width, "width", -1)):
        if extent % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {what} to be divisible by downscale_factor, but "
                f"input.size({dim})={extent} is not divisible by {r}"
            )
    n = len(lead)
    split = input.reshape(*lead, channels, height // r, r, width // r, r)  # type: ignore
    moved = split.permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    copy = moved.clone(memory_format=contiguous_format)
    return follow(copy.view(*lead, channels * r * r, height // r, width // r), input)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleaves the channels (dimension 1) of ``groups`` groups.

    ``[N, C, *]``, of any dtype; RuntimeError unless the groups divide the channels.

    >>> torch.channel_shuffle(torch.arange(4).reshape(1, 4, 1, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    if input.ndim < 3:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    channels = input.shape[1]
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and "
            f"{groups} groups."
        )
    split = input.unflatten(1, (groups, channels // groups))  # type: ignore[attr-defined]
    copy = split.transpose(1, 2).clone(memory_format=contiguous_format)
    return follow(copy.view(input.shape), input)


# ---- grids

_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
    "Please specify align_corners=True if the old behavior is desired. See the documentation of "
    "grid_sample for details."
)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places that an affine map sends the pixels of an image to, for ``grid_sample``.

    ``theta`` ``[N, 2, 3]`` and ``size`` ``(N, C, H, W)`` give ``[N, H, W, 2]``; for volumes
    ``[N, 3, 4]`` and ``(N, C, D, H, W)`` give ``[N, D, H, W, 3]``. Coordinates go from -1 to 1:
    between the centres of the corner pixels with ``align_corners``, else between the corners of
    the image.

    ValueError for another shape of ``theta``.

    >>> F.affine_grid(torch.eye(2, 3).unsqueeze(0), (1, 1, 2, 2), align_corners=True)[0, 0]
    tensor([[-1., -1.],
            [ 1., -1.]])
    """
    shown = tuple(size)
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(shown) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            "respectively. "
            f"Got size {size}."
        )
    n = len(shown) - 2
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. "
            "Got "
            f"{theta.shape}."
        )
    if align_corners is None:
        warnings.warn(_CHANGED, stacklevel=2)
    if min(shown) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return affine_points(theta, shown, bool(align_corners))


def affine_points(theta: Any, size: Sequence[int], align_corners: bool) -> Tensor:
    """``affine_grid`` of any dtype that ``linspace`` makes, unchecked."""
    batch, spatial = size[0], tuple(size[2:])
    base: Any = _base_grid(spatial, align_corners, theta)
    pixels = base.reshape(1, math.prod(spatial), len(spatial) + 1).expand(batch, -1, -1)
    return pixels.bmm(theta.transpose(1, 2)).reshape(batch, *spatial, len(spatial))


def _base_grid(spatial: tuple[int, ...], align: bool, like: Tensor) -> Tensor:
    """The homogeneous coordinates of the pixels: ``[*spatial, n + 1]``, x first."""
    axes = []
    for d, extent in enumerate(spatial):
        line: Any = zeros(extent, dtype=like.dtype, device=like.device)
        if extent > 1:
            line = linspace(-1, 1, extent, dtype=like.dtype, device=like.device)
        if not align:
            line = (line * (extent - 1) / extent).to(like.dtype)
        shape = [1] * len(spatial)
        shape[d] = extent
        axes.append(line.reshape(shape).expand(spatial))
    last = ones(spatial, dtype=like.dtype, device=like.device)
    return stack([*reversed(axes), last], -1)


# ---- sampling


@autocasting("grid_sample")
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """The values of images ``[N, C, H, W]`` at the places ``[N, h, w, 2]``: ``[N, C, h, w]``.

    Or of volumes ``[N, C, D, H, W]`` at ``[N, d, h, w, 3]``. Coordinates are (x, y[, z]) in
    [-1, 1], see ``affine_grid``. ``mode`` is "bilinear", "nearest" or "bicubic" (images only);
    ``padding_mode``, for places outside, "zeros", "border" or "reflection".
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            "but "
            f"got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_CHANGED, stacklevel=2)
    _check_grid(input, grid, mode)
    return sample(input, grid, mode, padding_mode, bool(align_corners))


def _check_grid(input: Tensor, grid: Tensor, mode: str) -> None:
    shown = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {shown}"
        )
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but "
            "got grid "
            f"with sizes {list(grid.shape)}"
        )
    for d in range(2, input.ndim):
        if input.shape[d] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                "has sizes "
                f"{list(input.shape)} with dimension {d} being empty"
            )
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, "
            f"but got {shown}"
        )
    if input.ndim == 5 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(
            f'"grid_sampler_{input.ndim - 2}d_cpu_kernel_impl" not implemented for '
            f"'{scalar_name(input.dtype)}'"
        )
    if grid.dtype is not input.dtype:
        raise RuntimeError(
            f"expected scalar type {scalar_name(input.dtype)} but found {scalar_name(grid.dtype)}"
        )


def sample(input: Tensor, grid: Tensor, mode: str, padding_mode: str, align: bool) -> Tensor:
    """``grid_sample`` after its checks: a weighted sum of the pixels around each place."""
    extents = tuple(reversed(input.shape[2:]))
    places = [_pixels(grid.select(-1, d), m, align) for d, m in enumerate(extents)]  # type: ignore
    if mode != "bicubic":
        places = [_inside(p, m, padding_mode, align) for p, m in zip(places, extents)]
    sides = [_taps(p, mode) for p in places]
    pixels, total = input.flatten(2), None  # type: ignore[attr-defined]
    for taps in itertools.product(*sides):
        part = _picked(pixels, taps, extents, mode, padding_mode, align)
        total = part if total is None else total + part
    assert total is not None
    return total.reshape(*input.shape[:2], *grid.shape[1:-1])


def _pixels(coordinate: Tensor, extent: int, align: bool) -> Tensor:
    """Coordinates in [-1, 1] as places among pixels 0 to ``extent - 1``."""
    if align:
        return (coordinate + 1) * ((extent - 1) / 2)  # type: ignore[operator]
    return ((coordinate + 1) * extent - 1) / 2  # type: ignore[operator]


def _inside(place: Tensor, extent: int, padding_mode: str, align: bool) -> Tensor:
    """Places outside moved to the border, or reflected there."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        low, span = (0.0, extent - 1) if align else (-0.5, extent)
        if span == 0:
            place = place * 0  # type: ignore[operator]
        else:
            turned = (place - low).abs()  # type: ignore[operator]
            rest, flips = turned.fmod(span), (turned / span).floor()
            place = rest.where(flips % 2 == 0, span - rest) + low
    return place.clamp(0, extent - 1)  # type: ignore[attr-defined]


def _taps(place: Tensor, mode: str) -> list[tuple[Tensor, Tensor | None]]:
    """The pixels that count along one dimension, and their weights (None: 1)."""
    if mode == "nearest":
        connected = (place * 0).nan_to_num() + 1  # type: ignore[operator]
        return [(place.detach().round(), connected)]  # type: ignore[attr-defined]
    first = place.detach().floor()  # type: ignore[attr-defined]
    part = place - first  # type: ignore[operator]
    if mode == "bilinear":
        return [(first, 1 - part), (first + 1, part)]
    return [(first + i - 1, _cubic(part, i)) for i in range(4)]


def _cubic(part: Tensor, tap: int) -> Tensor:
    """The cubic convolution kernel with a = -0.75 at the distance of a tap. (Keys, 1981.)"""
    a = -0.75
    d: Any = part + 1 - tap if tap < 2 else tap - 1 - part  # type: ignore[operator]
    if tap in (1, 2):
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a


def _picked(
    pixels: Tensor, taps: Any, extents: tuple[int, ...], mode: str, padding_mode: str, align: bool
) -> Tensor:
    """One pixel for each place, times its weight; zero outside of the image: ``[N, C, places]``."""
    index: Any = 0
    weight: Any = None
    inside: Any = None
    for (place, share), extent in zip(reversed(taps), reversed(extents)):
        if mode == "bicubic":
            place = _inside(place, extent, padding_mode, align)
        if padding_mode == "zeros":
            within = (place >= 0) & (place <= extent - 1)
            inside = within if inside is None else inside & within
            place = place.where(within, place * 0)
        index = index * extent + place.nan_to_num().clamp(0, extent - 1).long()
        if share is not None:
            weight = share if weight is None else weight * share
    index = index.flatten(1).unsqueeze(1)
    values = pixels.gather(2, index.expand(-1, pixels.shape[1], -1))  # type: ignore[attr-defined]
    if inside is not None:
        values = values.masked_fill(inside.logical_not().flatten(1).unsqueeze(1), 0)
    return values if weight is None else values * weight.flatten(1).unsqueeze(1)


__all__ = [name for name in exported(globals()) if name not in ("affine_points", "sample")]
