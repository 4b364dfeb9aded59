"""Tensors copied, cut, joined and summed across the devices of one machine.

Devices are given as device objects, as text, or as numbers of GPUs. PyTorch's functions take GPUs
only; these also take the CPU.

>>> comm.scatter(torch.arange(4), ["cpu", "cpu"], chunk_sizes=[1, 3])
(tensor([0]), tensor([1, 2, 3]))
>>> comm.gather([torch.zeros(1, 2), torch.ones(1, 2)], destination="cpu")
tensor([[0., 0.],
        [1., 1.]])
>>> comm.reduce_add([torch.ones(2), torch.ones(2)])
tensor([2., 2.])
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.tensor import Tensor
from flambeau.cuda.streams import stream as on_stream
from flambeau.ops.joining import cat

__all__ = [
    "broadcast",
    "broadcast_coalesced",
    "gather",
    "reduce_add",
    "reduce_add_coalesced",
    "scatter",
]

Devices = Iterable[Any]
BUFFER = 10485760  # bytes: PyTorch's default


def as_device(target: Any) -> Device:
    """The device that a device, its name, or the number of a GPU means."""
    return Device("cuda", target) if isinstance(target, int) else Device(target)


def _copied(tensor: Tensor, target: Device) -> Tensor:
    return tensor.to(target)  # type: ignore[attr-defined]


def broadcast(
    tensor: Tensor, devices: Devices | None = None, *, out: Sequence[Tensor] | None = None
) -> tuple[Tensor, ...]:
    """The tensor on each of ``devices``, or written into each tensor of ``out``.

    Raises:
        RuntimeError: both or neither of them are given.
    """
    if (devices is None) == (out is None):
        raise RuntimeError(
            f"Exactly one of 'devices' and 'out' must be specified, but got devices={devices} and "
            f"out={out}"
        )
    if devices is not None:
        return tuple([_copied(tensor, as_device(target)) for target in devices])
    assert out is not None
    return tuple([target.copy_(tensor) for target in out])  # type: ignore[attr-defined]


def broadcast_coalesced(
    tensors: Iterable[Tensor], devices: Devices, buffer_size: int = BUFFER
) -> tuple[tuple[Tensor, ...], ...]:
    """All tensors on each device: a tuple for each.

    ``buffer_size`` is that of PyTorch's buffers of small tensors; here each is sent by itself.
    """
    given = tuple(tensors)
    return tuple(
        [tuple([_copied(one, target) for one in given]) for target in map(as_device, devices)]
    )


def reduce_add(inputs: Iterable[Tensor], destination: Any = None) -> Tensor:
    """The sum of tensors of one shape, on the device of one of them (by default the first).

    Raises:
        ValueError: their shapes differ.
        RuntimeError: none is on the destination.
    """
    given = list(inputs)
    for index, one in enumerate(given):
        if one.shape != given[0].shape:
            got, expected = ("x".join(map(str, t.shape)) for t in (one, given[0]))
            raise ValueError(f"input {index} has invalid size: got {got}, but expected {expected}")
    target = None if destination is None else as_device(destination)
    held = [i for i, one in enumerate(given) if target is None or one.device == target]
    if not held:
        raise RuntimeError(
            "reduce_add expects destination to be on the same GPU with one of the tensors"
        )
    total = given[held[0]]
    for index, one in enumerate(given):
        if index != held[0]:
            total = total + _copied(one, total.device)  # type: ignore[operator]
    return total


def reduce_add_coalesced(
    inputs: Iterable[Iterable[Tensor]], destination: Any = None, buffer_size: int = BUFFER
) -> tuple[Tensor, ...]:
    """The sums of lists of tensors, one list a device: of all first tensors, of all second, ...

    ``buffer_size`` is that of PyTorch's buffers of small tensors; here each is sent by itself.
    """
    columns = zip(*inputs, strict=True)
    return tuple([reduce_add(column, destination) for column in columns])


def scatter(
    tensor: Tensor,
    devices: Devices | None = None,
    chunk_sizes: Sequence[int] | None = None,
    dim: int = 0,
    streams: Sequence[Any] | None = None,
    *,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, ...]:
    """The tensor in pieces along ``dim``, one on each of ``devices`` or written into ``out``.

    Args:
        tensor: what is cut.
        devices: where the pieces go.
        chunk_sizes: their sizes along ``dim``; as equal as possible, without.
        dim: the dimension that is cut.
        streams: the CUDA streams of the copies.
        out: tensors whose sizes along ``dim`` say how to cut.

    Raises:
        RuntimeError: ``out`` together with ``devices`` or ``chunk_sizes``.
    """
    if out is not None:
        for name, given in (("devices", devices), ("chunk_sizes", chunk_sizes)):
            if given is not None:
                raise RuntimeError(
                    f"'{name}' must not be specified when 'out' is specified, but got "
                    f"{name}={given}"
                )
        pieces = tensor.split([one.size(dim) for one in out], dim)  # type: ignore[attr-defined]
        return tuple([one.copy_(piece) for one, piece in zip(out, pieces, strict=True)])  # type: ignore
    targets = [as_device(target) for target in devices or ()]
    if chunk_sizes is None:
        pieces = tensor.chunk(len(targets), dim)  # type: ignore[attr-defined]
    else:
        pieces = tensor.split(list(chunk_sizes), dim)  # type: ignore[attr-defined]
    queues = [None] * len(pieces) if streams is None else streams
    return tuple([_sent(*each) for each in zip(pieces, targets, queues, strict=False)])


def _sent(piece: Tensor, target: Device, queue: Any) -> Tensor:
    with nullcontext() if queue is None else on_stream(queue):
        return _copied(piece, target)


def gather(
    tensors: Iterable[Tensor], dim: int = 0, destination: Any = None, *, out: Tensor | None = None
) -> Tensor:
    """The tensors joined along ``dim``, on ``destination`` or written into ``out``.

    Args:
        tensors: the pieces.
        dim: along which they are joined.
        destination: the device; that of the first tensor, without. -1 is a deprecated CPU.
        out: a tensor of the whole size.

    Raises:
        RuntimeError: both of the last two are given.
    """
    if out is not None and destination is not None:
        raise RuntimeError(
            "'destination' must not be specified when 'out' is specified, but got "
            f"destination={destination}"
        )
    if destination == -1:
        warnings.warn(
            "Using -1 to represent CPU tensor is deprecated. Please use a device object or string "
            'instead, e.g., "cpu".',
            FutureWarning,
            stacklevel=2,
        )
        destination = "cpu"
    given = list(tensors)
    target = given[0].device if destination is None else as_device(destination)
    if out is not None:
        return cat([_copied(one, out.device) for one in given], dim, out=out)
    return cat([_copied(one, target) for one in given], dim)
