"""Losses of class scores: negative log-likelihood and cross entropy.

Both keep the classes in dimension 1, ``[N, C, *]``, or hold the scores of one sample, ``[C]``.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.dtype import scalar_name
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import losses as kernels
from flambeau.ops.batching import is_shared, reduced_each
from flambeau.ops.direct import run
from flambeau.ops.linear import linear
from flambeau.ops.reduction import chosen

Maybe = Tensor | None


def _losses(x: Any, reduction: str) -> tuple[int, ...]:
    return (x.shape[0], *x.shape[2:]) if reduction == "none" else ()


def _weights_of(target: Tensor, weight: Maybe, classes: int, ignore: int, like: Tensor) -> Tensor:
    """The share of each class ``[N, C, *]``: the weight at the target's class, 0 elsewhere."""
    kept = target != ignore
    places = target.masked_fill(kept.logical_not(), 0).unsqueeze(1).long()  # type: ignore
    shape = (target.shape[0], classes, *target.shape[1:])
    share = kept.to(like.dtype)  # type: ignore[attr-defined]
    if weight is not None:
        share = share * weight[places.squeeze(1)]  # type: ignore[index]
    return like.new_zeros(shape).scatter(1, places, share.unsqueeze(1))  # type: ignore


def _spread(grad: Tensor, total: Tensor, reduction: str) -> Tensor:
    """The gradient of each position's loss, with a dimension of size 1 for the classes."""
    if reduction == "none":
        return grad.unsqueeze(1)  # type: ignore[attr-defined]
    return grad / total if reduction == "mean" else grad  # type: ignore[operator]


# ---- negative log-likelihood

_nll = Op("nll_loss", kernels.nll_loss, inputs=("input", "target", "weight"),
    params=("ignore_index", "reduction"), outputs=2, differentiable=(0,), accepts="f",
    refusal="nll_loss_out_frame",
    shape=lambda x, target, weight, ignore, reduction: (_losses(x, reduction), ()))  # fmt: skip

_nll_grad = Op("nll_loss_backward", kernels.nll_loss_grad,
    inputs=("grad_output", "target", "total", "weight"),
    params=("shape", "ignore_index", "reduction"),
    vjp={"grad_output": lambda grad, target, total, weight, shape, ignore_index, reduction: (
        _nll_tangent(grad, target, total, weight, shape[1], ignore_index, reduction))},
    shape=lambda grad, target, total, weight, shape, *rest: shape)  # fmt: skip


@_nll.vjp
def _(grad: Tensor, input_shape: Any, target: Tensor, weight: Maybe, result1: Tensor,
      ignore_index: int, reduction: str) -> Any:  # fmt: skip
    if grad._kind is None:
        share = _weights_of(target, weight, input_shape[1], ignore_index, grad)
        return -share * _spread(grad, result1, reduction), None, None  # type: ignore[operator]
    tensors = (grad, target, result1, weight)
    return run(_nll_grad, tensors, (tuple(input_shape), ignore_index, reduction)), None, None


@_nll.jvp
def _(input_t: Tensor, target: Tensor, weight: Maybe, result1: Tensor, ignore_index: int,
      reduction: str) -> Any:  # fmt: skip
    classes = input_t.shape[1]
    return _nll_tangent(input_t, target, result1, weight, classes, ignore_index, reduction), None


def _nll_tangent(input_t: Tensor, target: Tensor, total: Tensor, weight: Maybe, classes: int,
                 ignore: int, reduction: str) -> Tensor:  # fmt: skip
    """The loss is linear in the log-probabilities."""
    share = _weights_of(target, weight, classes, ignore, input_t)
    losses = -(input_t * share).sum(1)  # type: ignore[operator]
    if reduction == "none":
        return losses
    return losses.sum() / total if reduction == "mean" else losses.sum()


_nll.linked = True  # PyTorch's gradient uses the input

# ---- cross entropy

_cross_entropy = Op("cross_entropy", kernels.cross_entropy, inputs=("input", "target", "weight"),
    params=("ignore_index", "label_smoothing", "reduction"), outputs=3, differentiable=(0,),
    accepts="f", node="NllLoss",
    shape=lambda x, target, weight, ignore, smoothing, reduction: (
        _losses(x, reduction), _losses(x, "none"), ()))  # fmt: skip

