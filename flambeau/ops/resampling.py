"""Resizing of images: nearest, linear, cubic and Lanczos interpolation, and areas."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.op import FOLDED, LINEAR, Op
from flambeau.core.publish import aten, exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.shared import resampling as kernels
from flambeau.kernels.shared.resampling import Line
from flambeau.ops.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)
from flambeau.ops.direct import run
from flambeau.ops.spatial import follow


def _shape(x: Any, lines: tuple[Line, ...], transposed: bool) -> tuple[int, ...]:
    return (*x.shape[:2], *[line.extent if transposed else line.size for line in lines])


def _resampler(name: str, node: str) -> Op:
    """Resizing is linear; its transpose is the gradient, and the other way round."""

    def vjp(grad: Tensor, lines: tuple[Line, ...], transposed: bool) -> Tensor:
        return run(op, (grad,), (lines, not transposed))

    op = Op(name, kernels.resample, params=("lines", "transposed"), vjp={"input": vjp}, jvp=LINEAR,
            batch=FOLDED, shape=_shape, widen=True, node=node)  # fmt: skip
    return op


# PyTorch's names of the recorded operation, by mode and number of dimensions.
_NAMES = {"nearest": "Nearest", "nearest-exact": "NearestExact", "linear": "Linear",
          "bilinear": "Bilinear", "trilinear": "Trilinear", "bicubic": "Bicubic",
          "lanczos": "Lanczos"}  # fmt: skip
_OPS: dict[tuple[str, int, bool], Op] = {}


def _op(mode: str, n: int, antialias: bool) -> Op:
    key = (mode, n, antialias)
    if key not in _OPS:
        name = f"upsample_{mode.replace('-', '_')}{n}d{'_aa' if antialias else ''}"
        aa = "Aa" if antialias else ""
        _OPS[key] = _resampler(name, f"Upsample{_NAMES[mode]}{n}D{aa}Backward0")
    return _OPS[key]


_KINDS = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}
_RANKS = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2, "lanczos": 2}
_AREAS = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
_EACH = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


def _sizes(
    input: Tensor, size: Any, scale_factor: Any, recompute: Any
) -> tuple[list[int], list[float]]:
    """The size of the result, and the scale factors to compute with (0: from the sizes)."""
    n = input.ndim - 2
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    spatial = list(input.shape[2:])
    if size is not None:
        if recompute is not None and recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return _given_size(size, spatial), [0.0] * n
    factors = list(scale_factor) if isinstance(scale_factor, list | tuple) else [scale_factor] * n
    if len(factors) != n:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got "
            "input with "
            f"spatial dimensions of {spatial} and scale_factor of shape {scale_factor}. Please "
            "provide "
            "input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) "
            "format."
        )
    factors = [float(f) for f in factors]
    result = [math.floor(m * f) for m, f in zip(spatial, factors)]
    return result, [0.0] * n if recompute else factors


def _given_size(size: Any, spatial: list[int]) -> list[int]:
    if isinstance(size, list | tuple):
        if len(size) != len(spatial):
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input "
                "with "
                f"spatial dimensions of {spatial} and output size of {size}. Please provide input "
                "tensor "
                "in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if not all([hasattr(s, "__index__") for s in size]):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, "
                "int, int], "
                f"but got size with types {[type(s) for s in size]}"
            )
        return [s.__index__() for s in size]
    if not hasattr(size, "__index__"):
        raise TypeError(
            "interpolate(): argument 'size' must be int or tuple of ints, not "
            f"{type(size).__name__}"
        )
    return [size.__index__()] * len(spatial)


def _check_mode(input: Tensor, mode: str, align_corners: Any, antialias: bool) -> None:
    if mode in ("nearest", "area", "nearest-exact", "lanczos") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear "
            "| bicubic | trilinear"
        )
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D "
            "tensor as input"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    n = input.ndim - 2
    known = mode in _RANKS or mode in ("nearest", "area", "nearest-exact")
    if not known or n not in (1, 2, 3) or (mode in ("bicubic", "lanczos") and n != 2):
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
            f"{input.ndim}D) for the modes: {_EACH} (got {mode})"
        )
    if mode in _RANKS and _RANKS[mode] != n:
        raise NotImplementedError(
            f"Got {input.ndim}D input, but {mode} mode needs {_RANKS[mode] + 2}D input"
        )


def _check_image(input: Tensor, size: list[int], mode: str) -> None:
    n = len(size)
    if min(*size, *input.shape[2:]) <= 0:
        names = "DHW"[-n:]
        given = ", ".join([f"{c}: {m}" for c, m in zip(names, input.shape[2:])])
        wanted = ", ".join([f"{c}: {m}" for c, m in zip(names, size)])
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({given}) output "
            f"({wanted})"
        )
    if input.shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {n + 2}D data tensor expected but got a tensor with sizes "
            f"{list(input.shape)}"
        )
    of = input.dtype
    if not (of.is_floating_point or of.name == "uint8"):
        name = f"upsample_{mode.replace('-', '_')}{n}d"
        raise NotImplementedError(
            f"\"{name}_channels_last\" not implemented for '{scalar_name(of)}'"
        )


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Resizes ``[N, C, *spatial]`` (1 to 3 spatial dimensions) to ``size``, or by ``scale_factor``.

    ``mode``: "nearest", "nearest-exact", "area" (any rank), "linear" (3-D input), "bilinear",
    "bicubic", "lanczos" (4-D) or "trilinear" (5-D). With ``align_corners`` the centres of the
    corner pixels stay where they are, otherwise the corners of the image. ``antialias`` widens the
    filter when the image shrinks (4-D). The given scale factor is computed with, unless
    ``recompute_scale_factor``. ValueError without a size or a factor, or with both.

    >>> torch.nn.functional.interpolate(torch.tensor([[[0.0, 1.0]]]), size=4, mode="linear")
    tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    sizes, scales = _sizes(input, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return _AREAS[len(sizes) - 1](input, sizes)
    _check_image(input, sizes, mode)
    return _resized(input, sizes, scales, mode, bool(align_corners), bool(antialias))


def _resized(
    input: Tensor,
    sizes: list[int],
    scales: Sequence[float],
    mode: str,
    align: bool,
    antialias: bool,
) -> Tensor:
    """The image in its new size; scales of 0 follow from the sizes."""
    kind = _KINDS.get(mode, mode)
    lines = tuple([Line(m, s, kind, align, 0.0 if align else f, antialias)
                   for m, s, f in zip(input.shape[2:], sizes, scales)])  # fmt: skip
    result = run(_op(mode, len(sizes), antialias), (input,), (lines, False))
    return follow(result, input)


@aten("_upsample_bilinear2d_aa")
def _upsample_bilinear2d_aa(
    input: Tensor, output_size: Sequence[int] | None, align_corners: bool,
    scales_h: float | None = None, scales_w: float | None = None,
    *, scale_factors: Sequence[float] | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``interpolate(mode="bilinear", antialias=True)`` of ``[N, C, H, W]``.

    To ``output_size``, computed with the scales ``scales_h`` and ``scales_w`` where they are given;
    or by ``scale_factors``, which may also stand in the place of ``scales_h``.
    """
    if isinstance(scales_h, list | tuple):
        scale_factors, scales_h = scales_h, None
    if (output_size is None) == (scale_factors is None):
        raise RuntimeError("Must specify exactly one of output_size and scale_factors")
    if input.ndim != 4:
        raise RuntimeError(f"It is expected input_size equals to 4, but got size {input.ndim}")
    scales = (scales_h or 0.0, scales_w or 0.0) if scale_factors is None else scale_factors
    if output_size is None:
        output_size = [math.floor(n * f) for n, f in zip(input.shape[2:], scales)]
    if len(output_size) != 2:
        raise RuntimeError(
            f"It is expected output_size equals to 2, but got size {len(output_size)}"
        )
    _check_image(input, list(output_size), "bilinear")
    result = _resized(input, list(output_size), scales, "bilinear", align_corners, True)
    return deliver("_upsample_bilinear2d_aa", result, out)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """The old name of ``interpolate``.

    >>> F.upsample(torch.tensor([[[1., 2.]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """An old name of ``interpolate(mode="nearest")``.

    >>> F.upsample_nearest(torch.tensor([[[1., 2.]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """An old name of ``interpolate(mode="bilinear", align_corners=True)``.

    >>> F.upsample_bilinear(torch.tensor([[[[1., 3.]]]]), size=(1, 3))
    tensor([[[[1., 2., 3.]]]])
    """
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


__all__ = exported(globals())
