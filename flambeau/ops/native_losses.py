"""The losses of ``torch`` itself, whose reduction is a number: 0 none, 1 mean, 2 sum."""

from __future__ import annotations

from typing import Any

from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops import ctc, losses, margin_losses
from flambeau.ops.reduction import REDUCTIONS

Maybe = Tensor | None


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


__all__ = exported(globals())
