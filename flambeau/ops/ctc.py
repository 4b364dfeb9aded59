"""The loss of connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.dtype import scalar_name
from flambeau.core.op import Op
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared import ctc as kernels
from flambeau.ops.direct import run
from flambeau.ops.examples import by_example
from flambeau.ops.from_data import tensor
from flambeau.ops.reduction import chosen

_ctc = Op("ctc_loss", kernels.ctc_forward,
    inputs=("log_probs", "targets", "input_lengths", "target_lengths"), params=("blank",),
    outputs=2, differentiable=(0,), accepts="f",
    shape=lambda x, targets, *rest: (
        (x.shape[1:2], x.dtype), ((*x.shape[:2], 2 * targets.shape[1] + 1), x.dtype)))  # fmt: skip

_ctc_backward = Op("ctc_loss_backward", kernels.ctc_backward, inputs=(
        "grad_output", "log_probs", "targets", "input_lengths", "target_lengths", "losses",
        "alpha"),
    params=("blank",), shape=lambda grad, x, *rest: x.shape)  # fmt: skip


@_ctc.vjp
def _(grad: Tensor, log_probs: Tensor, targets: Tensor, input_lengths: Tensor,
      target_lengths: Tensor, result0: Tensor, result1: Tensor, blank: int) -> Any:  # fmt: skip
    tensors = (grad, log_probs, targets, input_lengths, target_lengths, result0, result1)
    return run(_ctc_backward, tensors, (blank,)), None, None, None


def _lengths(given: Any, name: str, batch: int) -> numpy.ndarray:
    """The lengths as a host array."""
    if isinstance(given, Tensor):
        if given.dtype.rank != 1:
            raise RuntimeError(f"{name} must be integral")
        if given.device.type == "meta":
            raise NotImplementedError(f"ctc_loss(): the result depends on the elements of {name}")
        given = given.tolist()  # type: ignore[attr-defined]
    lengths = numpy.asarray(given, numpy.int64).reshape(-1)
    if lengths.size != batch:
        raise RuntimeError(f"{name} must be of size batch_size")
    return lengths


_WHERE = "(while checking arguments for ctc_loss_allocate_outputs)"


def _check_range(lengths: numpy.ndarray, name: str, most: int | None) -> None:
    for length in lengths:
        if length < 0:
            raise RuntimeError(
                f"Expected {name} to have value at least 0, but got value {length} {_WHERE}"
            )
        if most is not None and length > most:
            raise RuntimeError(
                f"Expected {name} to have value at most {most}, but got value {length} {_WHERE}"
            )


def _padded(targets: Tensor, lengths: numpy.ndarray) -> Tensor:
    """The targets as ``[N, S]``; given so, or one after the other."""
    longest = int(lengths.max()) if lengths.size else 0
    if targets.ndim == 1:
        if targets.shape[0] != lengths.sum():
            raise RuntimeError(
                f"Expected tensor to have size {lengths.sum()} at dimension 0, but got size "
                f"{targets.shape[0]} for argument #2 'targets' {_WHERE}"
            )
        starts = numpy.cumsum(lengths) - lengths
        places = numpy.minimum(
            starts[:, None] + numpy.arange(longest), max(0, targets.shape[0] - 1)
        )
        if not targets.shape[0]:
            return targets.new_zeros((lengths.size, longest))  # type: ignore[attr-defined]
        return targets[tensor(places, device=targets.device)]  # type: ignore[index]
    if targets.shape[0] != lengths.size:
        raise RuntimeError(
            f"Expected tensor to have size {lengths.size} at dimension 0, but got size "
            f"{targets.shape[0]} for argument #2 'targets' {_WHERE}"
        )
    if targets.shape[1] < longest:
        raise RuntimeError(
            f"Expected tensor to have size at least {longest} at dimension 1, but got size "
            f"{targets.shape[1]} for argument #2 'targets' {_WHERE}"
        )
    return targets[:, :longest]  # type: ignore[index]


@by_example
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Minus the log-likelihood of label sequences, summed over all their alignments.

    ``log_probs`` is ``[T, N, C]`` (or ``[T, C]``), the ``log_softmax`` of the scores; ``targets``
    ``[N, S]`` padded, or all one after the other. The mean first divides each loss by the length of
    its target. Losses of targets that are too long are infinite, or 0 with ``zero_infinity``.
    (Graves et al., Connectionist Temporal Classification, 2006.)

    >>> scores = torch.zeros(4, 1, 3).log_softmax(2)
    >>> F.ctc_loss(scores, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]))
    tensor(0.8432)
    """
    reduction = chosen(reduction)
    if single := log_probs.ndim == 2:
        log_probs = log_probs.unsqueeze(1)  # type: ignore[attr-defined]
        targets = targets if targets.ndim == 2 else targets.unsqueeze(0)  # type: ignore
    steps, batch, classes = log_probs.shape
    given = [_lengths(input_lengths, "input_lengths", batch)]
    given.append(_lengths(target_lengths, "target_lengths", batch))
    if log_probs.dtype.name not in ("float32", "float64"):
        raise NotImplementedError(
            f"\"ctc_loss_cpu\" not implemented for '{scalar_name(log_probs.dtype)}'"
        )
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    _check_range(given[0], "input_lengths", steps)
    _check_range(given[1], "target_lengths", None)
    labels = _padded(targets, given[1]).long()  # type: ignore[attr-defined]
    lengths = [tensor(array, device=log_probs.device) for array in given]
    losses = run(_ctc, (log_probs, labels, *lengths), (blank,))[0]
    if zero_infinity:
        losses = losses.masked_fill(losses == float("inf"), 0)
    if reduction == "mean":
        return (losses / lengths[1].clamp(min=1).to(losses.dtype)).mean()  # type: ignore
    if reduction == "sum":
        return losses.sum()
    return losses.squeeze(0) if single else losses


__all__ = exported(globals())
