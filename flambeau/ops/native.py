"""The functions of ``torch`` itself that ``nn.functional`` offers in another form.

They take their arguments in another order, and a reduction as a number: 0 none, 1 mean, 2 sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import uint8
from flambeau.core.publish import aten, exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops import (
    adaptive_pooling,
    ctc,
    losses,
    margin_losses,
    normalization,
    pooling,
    row_normalization,
    vision,
)
from flambeau.ops import embedding as tables
from flambeau.ops.embedding_bag import MODES, bag_padding, bags
from flambeau.ops.examples import by_example
from flambeau.ops.reduction import REDUCTIONS

Maybe = Tensor | None


# ---- normalisation


def batch_norm(
    input: Tensor, weight: Maybe, bias: Maybe, running_mean: Maybe, running_var: Maybe,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``nn.functional.batch_norm``, all arguments given.

    >>> x, none = torch.tensor([[1.], [3.]]), None
    >>> torch.batch_norm(x, none, none, none, none, True, 0.1, 0., False)
    tensor([[-1.],
            [ 1.]])
    """
    return normalization.normalize_batch(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )[0]


def native_batch_norm(
    input: Tensor, weight: Maybe, bias: Maybe, running_mean: Maybe, running_var: Maybe,
    training: bool, momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """``batch_norm`` with the mean and 1 / deviation of each channel (empty out of training).

    >>> x, none = torch.tensor([[1.], [3.]]), None
    >>> torch.native_batch_norm(x, none, none, none, none, True, 0.1, 0.)[1:]
    (tensor([2.]), tensor([1.]))
    """
    result, mean, rstd = normalization.normalize_batch(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )
    if not training:
        mean, rstd = mean.new_empty(0), rstd.new_empty(0)  # type: ignore[attr-defined]
    of = _statistics_dtype(input, weight, bias, running_mean)
    return deliver("native_batch_norm", (result, mean.to(of), rstd.to(of)), out)  # type: ignore


@aten("_native_batch_norm_legit")
def _native_batch_norm_legit(
    input: Tensor, weight: Maybe, bias: Maybe, *statistics_and_options: Any, out: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    """``native_batch_norm`` with ``running_mean, running_var, training, momentum, eps``, or with
    the last three alone, without running statistics."""
    missing = (None,) * (5 - len(statistics_and_options))
    return native_batch_norm(input, weight, bias, *missing, *statistics_and_options, out=out)


@aten("_batch_norm_with_update")
def _batch_norm_with_update(
    input: Tensor, weight: Maybe, bias: Maybe, running_mean: Tensor, running_var: Tensor,
    momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """``native_batch_norm`` in training, with a fourth result: what the gradient would reserve,
    which is nothing (uint8)."""
    results = native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    reserve = input.new_empty(0, dtype=uint8)  # type: ignore[attr-defined]
    return deliver("_batch_norm_with_update", (*results, reserve), out)


def _statistics_dtype(input: Tensor, *parameters: Maybe) -> DType:
    """The dtype of the parameters, where there are any: half precision is not forced on them."""
    return next((p.dtype for p in parameters if p is not None), input.dtype)


def _statistics(input: Tensor, dims: Any, eps: float, of: DType) -> tuple[Tensor, Tensor]:
    """The mean and 1 / deviation over ``dims``, which have gradients too."""
    wide = input.float() if input.dtype.itemsize < 4 else input  # type: ignore[attr-defined]
    mean = wide.mean(dims, True)  # type: ignore[attr-defined]
    rstd = ((wide - mean).square().mean(dims, True) + eps).rsqrt()
    return mean.to(of), rstd.to(of)


def instance_norm(
    input: Tensor, weight: Maybe, bias: Maybe, running_mean: Maybe, running_var: Maybe,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``nn.functional.instance_norm``, all arguments given.

    >>> x, none = torch.tensor([[[1., 3.]]]), None
    >>> torch.instance_norm(x, none, none, none, none, True, 0.1, 0., False)
    tensor([[[-1.,  1.]]])
    """
    return normalization.normalize_instances(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps
    )


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Maybe = None, bias: Maybe = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """``nn.functional.layer_norm``.

    RuntimeError where the last dimensions have another shape.

    >>> torch.layer_norm(torch.tensor([[1., 3.]]), (2,), eps=0.)
    tensor([[-1.,  1.]])
    """
    return row_normalization.layer_norm(input, normalized_shape, weight, bias, eps)


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Maybe, bias: Maybe, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``layer_norm`` with the mean and 1 / deviation of each row.

    RuntimeError where the last dimensions have another shape.

    >>> torch.native_layer_norm(torch.tensor([[1., 3.]]), (2,), None, None, 0.)[1:]
    (tensor([[2.]]), tensor([[1.]]))
    """
    result = row_normalization.layer_norm(input, normalized_shape, weight, bias, eps)
    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    return result, *_statistics(input.detach(), dims, eps, _statistics_dtype(input, weight, bias))


def group_norm(
    input: Tensor, num_groups: int, weight: Maybe = None, bias: Maybe = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """``nn.functional.group_norm``, also of one value per group.

    RuntimeError unless the groups divide the channels.

    >>> torch.group_norm(torch.tensor([[[1.], [3.], [5.], [5.]]]), 2, eps=0.01).round(decimals=2)
    tensor([[[-1.],
             [ 1.],
             [ 0.],
             [ 0.]]])
    """
    return normalization.normalize_groups(input, num_groups, weight, bias, eps)[0]


def native_group_norm(
    input: Tensor, weight: Maybe, bias: Maybe, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``group_norm`` with the mean and 1 / deviation of each group.

    >>> torch.native_group_norm(torch.tensor([[[1.], [3.]]]), None, None, 1, 2, 1, 1, 0.)[1:]
    (tensor([[2.]]), tensor([[1.]]))
    """
    result = normalization.normalize_groups(input, group, weight, bias, eps)[0]
    rows = input.reshape(N, group, C // group * HxW)  # type: ignore[attr-defined]
    mean, rstd = _statistics(rows, 2, eps, _statistics_dtype(input, weight, bias))
    return result, mean.squeeze(2), rstd.squeeze(2)  # type: ignore[attr-defined]


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


# ---- tables and losses


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


# ---- losses


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Maybe = None,
    pos_weight: Maybe = None,
    reduction: int = 0,
) -> Tensor:
    """``nn.functional.binary_cross_entropy_with_logits`` with the reduction as a number.

    >>> logits, target = torch.tensor([0.]), torch.tensor([1.])
    >>> torch.binary_cross_entropy_with_logits(logits, target, None, None, 1)
    tensor(0.6931)
    """
    return losses.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=pos_weight, reduction=REDUCTIONS[reduction]
    )


def kl_div(
    input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False
) -> Tensor:
    """``nn.functional.kl_div`` with the reduction as a number.

    RuntimeError where the shapes do not broadcast.

    >>> torch.kl_div(torch.tensor([0.25, 0.75]).log(), torch.tensor([0.5, 0.5]), 2)
    tensor(0.1438)
    """
    return losses.divergence(input, target, REDUCTIONS[reduction], log_target)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """``nn.functional.poisson_nll_loss`` with the reduction as a number.

    RuntimeError where the shapes do not broadcast.

    >>> torch.poisson_nll_loss(torch.tensor([0.]), torch.tensor([1.]), True, False, 1e-8, 1)
    tensor(1.)
    """
    return margin_losses.poisson_nll_loss(
        input, target, log_input, full, eps=eps, reduction=REDUCTIONS[reduction]
    )


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0
) -> Tensor:
    """``nn.functional.hinge_embedding_loss`` with the reduction as a number.

    RuntimeError where the shapes do not broadcast.

    >>> torch.hinge_embedding_loss(torch.tensor([0.5, 2.]), torch.tensor([1, -1]), 1.)
    tensor([0.5000, 0.0000])
    """
    return margin_losses.hinge_embedding_loss(
        input, target, margin, reduction=REDUCTIONS[reduction]
    )


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """``nn.functional.margin_ranking_loss`` with the reduction as a number.

    RuntimeError where the shapes do not broadcast.

    >>> torch.margin_ranking_loss(torch.tensor([1.]), torch.tensor([2.]), torch.tensor([1.]), 0.5)
    tensor([1.5000])
    """
    return margin_losses.margin_ranking_loss(
        input1, input2, target, margin, reduction=REDUCTIONS[reduction]
    )


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """``nn.functional.cosine_embedding_loss`` with the reduction as a number.

    RuntimeError where the shapes do not fit.

    >>> torch.cosine_embedding_loss(torch.ones(1, 2), torch.ones(1, 2), torch.tensor([-1]), 0.25, 1)
    tensor(0.7500)
    """
    return margin_losses.cosine_embedding_loss(
        input1, input2, target, margin, reduction=REDUCTIONS[reduction]
    )


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: int = 0,
) -> Tensor:  # fmt: skip
    """``nn.functional.triplet_margin_loss`` with the reduction as a number.

    RuntimeError where the shapes do not broadcast.

    >>> anchor, near, far = torch.zeros(1, 2), torch.tensor([[1., 0.]]), torch.tensor([[3., 0.]])
    >>> torch.triplet_margin_loss(anchor, near, far, 3.)
    tensor([1.])
    """
    return margin_losses.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, reduction=REDUCTIONS[reduction]
    )


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: int = 0, zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.ctc_loss`` with the reduction as a number.

    >>> scores = torch.zeros(4, 1, 3).log_softmax(2)
    >>> torch.ctc_loss(scores, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]), 0, 2)
    tensor(1.6864)
    """
    return ctc.ctc_loss(
        log_probs,
        targets,
        input_lengths,
        target_lengths,
        blank,
        REDUCTIONS[reduction],
        zero_infinity,
    )


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
    """``nn.functional.affine_grid``.

    >>> torch.affine_grid_generator(torch.eye(2, 3).unsqueeze(0), (1, 1, 2, 2), True)[0, :, :, 0]
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    return vision.affine_grid(theta, size, align_corners)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """``channel_shuffle``.

    >>> torch.native_channel_shuffle(torch.arange(4.).reshape(1, 4, 1, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    return vision.channel_shuffle(input, groups)


__all__ = exported(globals())