_cross_entropy_grad = Op("cross_entropy_backward", kernels.cross_entropy_grad,
    inputs=("input", "grad_output", "log_sum", "total", "target", "weight"),
    params=("ignore_index", "label_smoothing", "reduction"),
    shape=lambda x, *rest: x.shape)  # fmt: skip


@_cross_entropy.vjp
def _(grad: Tensor, input: Tensor, target: Tensor, weight: Maybe, result1: Tensor, result2: Tensor,
      ignore_index: int, label_smoothing: float, reduction: str, needs: Any) -> Any:  # fmt: skip
    params = (ignore_index, label_smoothing, reduction)
    if not (modes.grad or needs[1] or needs[2] or grad._kind is None):
        tensors = (input, grad, result1, result2, target, weight)
        return run(_cross_entropy_grad, tensors, params), None, None
    share = _spread(grad, result2, reduction)
    q = _wanted(input, target, weight, ignore_index, label_smoothing)
    dx = (input.softmax(1) * q.sum(1, True) - q) * share  # type: ignore[attr-defined]
    if needs[2] and target.dtype.is_floating_point:
        plain = _wanted(input, target, None, ignore_index, label_smoothing)
        dw = _per_class(-input.log_softmax(1) * plain * share)  # type: ignore[attr-defined]
    else:
        dw = None
    if not needs[1]:
        return dx if needs[0] else None, None, dw
    dt = -input.log_softmax(1) * share * (1 - label_smoothing)  # type: ignore[attr-defined]
    return dx if needs[0] else None, dt if weight is None else dt * _row(weight, input), dw


def _per_class(parts: Tensor) -> Tensor:
    return parts.sum((0, *range(2, parts.ndim)))  # type: ignore[attr-defined]


@_cross_entropy.jvp
def _(input: Tensor, input_t: Tensor, target: Tensor, target_t: Tensor, weight: Maybe,
      weight_t: Maybe, result2: Tensor, ignore_index: int, label_smoothing: float,
      reduction: str) -> Any:  # fmt: skip
    q = _wanted(input, target, weight, ignore_index, label_smoothing)
    slope = input.softmax(1) * q.sum(1, True) - q  # type: ignore[attr-defined]
    moved = slope * input_t
    if target.dtype.is_floating_point:
        of_target = input.log_softmax(1) * target_t * (1 - label_smoothing)  # type: ignore
        moved = moved - (of_target if weight is None else of_target * _row(weight, input))
        if weight_t is not None:
            plain = _wanted(input, target, None, ignore_index, label_smoothing)
            moved = moved - input.log_softmax(1) * plain * _row(weight_t, input)  # type: ignore
    losses = moved.sum(1)
    if reduction != "none":
        losses = losses.sum() / result2 if reduction == "mean" else losses.sum()
    return losses, None, None


def _row(weight: Tensor, input: Tensor) -> Tensor:
    return weight.view(-1, *(1,) * (input.ndim - 2))  # type: ignore[attr-defined]


def _wanted(input: Tensor, target: Tensor, weight: Maybe, ignore: int, smoothing: float) -> Tensor:
    """What the loss multiplies minus the log-probabilities with: weights, smoothed."""
    classes = input.shape[1]
    if target.dtype.is_floating_point:
        if smoothing:
            target = target * (1 - smoothing) + smoothing / classes  # type: ignore[operator]
        return target if weight is None else target * _row(weight, input)  # type: ignore[operator]
    q = _weights_of(target, weight, classes, ignore, input)
    if not smoothing:
        return q
    row = smoothing / classes if weight is None else _row(weight, input) * (smoothing / classes)
    return q * (1 - smoothing) + (target != ignore).unsqueeze(1).to(input.dtype) * row  # type: ignore


# ---- batches


def _batch_of_classes(
    op: Op, input: Any, target: Any, weight: Any, ignore: int, *params: Any
) -> Any:
    """The examples' own batches as one; means divide by the weights of each example's targets."""
    if not is_shared(weight):
        return _of_own_weights(op, input, target, weight, ignore, *params)
    size, weight = input.shape[0], None if weight is None else weight[0]
    flat = input.flatten(0, 1), target.flatten(0, 1)
    losses, *kept, _ = op(*flat, weight, ignore, *params[:-1], "none")
    losses, *kept = [v.reshape(size, -1, *v.shape[1:]) for v in (losses, *kept)]
    if target.dtype.is_floating_point:
        total = losses.new_full((size,), losses[0].numel())
    else:
        shares = _weights_of(flat[1], weight, input.shape[2], ignore, flat[0])
        total = shares.reshape(size, -1).sum(1)
    mean = params[-1] == "mean"
    result = reduced_each(losses, "sum") / total if mean else reduced_each(losses, params[-1])
    return result, *kept, total


