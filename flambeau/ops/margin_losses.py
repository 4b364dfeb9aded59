"""Losses that are compositions of other operators: margins, likelihoods, distances."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import int64, scalar_name
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.ops.direct import run
from flambeau.ops.distances import pairwise_distance
from flambeau.ops.examples import is_readable
from flambeau.ops.losses import _bce_logits
from flambeau.ops.reduction import REDUCTIONS, chosen, reduced

Maybe = Tensor | None
Distance = Callable[[Tensor, Tensor], Tensor]


def _check_tensors(name: str, **tensors: Any) -> None:
    for position, (argument, value) in enumerate(tensors.items(), 1):
        if not isinstance(value, Tensor):
            raise not_a_tensor(name, argument, position, value)


@autocasting("poisson_nll_loss")
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
    size_average: bool | None = None, eps: float = 1e-8, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``exp(input) - target * input``: minus the log-likelihood of Poisson counts.

    Without ``log_input`` it is ``input - target * log(input + eps)``. ``full`` adds Stirling's
    approximation of ``log(target!)``.
    """
    reduction = chosen(reduction, size_average, reduce)
    _check_tensors("poisson_nll_loss", input=input, target=target)
    losses: Any
    if log_input:
        losses = input.exp() - target * input  # type: ignore
    else:
        losses = input - target * (input + eps).log()  # type: ignore[operator]
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()  # type: ignore
        losses = losses + stirling.masked_fill(target <= 1, 0)
    return reduced(losses, reduction)


def _one_dimension_shared(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether the shapes are equal but for one dimension, where the other one has size 1."""
    if len(shape) != len(other):
        return False
    return [b for a, b in zip(shape, other, strict=True) if a != b] == [1]


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``(log(var) + (input - target)^2 / var) / 2``, ``var`` being at least ``eps``.

    ``var`` has the shape of the input, or without its last dimension, or with 1 in one place, or
    is a number. ``full`` adds ``log(2 pi) / 2``. ValueError for a negative ``var``.

    >>> F.gaussian_nll_loss(torch.tensor([1.]), torch.tensor([2.]), torch.tensor([1.]))
    tensor(0.5000)
    """
    if not isinstance(var, Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.new_full(tuple(input.shape), float(var))  # type: ignore[attr-defined]
    assert isinstance(var, Tensor)
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)  # type: ignore[attr-defined]
        elif not _one_dimension_shared(tuple(input.shape), tuple(var.shape)):
            raise ValueError("var is of incorrect size")
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not valid")
    if var.device.type != "meta" and (var < 0).any().item():  # type: ignore[operator]
        raise ValueError("var has negative entry/entries")
    var = var.clone()  # type: ignore[attr-defined]
    var.detach().clamp_(min=eps)  # gradients pass as if it were not cut off
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)  # type: ignore[operator]
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)


@autocasting("hinge_embedding_loss")
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``input`` where ``target`` is 1, ``max(0, margin - input)`` where it is -1."""
    reduction = chosen(reduction, size_average, reduce)
    _check_tensors("hinge_embedding_loss", input=input, target=target)
    edge = input.new_zeros(()).fill_(margin)  # type: ignore[attr-defined]
    hinge = (edge - input).clamp_min(0)
    losses = hinge.where(target != 1, 0) + input.where(target != -1, 0)  # type: ignore
    return reduced(losses, reduction)


@autocasting("margin_ranking_loss")
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``max(0, margin - target * (input1 - input2))``."""
    reduction = chosen(reduction, size_average, reduce)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "  # type: ignore
        )
    return reduced((-target * (input1 - input2) + float(margin)).clamp_min(0), reduction)  # type: ignore


