"""What the second run of a checkpointed function finds as the first did: generators, autocast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flambeau.core.device import device
from flambeau.core.generator import generator_of, shared_generators
from flambeau.core.modes import flags, modes
from flambeau.core.tensor import Tensor, wrap


class DefaultDeviceType:
    """The type of device whose generators are kept when the arguments name none."""

    _type = "cuda"

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Chooses another type."""
        DefaultDeviceType._type = device

    @staticmethod
    def get_device_type() -> str:
        """The chosen type."""
        return DefaultDeviceType._type


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The numbers of the devices among the tensors in ``args``, and their generators' states."""
    devices = [a.device for a in args if isinstance(a, Tensor)]
    found = dict.fromkeys([d for d in devices if d.type not in ("cpu", "meta")])
    return [d.index for d in found], [generator_of(d).get_state() for d in found]  # type: ignore


def set_device_states(
    devices: list[int], states: list[Tensor], *, device_type: str | None = None
) -> None:
    """Puts the generators of these devices back to these states."""
    for index, state in zip(devices, states):
        place = device(device_type or DefaultDeviceType.get_device_type(), index)
        generator_of(place).set_state(state)  # type: ignore[attr-defined]


def detached(tensor: Tensor) -> Tensor:
    """The tensor without history, made without calling an operator where that is possible."""
    if tensor._kind is None:
        return tensor.detach()  # type: ignore[attr-defined]
    bare = wrap(tensor._array, tensor._kind)
    bare._writes = tensor._writes
    return bare


class Surroundings:
    """The state outside the arguments that a function's results may depend on."""

    def __init__(self, preserve_rng: bool) -> None:
        self.autocast = modes.autocast
        kept = shared_generators() if preserve_rng else []
        self.generators = [(g, g.state_bytes()) for g in kept]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """As it was, inside; afterwards everything is as before."""
        now = [(g, g.state_bytes()) for g, _ in self.generators]
        _set(self.generators)
        autocast, modes.autocast = modes.autocast, self.autocast
        flags.active += self.autocast is not None
        try:
            yield
        finally:
            flags.active -= self.autocast is not None
            modes.autocast = autocast
            _set(now)


def _set(states: list[Any]) -> None:
    for generator, state in states:
        generator.set_state_bytes(state)
