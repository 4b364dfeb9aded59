"""Tensors on several CUDA devices of one process: copied, split, joined and added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.tensor import Tensor
from flambeau.cuda.devices import device_of
from flambeau.cuda.library import index_of
from flambeau.cuda.streams import stream as _stream
from flambeau.ops.joining import cat

__all__ = [
    "broadcast", "broadcast_coalesced", "gather", "reduce_add", "reduce_add_coalesced", "scatter",
]  # fmt: skip


def _place(given: Any) -> Device:
    if given is None or not isinstance(given, Device):
        return Device("cuda", index_of(given))
    return given


def _one_of(devices: Any, out: Any) -> None:
    if (devices is None) == (out is None):
        raise RuntimeError(
            f"Exactly one of 'devices' and 'out' must be specified, but got devices={devices} and "
            f"out={out}"
        )


def written(target: Any, source: Any) -> Any:
    """The target, with the elements of a tensor of any device."""
    with device_of(target):
        return target.copy_(source)


def broadcast(
    tensor: Any, devices: Iterable[Any] | None = None, *, out: Sequence[Any] | None = None
) -> tuple[Tensor, ...]:
    """Copies of a tensor on these devices, or in the tensors of ``out``."""
    _one_of(devices, out)
    if out is not None:
        return tuple([written(target, tensor) for target in out])
    return tuple([tensor.to(_place(d)) for d in devices or ()])


def broadcast_coalesced(
    tensors: Sequence[Any], devices: Iterable[Any], buffer_size: int = 10485760
) -> list[list[Tensor]]:
    """For each device copies of all tensors. They are copied one by one, without a buffer."""
    return [[tensor.to(_place(d)) for tensor in tensors] for d in devices]


def reduce_add(inputs: Sequence[Any], destination: Any = None) -> Tensor:
    """The sum of tensors of one shape, on a device (the current one by default)."""
    place = _place(destination)
    if len({tuple(one.shape) for one in inputs}) > 1:
        sizes = "x".join(map(str, inputs[0].shape))
        raise ValueError(f"reduce_add expects all inputs to have the same shape as {sizes}")
    total = inputs[0].to(place, copy=len(inputs) > 1)
    with device_of(total):
        for one in inputs[1:]:
            total += one.to(place)
    return total


def reduce_add_coalesced(
    inputs: Sequence[Sequence[Any]], destination: Any = None, buffer_size: int = 10485760
) -> tuple[Tensor, ...]:
    """The sums of the first tensors of all devices, of the second ones, and so on."""
    return tuple([reduce_add(same, destination) for same in zip(*inputs, strict=True)])


def scatter(
    tensor: Any,
    devices: Sequence[Any] | None = None,
    chunk_sizes: Sequence[int] | None = None,
    dim: int = 0,
    streams: Sequence[Any] | None = None,
    *,
    out: Sequence[Any] | None = None,
) -> tuple[Tensor, ...]:
    """The pieces of a tensor along ``dim``, each on a device of its own, or in ``out``.

    Args:
        devices: the devices; one piece for each.
        chunk_sizes: the sizes of the pieces; equal ones by default.
        streams: where each piece is copied.
    """
    _one_of(devices, out)
    if out is not None:
        pieces = tensor.split([one.shape[dim] for one in out], dim)
        return tuple([written(target, piece) for target, piece in zip(out, pieces, strict=True)])
    places = [_place(d) for d in devices or ()]
    pieces = (
        tensor.chunk(len(places), dim)
        if chunk_sizes is None
        else tensor.split(list(chunk_sizes), dim)
    )
    made = []
    for number, (piece, place) in enumerate(zip(pieces, places, strict=False)):
        with _stream(streams[number] if streams else None):
            made.append(piece.to(place))
    return tuple(made)


def gather(
    tensors: Sequence[Any], dim: int = 0, destination: Any = None, *, out: Any = None
) -> Tensor:
    """Tensors of several devices joined along ``dim`` on one, ``"cpu"`` too, or in ``out``."""
    if out is not None:
        if destination is not None:
            raise RuntimeError(
                f"'destination' must not be specified when 'out' is specified, but got "
                f"destination={destination}"
            )
        return written(out, _joined(tensors, dim, out.device))
    place = Device(destination) if isinstance(destination, str) else _place(destination)
    return _joined(tensors, dim, place)


def _joined(tensors: Sequence[Any], dim: int, place: Device) -> Tensor:
    here = [one.to(place) for one in tensors]
    with device_of(here[0]):
        return cat(here, dim)