def _of_own_weights(op: Op, input: Any, target: Any, weight: Any, ignore: int, *params: Any) -> Any:
    """Losses of single targets as they are without weights, times those of each example."""
    log_sum = [input.logsumexp(2)] if op is _cross_entropy else []
    row = weight.reshape(weight.shape[0], 1, -1, *[1] * (input.ndim - 3))
    smoothing = params[0] if op is _cross_entropy else 0.0
    flat = _wanted(input.flatten(0, 1), target.flatten(0, 1), None, ignore, smoothing)
    wanted = flat.reshape(input.shape) * row
    scores = input.log_softmax(2) if op is _cross_entropy else input
    losses = -(scores * wanted).sum(2)
    if target.dtype.is_floating_point:
        total = losses.new_full((input.shape[0],), losses[0].numel())
    else:
        plain = _weights_of(target.flatten(0, 1), None, input.shape[2], ignore, input)
        total = (plain.reshape(input.shape) * row).flatten(1).sum(1)
    mean = params[-1] == "mean"
    result = reduced_each(losses, "sum") / total if mean else reduced_each(losses, params[-1])
    return result, *log_sum, total


_nll.batch(_batch_of_classes)
_cross_entropy.batch(_batch_of_classes)


# ---- arguments


def _check_weight(name: str, weight: Maybe, input: Tensor, classes: int, planes: bool) -> None:
    if weight is None:
        return
    if weight.ndim != 1 or weight.numel() != classes:
        if planes:
            raise RuntimeError("weight tensor should be defined either for all or no classes")
        raise RuntimeError(
            f"{name}weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )
    if weight.dtype is not input.dtype:
        raise RuntimeError(
            f"expected scalar type {scalar_name(input.dtype)} but found {scalar_name(weight.dtype)}"
        )


def _check_batches(input: Tensor, target: Tensor) -> None:
    if input.ndim == 1:
        size = target.numel() if target.ndim else 1
        if target.ndim == 1 and size != 1:
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {size}"
            )
    elif target.ndim and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size "
            f"({target.shape[0]})."
        )


def _check_classes(input: Tensor, target: Tensor) -> None:
    """The shape and dtype of a target of class indices."""
    if input.ndim <= 2 and target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    shape = (input.shape[0], *input.shape[2:])
    if input.ndim > 2 and target.ndim != input.ndim - 1:
        if input.ndim == 4:
            raise RuntimeError(
                "only batches of spatial targets supported (3D tensors) but got targets of "
                f"dimension: {target.ndim}"
            )
        raise RuntimeError(f"Expected target size {list(shape)}, got {list(target.shape)}")
    if input.ndim > 2 and tuple(target.shape) != shape:
        if input.ndim == 4:
            raise RuntimeError(
                f"size mismatch (got input: {list(input.shape)} , target: {list(target.shape)}"
            )
        raise RuntimeError(f"Expected target size {list(shape)}, got {list(target.shape)}")
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {scalar_name(target.dtype)}"
        )


