"""Limits on the size of gradients."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core.tensor import Tensor
from flambeau.ops.from_data import tensor
from flambeau.ops.joining import stack

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]

Tensors = Tensor | Iterable[Tensor]


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of several tensors together, as if they were one vector.

    Args:
        tensors: the tensors.
        norm_type: the p of the p-norm; may be infinite.
        error_if_nonfinite: raises RuntimeError for a norm that is infinite or NaN.
        foreach: accepted for compatibility; one way is used for all.

    >>> get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
    tensor(5.)
    """
    values = _listed(tensors)
    norm_type = float(norm_type)
    if not values:
        return tensor(0.0)
    first = values[0].device
    with no_grad():
        norms = [value.norm(norm_type).to(first) for value in values]
        total = stack(norms).norm(norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scales the gradients of parameters by ``max_norm / total_norm`` where that is below 1.

    Args:
        parameters: the parameters; those without a gradient are left out.
        max_norm: the norm wanted.
        total_norm: the norm they have; see `get_total_norm`.
        foreach: accepted for compatibility.
    """
    grads = [one.grad for one in _listed(parameters) if one.grad is not None]
    if not grads:
        return
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.device))


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales gradients, in place, so that their total norm is at most ``max_norm``.

    Args:
        parameters: the parameters; those without a gradient are left out.
        max_norm: the largest norm.
        norm_type: the p of the p-norm; may be infinite.
        error_if_nonfinite: raises RuntimeError for a norm that is infinite or NaN.
        foreach: accepted for compatibility.

    Returns:
        The norm before.

    Example::

        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    """
    values = _listed(parameters)
    if isinstance(parameters, GeneratorType) and not values:
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2
        )
    grads = [one.grad for one in values if one.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(values, max_norm, total, foreach)
    return total


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limits every element of the gradients, in place, to [-clip_value, clip_value].

    Args:
        parameters: the parameters; those without a gradient are left out.
        clip_value: the largest absolute value.
        foreach: accepted for compatibility.
    """
    limit = float(clip_value)
    with no_grad():
        for one in _listed(parameters):
            if one.grad is not None:
                one.grad.clamp_(min=-limit, max=limit)


@functools.wraps(clip_grad_norm_)
def clip_grad_norm(*args: Any, **kwargs: Any) -> Tensor:
    """Deprecated name of `clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
        "`torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(*args, **kwargs)
