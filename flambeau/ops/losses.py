"""Losses of an input and a target of the same shape."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import scalar_name
from flambeau.core.op import Op
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import pairwise_losses as kernels
from flambeau.ops.batching import of_losses
from flambeau.ops.direct import run
from flambeau.ops.pointwise.functional import logsigmoid
from flambeau.ops.reduction import chosen, reduced

Maybe = Tensor | None


def _share(grad: Tensor, losses: Tensor, reduction: str) -> Tensor:
    """The gradient of each loss from that of the reduced loss."""
    return grad / losses.numel() if reduction == "mean" else grad  # type: ignore[operator]


def _of_difference(slope: Any) -> Any:
    """The gradient rule of a loss of ``input - target``: opposite slopes for the two."""

    def rule(grad: Tensor, input: Tensor, target: Tensor, needs: Any, reduction: str) -> Any:
        difference = input - target  # type: ignore[operator]
        g = slope(difference) * _share(grad, difference, reduction)
        return g, -g if needs[1] else None

    return rule


def _tangent(slope: Tensor, input_t: Maybe, target_t: Maybe, reduction: str) -> Tensor:
    """The tangent of a loss of ``input - target``."""
    if target_t is not None:
        input_t = -target_t if input_t is None else input_t - target_t  # type: ignore[operator]
    return reduced(slope * input_t, reduction)  # type: ignore[operator]


_mse = Op("mse_loss", kernels.squared_error, inputs=("input", "target"), params=("reduction",),
    batch=of_losses, promote="same", widen=True, accepts="f", refusal="mse_cpu",
    vjp=_of_difference(lambda d: 2 * d),
    jvp=lambda input, target, input_t, target_t, reduction: (
        _tangent(2 * (input - target), input_t, target_t, reduction)))  # fmt: skip

_l1 = Op(
    "l1_loss",
    kernels.absolute_error,
    inputs=("input", "target"),
    params=("reduction",),
    batch=of_losses,
    promote="same",
    widen=True,
    accepts="f",
    node="Mean",
    vjp=_of_difference(lambda d: d.sign()),
    jvp=lambda input, target, input_t, target_t, reduction: _tangent(
        (input - target).sign(), input_t, target_t, reduction
    ),
)

_smooth_l1 = Op("smooth_l1_loss", kernels.smooth_absolute_error, inputs=("input", "target"),
    params=("beta", "reduction"), batch=of_losses, promote="same", widen=True, accepts="f",
    refusal="smooth_l1_cpu")  # fmt: skip

_huber = Op("huber_loss", kernels.huber, inputs=("input", "target"), params=("delta", "reduction"),
    batch=of_losses, promote="same", widen=True, accepts="f", refusal="huber_cpu")  # fmt: skip


@_smooth_l1.vjp
def _(grad: Tensor, input: Tensor, target: Tensor, needs: Any, beta: float, reduction: str) -> Any:
    slope = lambda d: (d / beta).clamp(-1, 1) if beta else d.sign()  # noqa: E731
    return _of_difference(slope)(grad, input, target, needs, reduction)


@_huber.vjp
def _(grad: Tensor, input: Tensor, target: Tensor, needs: Any, delta: float, reduction: str) -> Any:
    return _of_difference(lambda d: d.clamp(-delta, delta))(grad, input, target, needs, reduction)


_soft_margin = Op("soft_margin_loss", kernels.soft_margin, inputs=("input", "target"),
    params=("reduction",), batch=of_losses, promote="same", widen=True, accepts="fc",
    vjp={"input": lambda grad, input, target, reduction: (
        -target * (-target * input).sigmoid() * _share(grad, input * target, reduction)),
    })  # fmt: skip

_kl_div = Op(
    "kl_div",
    kernels.divergence,
    inputs=("input", "target"),
    params=("log_target", "reduction"),
    batch=of_losses,
    promote="same",
    widen=True,
    accepts="f",
    node="Mean",
    vjp={
        "input": lambda grad, input, target, log_target, reduction: (
            -(target.exp() if log_target else target) * _share(grad, input + target, reduction)
        ),
        "target": lambda grad, input, target, log_target, reduction: (
            _kl_slope(input, target, log_target) * _share(grad, input + target, reduction)
        ),
    },
)


_kl_div.linked = False  # PyTorch's gradient does not use the input


def _kl_slope(input: Tensor, target: Tensor, log_target: bool) -> Tensor:
    if log_target:
        return target.exp() * (target - input + 1)  # type: ignore[attr-defined]
    logs = target.log().masked_fill(target == 0, 0)  # type: ignore[attr-defined]
    return logs + target / target - input


_bce = Op("binary_cross_entropy", kernels.binary_cross_entropy,
    inputs=("input", "target", "weight"), params=("reduction",), batch=of_losses, promote="same",
    widen=True,     accepts="f", refusal="binary_cross_entropy",
    vjp={"input": lambda grad, input, target, weight, reduction: _weighted(
            (input - target) / (input * (1 - input)).clamp_min(1e-12)
            * _share(grad, input, reduction), weight),
         "target": lambda grad, input, weight, reduction: _weighted(
            ((-input).log1p().clamp_min(-100) - input.log().clamp_min(-100))
            * _share(grad, input, reduction), weight)})  # fmt: skip

_bce_logits = Op("binary_cross_entropy_with_logits", kernels.binary_cross_entropy_of_logits,
    inputs=("input", "target", "weight", "pos_weight"), params=("reduction",), batch=of_losses,
    promote="same", widen=True, accepts="f", refusal="log_sigmoid_cpu",
    vjp={"input": lambda grad, input, target, weight, pos_weight, reduction: _weighted(
            _logit_slope(input, target, pos_weight) * _share(grad, input, reduction), weight),
         "target": lambda grad, input, weight, pos_weight, reduction: _weighted(
            _target_slope(input, pos_weight) * _share(grad, input, reduction), weight),
    })  # fmt: skip


def _weighted(tensor: Tensor, weight: Maybe) -> Tensor:
    return tensor if weight is None else tensor * weight  # type: ignore[operator]


def _logit_slope(input: Tensor, target: Tensor, pos_weight: Maybe) -> Tensor:
    if pos_weight is None:
        return input.sigmoid() - target  # type: ignore[attr-defined]
    positive = pos_weight * target  # type: ignore[operator]
    return (positive + 1 - target) * input.sigmoid() - positive  # type: ignore[attr-defined]


def _target_slope(input: Tensor, pos_weight: Maybe) -> Tensor:
    if pos_weight is None:
        return -input  # type: ignore[operator]
    return logsigmoid(input) * (1 - pos_weight) - input  # type: ignore[operator]


# ---- public functions


def warn_of_shape(input: Tensor, target: Tensor, depth: int = 3) -> None:
    """Warns of a target of another shape, which is broadcast."""
    if target.size() != input.size():  # type: ignore[attr-defined]
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size "  # type: ignore
            f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "  # type: ignore
            "Please ensure they have the same size.",
            stacklevel=depth,
        )


def _pair(op: Op, input: Tensor, target: Tensor, *params: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise not_a_tensor(op.name, "input", 1, input)
    if not isinstance(target, Tensor):
        raise not_a_tensor(op.name, "target", 2, target)
    return run(op, (input, target), params)


def _weighted_mean(losses: Tensor, input: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """Weighted losses; their mean divides by the sum of the weights."""
    if weight.size() != input.size():  # type: ignore[attr-defined]
        raise ValueError("Weights and input must have the same size.")
    losses = losses * weight  # type: ignore[operator]
    if reduction == "mean":
        return losses.sum() / weight.sum()  # type: ignore[attr-defined]
    return reduced(losses, reduction)


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Maybe = None,
) -> Tensor:  # fmt: skip
    """The mean of ``(input - target)^2``; ``reduction`` "sum" or "none" instead.

    With ``weight`` the mean divides by the sum of the weights. ValueError for another
    ``reduction``.

    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """
    if input._array.shape != target.size():  # type: ignore[attr-defined]
        warn_of_shape(input, target)
    reduction = chosen(reduction, size_average, reduce)
    if weight is not None:
        return _weighted_mean(_pair(_mse, input, target, "none"), input, weight, reduction)
    return _pair(_mse, input, target, reduction)


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Maybe = None,
) -> Tensor:  # fmt: skip
    """The mean of ``|input - target|``; ``reduction`` "sum" or "none" instead.

    The shapes broadcast, with a warning where they differ; "none" gives the common shape.
    ValueError for another ``reduction``.

    >>> F.l1_loss(torch.tensor([1., 2.]), torch.tensor([2., 4.]))
    tensor(1.5000)
    """
    if input._array.shape != target.size():  # type: ignore[attr-defined]
        warn_of_shape(input, target)
    reduction = chosen(reduction, size_average, reduce)
    if weight is not None:
        return _weighted_mean((input - target).abs(), input, weight, reduction)  # type: ignore
    if not (input.dtype.is_floating_point and target.dtype.rank <= 2):
        return reduced((input - target).abs(), reduction)  # type: ignore[operator]
    return _pair(_l1, input, target, reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """The mean of ``d^2 / (2 beta)`` for ``d = |input - target| < beta``, else ``d - beta / 2``.

    The shapes broadcast, with a warning where they differ; RuntimeError for a negative ``beta``.

    >>> F.smooth_l1_loss(torch.tensor([0.5, 3.]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if input._array.shape != target.size():  # type: ignore[attr-defined]
        warn_of_shape(input, target)
    reduction = chosen(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return _pair(_smooth_l1, input, target, float(beta), reduction)


@autocasting("huber_loss")
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Maybe = None
) -> Tensor:
    """The mean of ``d^2 / 2`` for ``d = |input - target| <= delta``, then linear in ``d``."""
    if input._array.shape != target.size():  # type: ignore[attr-defined]
        warn_of_shape(input, target)
    reduction = chosen(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is not None:
        losses = _pair(_huber, input, target, float(delta), "none").to(input.dtype)  # type: ignore
        return _weighted_mean(losses, input, weight, reduction)
    return _pair(_huber, input, target, float(delta), reduction).to(input.dtype)  # type: ignore


@autocasting("soft_margin_loss")
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``log(1 + exp(-target * input))`` for targets 1 and -1."""
    reduction = chosen(reduction, size_average, reduce)
    if isinstance(input, Tensor) and input.dtype.rank < 2:
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {scalar_name(input.dtype)}"
        )
    return _pair(_soft_margin, input, target, reduction).to(input.dtype)  # type: ignore


def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """The divergence ``target * (log(target) - input)`` of a distribution from log-probabilities.

    ``reduction`` "batchmean" divides the sum by the batch size, "mean" by the number of elements.
    With ``log_target`` the target holds log-probabilities too. ValueError for another
    ``reduction``.

    >>> target = torch.tensor([0.5, 0.5])
    >>> F.kl_div(torch.tensor([0.25, 0.75]).log(), target, reduction="sum")
    tensor(0.1438)
    """
    if size_average is None and reduce is None:
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support "
                "size.'batchmean' divides only by the batch size, and aligns with the KL div math "
                "definition.'mean' will be changed to behave the same as 'batchmean' in the next "
                "major release.",
                stacklevel=2,
            )
        batchmean = reduction == "batchmean"
        reduction = "sum" if batchmean else chosen(reduction)
    else:
        batchmean, reduction = False, chosen(reduction, size_average, reduce)
    result = divergence(input, target, reduction, log_target)
    if batchmean and input.ndim:
        return result / input.shape[0]  # type: ignore[operator]
    return result


def divergence(input: Tensor, target: Tensor, reduction: str, log_target: bool) -> Tensor:
    """``kl_div`` after its reduction is known."""
    for tensor in (input, target):
        if isinstance(tensor, Tensor) and not tensor.dtype.is_floating_point:
            what = "Complex" if tensor.dtype.is_complex else "Integral"
            raise RuntimeError(f"kl_div: {what} inputs not supported.")
    return _pair(_kl_div, input, target, bool(log_target), reduction)


@autocasting("binary_cross_entropy")
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Maybe = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``-(target log(input) + (1 - target) log(1 - input))`` of probabilities.

    Logarithms are cut off at -100. Raises RuntimeError for an input outside of [0, 1], ValueError
    for a target of another shape.

    >>> F.binary_cross_entropy(torch.tensor([0.5, 0.9]), torch.tensor([0., 1.]))
    tensor(0.3993)
    """
    reduction = chosen(reduction, size_average, reduce)
    if target.size() != input.size():  # type: ignore[attr-defined]
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size "  # type: ignore
            f"({input.size()}) is deprecated. Please ensure they have the same size."  # type: ignore
        )
    if weight is not None:
        weight = weight.expand(_fitting(tuple(target.shape), tuple(weight.shape)))  # type: ignore
    if input.dtype.is_floating_point:
        for tensor in (target, weight):
            if tensor is not None and tensor.dtype is not input.dtype:
                raise RuntimeError(
                    f"Found dtype {scalar_name(tensor.dtype)} but expected "
                    f"{scalar_name(input.dtype)}"
                )
    return run(_bce, (input, target, weight), (reduction,))


def _fitting(shape: tuple[int, ...], given: tuple[int, ...]) -> tuple[int, ...]:
    """``shape``, to which ``given`` is broadcast; RuntimeError where that cannot be."""
    for i, (m, n) in enumerate(zip(reversed(given), reversed(shape)), 1):
        if m not in (1, n) and n != 1:
            raise RuntimeError(
                f"Attempting to broadcast a dimension of length {m} at -{i}! Mismatching argument "
                "at "
                f"index 1 had torch.Size({list(given)}); but expected shape should be "
                "broadcastable to "
                f"{list(shape)}"
            )
    return shape


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Maybe = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Maybe = None,
) -> Tensor:  # fmt: skip
    """``binary_cross_entropy`` of ``sigmoid(input)``, without overflow.

    ``pos_weight`` multiplies the loss of positives; ``weight`` all losses. Raises ValueError for a
    target of another shape.

    ``input`` and ``target`` are floating and have one shape; ValueError otherwise.

    >>> F.binary_cross_entropy_with_logits(torch.tensor([0., 100.]), torch.tensor([0., 1.]))
    tensor(0.3466)
    """
    reduction = chosen(reduction, size_average, reduce)
    if target.size() != input.size():  # type: ignore[attr-defined]
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()})"  # type: ignore
        )
    if input.dtype.is_floating_point and target.dtype.rank < 2:
        raise RuntimeError(
            "result type Float can't be cast to the desired output type "
            f"{scalar_name(target.dtype)}"
        )
    return run(_bce_logits, (input, target, weight, pos_weight), (reduction,))


__all__ = exported(globals(), "warn_of_shape divergence")
