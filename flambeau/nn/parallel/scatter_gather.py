"""A batch in pieces on several devices, and the pieces together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.nn.parallel import comm

__all__ = ["gather", "scatter", "scatter_kwargs"]


def _rebuilt(like: Any, items: Sequence[Any]) -> Any:
    """A list, tuple or named tuple of the same type."""
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*items)
    return type(like)(items)


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """The inputs for each device: tensors in pieces along ``dim``, other values as they are.

    Args:
        inputs: tensors, in tuples, lists and dictionaries of any depth.
        target_gpus: the devices.
        dim: the dimension of the batch.
    """
    if isinstance(inputs, Tensor):
        return comm.scatter(inputs, target_gpus, dim=dim)
    if isinstance(inputs, (tuple, list)) and inputs:
        parts = [scatter(one, target_gpus, dim) for one in inputs]
        return [_rebuilt(inputs, items) for items in zip(*parts, strict=False)]
    if isinstance(inputs, dict) and inputs:
        parts = [scatter(one, target_gpus, dim) for one in inputs.items()]
        return [type(inputs)(items) for items in zip(*parts, strict=False)]
    return [inputs for _ in target_gpus]


def scatter_kwargs(
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    target_gpus: Sequence[Any],
    dim: int = 0,
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Positional and keyword arguments for each device, as many of both."""
    args = list(scatter(inputs, target_gpus, dim)) if inputs else []
    named = list(scatter(kwargs, target_gpus, dim)) if kwargs else []
    size = max(len(args), len(named))
    args += [()] * (size - len(args))
    named += [{}] * (size - len(named))
    return tuple(args), tuple(named)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """The results of several devices joined along ``dim`` on one: undoes `scatter`.

    Args:
        outputs: one result a device: tensors, in tuples, lists and dictionaries of any depth.
        target_device: where they are joined.
        dim: the dimension of the batch; single numbers become a vector.
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        if all(one.dim() == 0 for one in outputs):
            outputs = [one.view(1) for one in outputs]
        return comm.gather(outputs, dim, target_device)
    if first is None:
        return None
    if isinstance(first, dict):
        if not all(len(first) == len(one) for one in outputs):
            raise ValueError("All dicts must have the same number of keys")
        joined = ((key, gather([one[key] for one in outputs], target_device, dim)) for key in first)
        return type(first)(joined)
    columns = zip(*outputs, strict=True)
    return _rebuilt(first, [gather(items, target_device, dim) for items in columns])
