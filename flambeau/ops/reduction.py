"""How losses are reduced: ``"mean"``, ``"sum"`` or ``"none"``."""

from __future__ import annotations

import warnings

from flambeau.core.tensor import Tensor

REDUCTIONS = ("none", "mean", "sum")  # by the number that torch's own forms take


def chosen(
    reduction: str, size_average: bool | None = None, reduce: bool | None = None, depth: int = 4
) -> str:
    """The reduction asked for, also by the deprecated arguments; ValueError for another word."""
    if size_average is not None or reduce is not None:
        return legacy(size_average, reduce, depth)
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def legacy(size_average: bool | None, reduce: bool | None, depth: int = 3) -> str:
    """The reduction that the arguments of old programs mean, with a warning."""
    mean = size_average is None or size_average
    found = "none" if reduce is not None and not reduce else "mean" if mean else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.",
        stacklevel=depth,
    )
    return found


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses, their mean or their sum."""
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()  # type: ignore[attr-defined]
