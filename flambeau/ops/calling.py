"""Python functions called with each element, on the CPU: slow, and without gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.publish import method
from flambeau.core.tensor import Tensor
from flambeau.core.writing import write
from flambeau.kernels.select import CPU
from flambeau.ops.broadcasting import broadcast_tensors


@method("apply_")
def _apply(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replaces each element by what a function makes of it.

    >>> torch.tensor([1, 2]).apply_(lambda x: x + 1)
    tensor([2, 3])
    """
    return _called("apply_", self, (), callable)


@method("map_")
def _map(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replaces each element by what a function makes of it and of that of another tensor."""
    return _called("map_", self, (tensor,), callable)


@method("map2_")
def _map2(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Replaces each element by what a function makes of it and of those of two other tensors."""
    return _called("map2_", self, (x, y), callable)


def _called(
    name: str, target: Tensor, others: tuple[Tensor, ...], function: Callable[..., Any]
) -> Tensor:
    if target.requires_grad:  # type: ignore[attr-defined]
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
            "instead."
        )
    if target.kind.place != CPU:
        raise TypeError(f"{name} is only implemented on CPU tensors")
    given = broadcast_tensors(target, *others)
    rows = zip(*[t.detach().reshape(-1).tolist() for t in given])  # type: ignore[attr-defined]
    values = numpy.array([function(*row) for row in rows], target.kind.array_type)
    write(target, values.reshape(target.shape))
    return target
