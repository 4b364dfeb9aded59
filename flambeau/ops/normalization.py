"""Normalisation over batches, images and groups of channels, with fused gradients.

While gradients are recorded themselves (``create_graph=True``), the rules use formulas of tensors
instead of the fused kernels, so that they differentiate again.
"""

from __future__ import annotations

import math
from typing import Any

from flambeau.core.flips import elements
from flambeau.core.modes import modes
from flambeau.core.op import UNUSED, Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver, write
from flambeau.kernels.shared import normalization as kernels
from flambeau.kernels.shared.precision import wide
from flambeau.ops.batching import of_channels, of_groups
from flambeau.ops.direct import run
from flambeau.ops.normalization_rules import (
    Maybe,
    Needs,
    affine_grads,
    affine_tangent,
    parameter_like,
    per_channel,
    statistics,
    unit_grad,
    unit_of,
)  # fmt: skip
from flambeau.ops.pooling import avg_pool2d, avg_pool3d
from flambeau.ops.spatial import follow
from flambeau.ops.vector_norms import vector_norm

# ---- batch norm

_batch_norm = Op("native_batch_norm", kernels.batch_norm_forward,
    inputs=("input", "weight", "bias", "running_mean", "running_var"), params=("training", "eps"),
    outputs=4, differentiable=(0,), accepts="f", refusal="batch_norm", batch=of_channels,
    shape=lambda x, weight, bias, mean, var, training, eps: (
        x.shape, *[statistics(x, (x.shape[1],), 0)] * 3))  # fmt: skip

_batch_norm_backward = Op("native_batch_norm_backward", kernels.batch_norm_backward,
    inputs=("grad_output", "input", "weight", "mean", "rstd"), params=("training", "needs_of"),
    outputs=3, shape=lambda g, x, weight, mean, rstd, training, needs: (
        x.shape, (x.shape[1],), (x.shape[1],)))  # fmt: skip