@autocasting("cosine_embedding_loss")
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``1 - cos`` where ``target`` is 1, ``max(0, cos - margin)`` where it is -1."""
    reduction = chosen(reduction, size_average, reduce)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            "inputs "
            f"with sizes {list(input1.shape)} and {list(input2.shape)}."
        )
    squares = [(t * t).sum(-1) + 1e-12 for t in (input1, input2)]  # type: ignore[operator]
    cosine = (input1 * input2).sum(-1) / (squares[0] * squares[1]).sqrt()  # type: ignore[operator]
    apart = (cosine - margin).clamp_min(0)
    losses = (1 - cosine).where(target == 1, cosine * 0) + apart.where(target == -1, cosine * 0)
    return reduced(losses, reduction)


# ---- several classes


def _rows(name: str, input: Tensor) -> Tensor:
    """The scores as a matrix, one row per sample."""
    if input.ndim > 2 or 0 in input.shape[1:]:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}\" not implemented for '{scalar_name(input.dtype)}'")
    return input if input.ndim == 2 else input.reshape(1, -1)  # type: ignore[attr-defined]


@autocasting("multi_margin_loss")
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Maybe = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the other classes of ``max(0, margin - x[y] + x[c])^p``, times ``weight[y]``.

    ``input`` is ``[N, C]`` or ``[C]``, ``target`` holds class indices; ``p`` is 1 or 2.
    """
    reduction = chosen(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    x = _rows("multi_margin_loss_cpu_kernel", input)
    if target.ndim > 1 or target.numel() != x.shape[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{x.shape[0]}], but got "
            f"{list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.numel() != x.shape[1]:
        raise RuntimeError(
            f"inconsistent weight size, expected {x.shape[1]} but got {list(weight.shape)}"
        )
    classes = _class_column(target, x.shape[1])
    hinge = (margin - x.gather(1, classes) + x).relu()  # type: ignore[attr-defined]
    others = x.detach().new_ones(x.shape).scatter(1, classes, 0)  # type: ignore[attr-defined]
    losses = (hinge**p * others).sum(1) / x.shape[1]
    if weight is not None:
        losses = losses * weight[classes.squeeze(1)]  # type: ignore[index]
    losses = losses.reshape(target.shape) if input.ndim < 2 else losses
    if not losses.numel():
        return losses.sum() if reduction != "none" else losses
    return reduced(losses, reduction)


def _class_column(target: Tensor, classes: int) -> Tensor:
    if target.dtype is not int64:
        raise RuntimeError(f"expected scalar type Long but found {scalar_name(target.dtype)}")
    if is_readable(target) and ((target < 0) | (target >= classes)).any().item():  # type: ignore
        raise RuntimeError("target out of range")
    return target.reshape(-1, 1)  # type: ignore[attr-defined]


@autocasting("multilabel_margin_loss")
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``sum(max(0, 1 - x[y] + x[c])) / C`` over the target classes ``y`` and the others ``c``.

    Each row of ``target`` lists the classes of a sample, up to the first -1.
    """
    reduction = chosen(reduction, size_average, reduce)
    if input.ndim < 2 and target.numel() == input.numel() == 1 and target.ndim == 0:
        return reduced(input * 0, reduction)  # type: ignore[operator]
    x = _rows("multilabel_margin_loss_forward_out_frame", input)
    if target.shape != input.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    if target.dtype is not int64:
        raise RuntimeError(f"expected scalar type Long but found {scalar_name(target.dtype)}")
    wrong = (target < -1) | (target >= x.shape[1])  # type: ignore[operator]
    if is_readable(target) and wrong.any().item():
        raise RuntimeError("argument #2 'target' is out of range")
    y = target.reshape(x.shape)  # type: ignore[attr-defined]
    listed = ((y == -1).cumsum(1) == 0).to(x.dtype)
    places = y.clamp(min=0)
    counts = x.detach().new_zeros(x.shape).scatter_add(1, places, listed)  # type: ignore
    others = (counts == 0).to(x.dtype)
    hinge = (1 - x.gather(1, places).unsqueeze(2) + x.unsqueeze(1)).relu()  # type: ignore
    losses = (hinge * listed.unsqueeze(2) * others.unsqueeze(1)).sum((1, 2)) / x.shape[1]
    return reduced(losses if input.ndim == 2 else losses.reshape(()), reduction)


@autocasting("multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Maybe = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The binary cross entropy of logits, averaged over the classes (the last dimension)."""
    if size_average is not None or reduce is not None:
        reduction = chosen(reduction, size_average, reduce)
    losses = run(_bce_logits, (input, target, None, None), ("none",))
    if weight is not None:
        losses = losses * weight
    losses = losses.sum(-1) / input.shape[-1]
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not valid")
    return reduced(losses, reduction)


# ---- triplets


def _check_triplet(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    ranks = (anchor.ndim, positive.ndim, negative.ndim)
    if len(set(ranks)) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {ranks[0]}D, positive {ranks[1]}D, and negative "
            f"{ranks[2]}D "
            "inputs"
        )


@autocasting("triplet_margin_loss")
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
    eps: float = 1e-6, swap: bool = False, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of ``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` in a norm.

    With ``swap`` the distance of the positive from the negative counts when it is smaller.
    (Balntas et al., Learning Shallow Convolutional Feature Descriptors with Triplet Losses, 2016.)
    """
    reduction = chosen(reduction, size_average, reduce)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Distance | None = None, margin: float = 1.0, swap: bool = False,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``triplet_margin_loss`` with any distance; ``pairwise_distance`` by default.

    All are ``[N, D]``; ValueError for an unknown reduction.

    >>> anchor, near, far = torch.zeros(1, 2), torch.tensor([[1., 0.]]), torch.tensor([[3., 0.]])
    >>> F.triplet_margin_with_distance_loss(anchor, near, far, margin=3.)
    tensor(1.)
    """
    function = pairwise_distance if distance_function is None else distance_function
    return _triplet(anchor, positive, negative, function, margin, swap, chosen(reduction))


def _triplet(
    anchor: Tensor, positive: Tensor, negative: Tensor, distance: Distance, margin: float,
    swap: bool, reduction: str,
) -> Tensor:  # fmt: skip
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _check_triplet(anchor, positive, negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))  # type: ignore[attr-defined]
    return reduced((margin + near - far).clamp_min(0), reduction)  # type: ignore[operator]


__all__ = exported(globals())
