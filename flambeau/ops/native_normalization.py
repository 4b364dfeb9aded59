"""The normalisations of ``torch`` itself, with all arguments, and with statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import uint8
from flambeau.core.publish import aten, exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops import normalization, row_normalization

Maybe = Tensor | None


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


__all__ = exported(globals())