@_batch_norm.vjp
def _(grad: Tensor, input: Tensor, weight: Maybe, result1: Tensor, result2: Tensor, training: bool,
      eps: float, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if not modes.grad and grad._kind is not None:
        tensors = (grad, input, weight, result1, result2)
        return *run(_batch_norm_backward, tensors, (training, needs[:3])), None, None
    dims = (0, *range(2, input.ndim))
    unit, scale = _channel_unit(input, result1, result2, dims, training, eps)
    g, dw, db = affine_grads(grad, unit, per_channel(weight, input.ndim), dims, needs[:3])  # type: ignore
    dx = unit_grad(g, unit, scale, dims) if training else g * scale
    return dx if needs[0] else None, dw, db, None, None


def _channel_unit(
    input: Tensor, mean: Tensor, rstd: Tensor, dims: Any, training: bool, eps: float
) -> tuple[Tensor, Tensor]:
    """As ``_unit``; out of training with statistics that do not depend on the input."""
    if training:
        return unit_of(input, dims, eps)
    scale = per_channel(rstd, input.ndim)
    return (input - per_channel(mean, input.ndim)) * scale, scale  # type: ignore[operator,return-value]


@_batch_norm.jvp
def _(input: Tensor, weight: Maybe, input_t: Maybe, weight_t: Maybe, bias_t: Maybe, result1: Tensor,
      result2: Tensor, training: bool, eps: float) -> Any:  # fmt: skip
    dims = (0, *range(2, input.ndim))
    unit, scale = _channel_unit(input, result1, result2, dims, training, eps)
    weight, weight_t, bias_t = (per_channel(v, input.ndim) for v in (weight, weight_t, bias_t))
    if not training and input_t is not None:
        tangent = input_t * scale if weight is None else input_t * scale * weight
        rest = affine_tangent(unit, scale, dims, weight, None, weight_t, bias_t)
        return (tangent if rest is None else tangent + rest), None, None, None
    return affine_tangent(unit, scale, dims, weight, input_t, weight_t, bias_t), None, None, None


_batch_norm.linked = UNUSED


def normalize_batch(
    input: Tensor, weight: Maybe, bias: Maybe, running_mean: Maybe, running_var: Maybe,
    training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Batch norm, updating running statistics in training: the result, mean and 1 / deviation."""
    if not input._array.size:
        return _batch_of_nothing(input, weight, bias), *[input.new_empty(0)] * 2  # type: ignore
    channels = input.size(1) if input.ndim < 2 else input._array.shape[1]  # type: ignore
    given = (running_mean, running_var, weight, bias)
    if not training and (running_mean is None or running_var is None):
        absent = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{absent} must be defined in evaluation mode")
    kind = input._kind
    for tensor in given:
        if tensor is not None and (tensor._kind is not kind or tensor._array.size != channels):
            _check_parameters(input, given, channels)
            break
    statistics = (None, None) if training else (running_mean, running_var)
    result, mean, rstd, var = run(_batch_norm, (input, weight, bias, *statistics), (training, eps))
    if training and running_mean is not None and input._array.size:
        if mean.mapped and not input.mapped:  # only the factors differ between examples
            _, mean, _, var = run(_batch_norm, (input, None, None, None, None), (True, eps))
        _blend(running_mean, mean, momentum)
        _blend(running_var, var, momentum)  # type: ignore[arg-type]
    return follow(result, input), mean, rstd


def _batch_of_nothing(input: Tensor, weight: Maybe, bias: Maybe) -> Tensor:
    """A copy of the input; the parameters take part, so that they get gradients of zero."""
    result = input.clone()  # type: ignore[attr-defined]
    result = result if weight is None else result * weight[0]  # type: ignore[index]
    return result if bias is None else result + bias[0]  # type: ignore[index]


def _check_parameters(input: Tensor, given: tuple[Maybe, ...], channels: int) -> None:
    for tensor, name in zip(given, ("running_mean", "running_var", "weight", "bias")):
        if tensor is not None and tensor._array.size != channels:
            raise RuntimeError(
                f"{name} should contain {channels} elements not {tensor._array.size}"
            )
    for tensor in given:
        if tensor is not None and tensor._kind is not input._kind:
            if input.dtype.name == "float64" and tensor.dtype.name == "float32":
                raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
            parameter_like(tensor, input, "batch_norm")


def _check_mapped(running: Tensor) -> None:
    if not running.mapped:
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which "
            "will be updated in place, were not batched.\nIf you are using modules and do not need "
            "eval mode, please set `track_running_stats` to be False.If you are using a prebuilt "
            "module and do not need eval mode, please see the functorch website for resources on "
            "how to patch your module to work with vmap"
        )


def _blend(running: Tensor, new: Tensor, momentum: float) -> None:
    """Moves a running statistic towards a new one, in place and without a history."""
    if new.mapped or running.mapped:
        _check_mapped(running)
        running.mul_(1 - momentum).add_(new.detach() * momentum)  # type: ignore[attr-defined]
        return
    old, latest = wide(elements(running)), wide(elements(new))
    write(running, old * (1 - momentum) + latest * momentum)


def _check_enough(input: Tensor) -> None:
    shape = input._array.shape
    if not shape:
        raise IndexError("tuple index out of range")
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.shape}"
        )


def batch_norm(
    input: Tensor, running_mean: Maybe, running_var: Maybe, weight: Maybe = None,
    bias: Maybe = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalises each channel of ``[N, C, *]`` over the batch and its pixels.

    In training with the biased variance of the batch, which moves the running statistics by
    ``momentum`` towards the batch's mean and unbiased variance; otherwise with the running
    statistics. Raises ValueError for a single value per channel in training. (Ioffe and Szegedy,
    Batch Normalization, 2015.)

    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if training:
        _check_enough(input)
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
        if (running_mean is None) != (running_var is None):
            raise ValueError(
                "running_mean and running_var must either both be None or neither be None"
            )
    return normalize_batch(input, weight, bias, running_mean, running_var, training, momentum, eps)[
        0
    ]


def instance_norm(
    input: Tensor, running_mean: Maybe = None, running_var: Maybe = None, weight: Maybe = None,
    bias: Maybe = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalises each channel of each image of ``[N, C, *]`` over its pixels.

    Running statistics are the means of the images' statistics. (Ulyanov, Vedaldi and Lempitsky,
    Instance Normalization, 2016.)

    ``weight``, ``bias`` and the statistics are ``[C]``. ValueError for one pixel per channel.

    >>> F.instance_norm(torch.tensor([[[1., 3.]]]), eps=0.)
    tensor([[[-1.,  1.]]])
    """
    if use_input_stats:
        if math.prod(input.shape[2:]) == 1:
            raise ValueError(
                f"Expected more than 1 spatial element when training, got input size {input.shape}"
            )
        if (running_mean is None) != (running_var is None):
            raise ValueError(
                "running_mean and running_var must either both be None or neither be None"
            )
    return normalize_instances(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps
    )


def normalize_instances(
    input: Tensor, weight: Maybe, bias: Maybe, running_mean: Maybe, running_var: Maybe,
    use_input_stats: bool, momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    """Instance norm is batch norm of one image whose channels are those of all images."""
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    batch, channels = input.shape[:2]
    image = input.reshape(1, batch * channels, *input.shape[2:])  # type: ignore[attr-defined]
    vectors = (weight, bias, running_mean, running_var)
    repeated = [None if v is None else v.repeat(batch) for v in vectors]  # type: ignore
    result = normalize_batch(image, *repeated, use_input_stats, momentum, eps)[0]
    if use_input_stats and running_mean is not None:
        for running, moved in zip((running_mean, running_var), repeated[2:]):
            _blend(running, moved.detach().view(batch, channels).mean(0), 1.0)  # type: ignore
    return result.view(input.shape)  # type: ignore[attr-defined]


# ---- group norm

_group_norm = Op("native_group_norm", kernels.group_norm_forward,
    inputs=("input", "weight", "bias"), params=("groups", "eps"), outputs=3,
    differentiable=(0,), accepts="f", refusal="GroupNormKernelImpl", batch=of_groups,
    shape=lambda x, weight, bias, groups, eps: (
        x.shape, *[statistics(x, (x.shape[0], groups), 0)] * 2))  # fmt: skip

_group_norm_backward = Op("native_group_norm_backward", kernels.group_norm_backward,
    inputs=("grad_output", "input", "mean", "rstd", "weight"), params=("groups", "needs_of"),
    outputs=3, shape=lambda g, x, mean, rstd, weight, groups, needs: (
        x.shape, (x.shape[1],), (x.shape[1],)))  # fmt: skip


@_group_norm.vjp
def _(grad: Tensor, input: Tensor, weight: Maybe, result1: Tensor, result2: Tensor, groups: int,
      eps: float, needs: Needs) -> Any:  # fmt: skip
    if not modes.grad and grad._kind is not None:
        return run(_group_norm_backward, (grad, input, result1, result2, weight), (groups, needs))
    rows = (input.shape[0], groups, math.prod(input.shape[1:]) // groups)
    unit, scale = unit_of(input.reshape(rows), 2, eps)  # type: ignore[attr-defined]
    dims = (0, *range(2, input.ndim))
    g, dw, db = affine_grads(
        grad, unit.reshape(input.shape), per_channel(weight, input.ndim), dims, needs
    )
    dx = unit_grad(g.reshape(rows), unit, scale, 2).reshape(input.shape) if needs[0] else None
    return dx, dw, db


@_group_norm.jvp
def _(input: Tensor, weight: Maybe, input_t: Maybe, weight_t: Maybe, bias_t: Maybe, groups: int,
      eps: float) -> Any:  # fmt: skip
    shape, ndim = input.shape, input.ndim
    rows = (shape[0], groups, math.prod(shape[1:]) // groups)
    unit, scale = unit_of(input.reshape(rows), 2, eps)  # type: ignore[attr-defined]
    if input_t is not None:
        input_t = unit_grad(input_t.reshape(rows), unit, scale, 2).reshape(shape)  # type: ignore
        input_t = input_t if weight is None else input_t * per_channel(weight, ndim)
    for part in (
        None if weight_t is None else unit.reshape(shape) * per_channel(weight_t, ndim),
        per_channel(bias_t, ndim),
    ):
        if part is not None:
            input_t = part if input_t is None else input_t + part
    return input_t, None, None


def group_norm(
    input: Tensor, num_groups: int, weight: Maybe = None, bias: Maybe = None, eps: float = 1e-5
) -> Tensor:
    """Normalises each image of ``[N, C, *]`` over each of ``num_groups`` groups of channels.

    (Wu and He, Group Normalization, 2018.)

    ``weight`` and ``bias`` are ``[C]``. RuntimeError unless the groups divide the channels,
    ValueError for one value per group.

    >>> F.group_norm(torch.tensor([[[1.], [3.], [5.], [5.]]]), 2, eps=0.01).round(decimals=2)
    tensor([[[-1.],
             [ 1.],
             [ 0.],
             [ 0.]]])
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    shape = input.shape
    if shape[0] * shape[1] // num_groups * math.prod(shape[2:]) == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{[shape[0] * shape[1] // num_groups, num_groups, *shape[2:]]}"
        )
    return normalize_groups(input, num_groups, weight, bias, eps)[0]


def normalize_groups(
    input: Tensor, groups: int, weight: Maybe, bias: Maybe, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Group norm: the result, mean and 1 / deviation; with the checks of ``torch.group_norm``."""
    shape = list(input.shape)
    if groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {groups}")
    if shape[1] % groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {shape} and num_groups={groups}"
        )
    for tensor, name in ((weight, "weight"), (bias, "bias")):
        if tensor is None:
            continue
        if tensor._array.shape != (shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(tensor.shape) if name == 'weight' else [0]} and "
                f"input of shape {shape}"
            )
        if tensor._kind is not input._kind:
            parameter_like(tensor, input, "GroupNormKernelImpl")
    result, *statistics = run(_group_norm, (input, weight, bias), (groups, eps))
    return follow(result, input), *statistics


# ---- others


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divides by ``(k + alpha * mean(x^2))^beta`` over ``size`` neighbouring channels.

    (Krizhevsky, Sutskever and Hinton, ImageNet Classification, 2012.)

    ``[N, C, *]``; ValueError for less than three dimensions.

    >>> F.local_response_norm(torch.ones(1, 2, 1), 2, alpha=2., beta=1., k=1.).flatten()
    tensor([0.5000, 0.3333])
    """
    if input.ndim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          input (got "
            f"{input.ndim} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares = (input * input).unsqueeze(1)  # type: ignore[operator]
    ends = (size // 2, (size - 1) // 2)
    if input.ndim == 3:
        means = avg_pool2d(squares.constant_pad_nd((0, 0, *ends)), (size, 1), 1)
    else:
        planes = squares.reshape(*squares.shape[:4], -1).constant_pad_nd((0, 0, 0, 0, *ends))
        means = avg_pool3d(planes, (size, 1, 1), 1)
    return follow(input / (means.reshape(input.shape) * alpha + k).pow(beta), input)


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """``input / max(norm, eps)`` with the ``p``-norm over ``dim``.

    Floating or complex, of any shape.

    >>> F.normalize(torch.tensor([[3., 4.], [0., 0.]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    norm = vector_norm(input, p, dim, True)
    return deliver("normalize", input / norm.clamp_min(eps).expand_as(input), out)  # type: ignore


__all__ = [n for n in exported(globals()) if not n.startswith("normalize_")]
