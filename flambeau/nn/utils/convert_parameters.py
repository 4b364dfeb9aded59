"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from flambeau.core.tensor import Tensor
from flambeau.ops.joining import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened, one after the other.

    >>> parameters_to_vector(nn.Linear(2, 3).parameters()).shape
    torch.Size([9])
    """
    parts = list(parameters)
    _check_devices(parts)
    return cat([part.view(-1) for part in parts])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Makes slices of a vector the data of the parameters: undoes `parameters_to_vector`.

    Raises:
        TypeError: ``vec`` is no tensor, or parameters are on different devices.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parts = list(parameters)
    _check_devices(parts)
    start = 0
    for part in parts:
        stop = start + part.numel()
        part.data = vec[start:stop].view_as(part).data
        start = stop


def _check_devices(parameters: list[Tensor]) -> None:
    if len({parameter.device for parameter in parameters}) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
