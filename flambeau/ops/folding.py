"""Sliding blocks of images: ``unfold`` lists them as columns, ``fold`` adds columns up again."""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.op import FOLDED, LINEAR, Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import folding as kernels
from flambeau.ops.direct import run
from flambeau.ops.spatial import Ints, per_dimension

_GEOMETRY = ("kernel_size", "dilation", "padding", "stride")

_unfold = Op("im2col", kernels.columns, batch=FOLDED, params=_GEOMETRY, jvp=LINEAR,
    widen=True, node="Im2Col",
    vjp={"input": lambda grad, input_shape, kernel_size, dilation, padding, stride: run(
        _fold, (grad,), (tuple(input_shape[2:]), kernel_size, dilation, padding, stride))},
    shape=lambda x, kernel, *rest: (
        x.shape[0], x.shape[1] * math.prod(kernel),
        math.prod(kernels.blocks(x.shape[2:], kernel, *rest))))  # fmt: skip

_fold = Op("col2im", kernels.summed, params=("size", *_GEOMETRY), jvp=LINEAR, widen=True,
    node="Col2Im", batch=FOLDED,
    vjp={"input": lambda grad, kernel_size, dilation, padding, stride: run(
        _unfold, (grad,), (kernel_size, dilation, padding, stride))},
    shape=lambda x, size, kernel, *rest: (
        x.shape[0], x.shape[1] // math.prod(kernel), *size))  # fmt: skip


def _pair(value: Any, what: str) -> Ints:
    def refuse() -> Exception:
        return RuntimeError(f"It is expected {what} equals to 2, but got size {len(value)}")

    return per_dimension(value, 2, refuse)


def _geometry(
    kernel: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Ints, Ints, Ints, Ints]:
    numbers = (
        _pair(kernel, "kernel_size"), _pair(dilation, "dilation"), _pair(padding, "padding"),
        _pair(stride, "stride"),
    )  # fmt: skip
    for (height, width), what in (
        (numbers[0], "kernel"),
        (numbers[3], "stride"),
        (numbers[1], "dilation"),
    ):
        if height <= 0 or width <= 0:
            name = "kernel size" if what == "kernel" else what
            raise RuntimeError(
                f"{name} should be greater than zero, but got {what}_height: {height} "
                f"{what}_width: {width}"
            )
    if min(numbers[2]) < 0:
        raise RuntimeError(
            f"padding should be non-negative, but got pad_height: {numbers[2][0]} pad_width: "
            f"{numbers[2][1]}"
        )
    return numbers


def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The sliding blocks of ``[N, C, H, W]`` (or ``[C, H, W]``) as columns.

    The result is ``[N, C * KH * KW, L]`` with one column for each of the ``L`` places of the block.

    >>> torch.nn.functional.unfold(torch.ones(1, 1, 3, 3), 2).shape
    torch.Size([1, 4, 4])
    """
    if input.ndim < 3:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-input.ndim}, "
            f"{input.ndim - 1}], but "
            "got 2)"
        )
    numbers = _geometry(kernel_size, dilation, padding, stride)
    if input.ndim > 4 or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    count = kernels.blocks(tuple(input.shape[-2:]), *numbers)
    if min(count) < 1:
        told = [f"{what}=({v[0]}, {v[1]})" for what, v in zip(_GEOMETRY, numbers)]
        raise RuntimeError(
            f"Given input with spatial size ({input.shape[-2]}, {input.shape[-1]}), "
            f"{', '.join(told[:3])}, calculated shape of the array of sliding blocks as "
            f"({count[0]}, {count[1]}), but its components must be at least one."
        )
    if input.dtype.rank == 1:
        raise NotImplementedError(
            f"\"im2col_out_cpu\" not implemented for '{scalar_name(input.dtype)}'"
        )
    if input.ndim == 4:
        return run(_unfold, (input,), numbers)
    return run(_unfold, (input.unsqueeze(0),), numbers).squeeze(0)  # type: ignore[attr-defined]


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> Tensor:  # fmt: skip
    """Adds columns ``[N, C * KH * KW, L]`` up to images ``[N, C, *output_size]``.

    The transpose of ``unfold``.

    RuntimeError where ``L`` is not the number of windows.

    >>> F.fold(torch.ones(1, 4, 4), (3, 3), (2, 2))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    size = _pair(output_size, "output_size")
    numbers = _geometry(kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            "non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    kernel = numbers[0]
    if input.shape[-2] % math.prod(kernel):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            "but got "
            f"input.size(1)={input.shape[-2]} and kernel_size=({kernel[0]}, {kernel[1]})."
        )
    count = kernels.blocks(size, *numbers)
    if min(count) < 0 or math.prod(count) != input.shape[-1]:
        told = [f"{what}=({v[0]}, {v[1]})" for what, v in zip(_GEOMETRY, numbers)]
        raise RuntimeError(
            f"Given output_size=({size[0]}, {size[1]}), {', '.join(told)}, expected size of "
            "input's "
            f"dimension 2 to match the calculated number of sliding blocks {count[0]} * "
            f"{count[1]} = "
            f"{math.prod(count)}, but got input.size(2)={input.shape[-1]}."
        )
    if input.dtype.rank == 1:
        raise NotImplementedError(
            f"\"col2im_out_cpu\" not implemented for '{scalar_name(input.dtype)}'"
        )
    if input.ndim == 3:
        return run(_fold, (input,), (size, *numbers))
    return run(_fold, (input.unsqueeze(0),), (size, *numbers)).squeeze(0)  # type: ignore


__all__ = exported(globals())
