"""What NVIDIA's library for messages between devices offers within one process.

The functions compute with copies from device to device; the library itself is asked for its
version, and joins processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.cuda.comm import written
from flambeau.cuda.devices import device_of
from flambeau.cuda.library import found
from flambeau.ops.joining import cat
from flambeau.ops.pointwise.arithmetic import add, mul
from flambeau.ops.pointwise.selection import maximum, minimum

__all__ = [
    "all_gather", "all_reduce", "broadcast", "init_rank", "is_available", "reduce",
    "reduce_scatter", "unique_id", "version",
]  # fmt: skip

# What ``op`` stands for: sum, product, maximum, minimum, average.
_OPS: tuple[Callable[[Any, Any], Any], ...] = (add, mul, maximum, minimum, add)
_AVERAGE = 4


def _library() -> Any:
    library = found()
    if library is None or find_spec("cupy_backends.cuda.libs.nccl") is None:
        return None
    return getattr(library.cuda, "nccl", None)


def is_available(tensors: Iterable[Tensor]) -> bool:
    """Whether these tensors, each on a CUDA device of its own, can be sent by it."""
    given = list(tensors)
    devices = {t.device.index for t in given if t.device.type == "cuda"}
    return _library() is not None and len(devices) == len(given)


def _needed() -> Any:
    library = _library()
    if library is None:
        raise RuntimeError("NCCL needs CuPy with a CUDA device, and its NCCL package")
    return library


def version() -> tuple[int, ...]:
    """The version of the library: ``(2, 21, 5)``."""
    number = _needed().get_version()
    return number // 10000, number // 100 % 100, number % 100


def unique_id() -> bytes:
    """A name for a new group of processes, to be handed to each of them."""
    return bytes(_needed().get_unique_id())


def init_rank(num_ranks: int, uid: bytes, rank: int) -> Any:
    """The communicator of one process of a group, of CuPy's ``NcclCommunicator``."""
    return _needed().NcclCommunicator(num_ranks, tuple(uid), rank)


# ---- within one process: a tensor on each device


def _checked(inputs: Any, outputs: Any = None) -> None:
    for given in (inputs, *([] if outputs is None else [outputs])):
        if not isinstance(given, Sequence) or isinstance(given, Tensor):
            raise TypeError("Inputs should be a collection of tensors")
    if outputs is not None and len(outputs) != len(inputs):
        raise ValueError(f"{len(inputs)} inputs do not fit {len(outputs)} outputs")


def _reduced(inputs: Sequence[Any], op: int, place: Any) -> Any:
    total = inputs[0].to(place)
    with device_of(total):
        for one in inputs[1:]:
            total = _OPS[op](total, one.to(place))
        return total / len(inputs) if op == _AVERAGE else total


def all_reduce(
    inputs: Sequence[Any], outputs: Sequence[Any] | None = None, op: int = 0, streams: Any = None,
    comms: Any = None,
) -> None:  # fmt: skip
    """Writes what all inputs give together into each output (the inputs by default).

    ``op`` is 0 for the sum, 1 the product, 2 the maximum, 3 the minimum, 4 the average.
    """
    _checked(inputs, outputs)
    total = _reduced(inputs, op, inputs[0].device)
    for target in inputs if outputs is None else outputs:
        written(target, total)


def reduce(
    inputs: Sequence[Any], output: Any = None, root: int = 0, op: int = 0, streams: Any = None,
    comms: Any = None, *, outputs: Sequence[Any] | None = None,
) -> None:  # fmt: skip
    """Writes what all inputs give together into one output (the input ``root`` by default)."""
    _checked(inputs)
    if outputs is not None:
        output = outputs[root]
    target = inputs[root] if output is None else output
    written(target, _reduced(inputs, op, target.device))


def broadcast(inputs: Sequence[Any], root: int = 0, streams: Any = None, comms: Any = None) -> None:
    """Writes the tensor ``root`` into the others."""
    _checked(inputs)
    for target in inputs:
        written(target, inputs[root])


def all_gather(
    inputs: Sequence[Any], outputs: Sequence[Any], streams: Any = None, comms: Any = None
) -> None:
    """Writes all inputs, one behind the other, into each output."""
    _checked(inputs, outputs)
    here = [one.to(inputs[0].device).reshape(-1) for one in inputs]
    with device_of(here[0]):
        whole = cat(here)
    for target in outputs:
        written(target, whole.reshape(target.shape))


def reduce_scatter(
    inputs: Sequence[Any], outputs: Sequence[Any], op: int = 0, streams: Any = None,
    comms: Any = None,
) -> None:  # fmt: skip
    """Writes what all inputs give together into the outputs, a part into each."""
    _checked(inputs, outputs)
    parts = _reduced(inputs, op, inputs[0].device).reshape(-1).chunk(len(outputs))
    for target, part in zip(outputs, parts, strict=True):
        written(target, part.reshape(target.shape))
