"""The functions of ``torch`` itself that ``nn.functional`` offers in another form.

They take their arguments in another order. Losses are in ``native_losses.py``, normalisations in
``native_normalization.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops import adaptive_pooling, pooling, vision
from flambeau.ops import embedding as tables
from flambeau.ops.embedding_bag import MODES, bag_padding, bags
from flambeau.ops.examples import by_example

Maybe = Tensor | None


# ---- pooling


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.max_pool1d`` without indices.

    RuntimeError for padding above half of the window.

    >>> torch.max_pool1d(torch.tensor([[[1., 3., 2., 4.]]]), 2)
    tensor([[[3., 4.]]])
    """
    return pooling.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.max_pool2d`` without indices.

    RuntimeError for padding above half of the window.

    >>> torch.max_pool2d(torch.arange(16.).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    return pooling.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.max_pool3d`` without indices.

    RuntimeError for padding above half of the window.

    >>> torch.max_pool3d(torch.arange(8.).reshape(1, 1, 2, 2, 2), 2)
    tensor([[[[[7.]]]]])
    """
    return pooling.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """``nn.functional.adaptive_max_pool1d`` with indices.

    RuntimeError for other ranks.

    >>> torch.adaptive_max_pool1d(torch.arange(6.).reshape(1, 1, 6), 2)
    (tensor([[[2., 5.]]]), tensor([[[2, 5]]]))
    """
    return adaptive_pooling.adaptive_max_pool1d(input, output_size, True)


# ---- tables


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.embedding`` with the table first.

    IndexError for an index out of range.

    >>> torch.embedding(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1, 0, 1]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    return tables.look_up(weight, indices, padding_idx, scale_grad_by_freq, sparse)


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scales the rows of a table at ``indices`` down to ``max_norm``, in place."""
    tables.renormalize(input, indices, max_norm, norm_type)
    return input


@by_example
def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False,
    mode: int = 0, sparse: bool = False, per_sample_weights: Maybe = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """``nn.functional.embedding_bag``, with the bag of each index, the size of each bag and, for
    the maximum, the chosen indices. ``mode`` is 0 sum, 1 mean, 2 maximum.

    RuntimeError for an index out of range.

    >>> table = torch.tensor([[1., 2.], [3., 4.]])
    >>> torch.embedding_bag(table, torch.tensor([0, 1, 1]), torch.tensor([0, 2]))[0]
    tensor([[4., 6.],
            [3., 4.]])
    """
    padding = bag_padding(padding_idx, weight.shape[0])
    reduced, bag, sizes, chosen = bags(
        weight, indices, offsets, scale_grad_by_freq, MODES[mode], sparse, per_sample_weights,
        include_last_offset, padding,
    )  # fmt: skip
    if MODES[mode] == "sum":  # which needs none of it for its gradient
        none = sizes * 0
        places = bag if weight.requires_grad else bag[:0]  # type: ignore[attr-defined, index]
        return reduced, places, none, none.clone()  # type: ignore[attr-defined]
    return reduced, bag, sizes, chosen if MODES[mode] == "max" else sizes.clone()  # type: ignore


# ---- grids


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample``: mode 0 bilinear, 1 nearest, 2 bicubic; padding 0 zeros,
    1 border, 2 reflection.

    RuntimeError for another shape of ``grid``.

    >>> image, places = torch.arange(4.).reshape(1, 1, 2, 2), torch.zeros(1, 1, 1, 2)
    >>> torch.grid_sampler(image, places, 0, 0, True)
    tensor([[[[1.5000]]]])
    """
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    padding = ("zeros", "border", "reflection")[padding_mode]
    return vision.grid_sample(input, grid, mode, padding, align_corners)


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``grid_sampler`` of images.

    >>> image, places = torch.arange(4.).reshape(1, 1, 2, 2), torch.zeros(1, 1, 1, 2)
    >>> torch.grid_sampler_2d(image, places, 0, 0, True)
    tensor([[[[1.5000]]]])
    """
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``grid_sampler`` of volumes.

    RuntimeError for another shape of ``grid``.

    >>> volume, places = torch.arange(8.).reshape(1, 1, 2, 2, 2), torch.zeros(1, 1, 1, 1, 3)
    >>> torch.grid_sampler_3d(volume, places, 0, 0, True)
    tensor([[[[[3.5000]]]]])
    """
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """``nn.functional.affine_grid``, of integers and complex numbers too.

    RuntimeError where the shape of ``theta`` does not fit ``size``.

    >>> torch.affine_grid_generator(torch.eye(2, 3).unsqueeze(0), (1, 1, 2, 2), True)[0, :, :, 0]
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    if len(size) not in (4, 5):
        raise RuntimeError("AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs.")
    return vision.affine_points(theta, size, align_corners)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """``channel_shuffle``.

    >>> torch.native_channel_shuffle(torch.arange(4.).reshape(1, 4, 1, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    return vision.channel_shuffle(input, groups)


__all__ = exported(globals())