def nll_loss(
    input: Tensor, target: Tensor, weight: Maybe = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-probability of the target's class, from log-probabilities ``[N, C, *]``.

    ``weight`` holds one factor per class; the mean divides by the sum of the factors. Targets equal
    to ``ignore_index`` do not count. ValueError where the batch sizes differ, IndexError for a
    target out of range.

    >>> scores = torch.tensor([[2., 1.], [0., 3.]]).log_softmax(1)
    >>> F.nll_loss(scores, torch.tensor([0, 1]))
    tensor(0.1809)
    """
    reduction = chosen(reduction, size_average, reduce)
    if not input.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    _check_batches(input, target)
    _check_classes(input, target)
    _check_weight("", weight, input, input.shape[min(1, input.ndim - 1)], input.ndim > 2)
    if input.ndim == 1:
        single = input.unsqueeze(0), target.reshape(1)  # type: ignore[attr-defined]
        loss = run(_nll, (*single, weight), (ignore_index, reduction))[0]
        return loss.reshape(target.shape) if reduction == "none" else loss
    return run(_nll, (input, target, weight), (ignore_index, reduction))[0]


def cross_entropy(
    input: Tensor, target: Tensor, weight: Maybe = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The cross entropy of logits ``[N, C, *]`` (or ``[C]``) and a target.

    The target holds class indices ``[N, *]``, or probabilities of the shape of the input. The
    logits' softmax is compared with it; ``label_smoothing`` mixes the target with the uniform
    distribution. ``weight`` holds one factor per class, and the mean divides by the sum of the
    factors of the targets; targets equal to ``ignore_index`` do not count. ValueError where the
    batch sizes differ, IndexError for a target out of range.

    >>> torch.nn.functional.cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("cross_entropy_loss", "input", 1, input)
    reduction = chosen(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    _check_logits(input)
    if target._array.shape == input._array.shape and target.dtype.is_floating_point:
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    _check_batches(input, target)
    _check_classes(input, target)
    classes = input.shape[1 if input.ndim > 1 else 0]
    _check_weight("", weight, input, classes, input.ndim > 2)
    params = (ignore_index, float(label_smoothing), reduction)
    if input.ndim == 1:
        single = input.unsqueeze(0), target.reshape(1)  # type: ignore[attr-defined]
        loss = run(_cross_entropy, (*single, weight), params)[0]
        return loss.reshape(target.shape) if reduction == "none" else loss
    return run(_cross_entropy, (input, target, weight), params)[0]


def _check_logits(input: Tensor) -> None:
    if not input.ndim:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got 1)")
    if not input.dtype.is_floating_point:
        last = "_lastdim" if input.ndim <= 2 else ""
        raise NotImplementedError(
            f"\"log_softmax{last}_kernel_impl\" not implemented for '{scalar_name(input.dtype)}'"
        )


def _of_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Maybe,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor:
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    classes = input.shape[1 if input.ndim > 1 else 0]
    _check_weight("cross_entropy: ", weight, input, classes, False)
    if target.dtype is not input.dtype:
        of = target.dtype if target.dtype.itemsize > input.dtype.itemsize else input.dtype
        input, target = input.to(of), target.to(of)  # type: ignore[attr-defined]
    params = (ignore_index, float(smoothing), reduction)
    if input.ndim == 1:
        single = input.unsqueeze(0), target.unsqueeze(0)  # type: ignore[attr-defined]
        loss = run(_cross_entropy, (*single, weight), params)[0]
        return loss.reshape(()) if reduction == "none" else loss
    return run(_cross_entropy, (input, target, weight), params)[0]


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Maybe = None,
    weight: Maybe = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options: Any = None,
) -> Tensor:  # fmt: skip
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    ``input`` is ``[N, in]`` or ``[in]``, ``linear_weight`` ``[C, *, in]``: the logits are
    ``[N, C, *]``. ``options`` say how to save memory where the work is done in pieces; here the
    logits exist as a whole, and the result is the same.

    >>> F.linear_cross_entropy(torch.zeros(2, 3), torch.ones(4, 3), torch.tensor([0, 3]))
    tensor(1.3863)
    """
    _check_fused(input, linear_weight, linear_bias, target, ignore_index)
    classes, features = linear_weight.shape[0], linear_weight.shape[-1]
    flat = linear_weight.reshape(-1, features)  # type: ignore[attr-defined]
    bias = None if linear_bias is None else linear_bias.reshape(-1)  # type: ignore[attr-defined]
    logits = linear(input, flat, bias)
    if linear_weight.ndim > 2:
        logits = logits.reshape(-1, classes, *linear_weight.shape[1:-1])  # type: ignore
    ignore = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, ignore_index=ignore, reduction=reduction,
        label_smoothing=label_smoothing,
    )  # fmt: skip


def _check_fused(input: Tensor, weight: Tensor, bias: Maybe, target: Tensor, ignore: Any) -> None:
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if weight.ndim < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {weight.ndim}"
        )
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    if weight.ndim > 2 and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires "
            "batched "
            "input"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(
            f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}"
        )
    if ignore is not None and target.dtype.is_floating_point:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")


__all__ = exported(globals())
