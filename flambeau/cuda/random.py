"""The generators of CUDA devices. Each draws the numbers that the CPU's would for the same seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flambeau.core.device import device as Device
from flambeau.core.generator import Generator, generator_of
from flambeau.core.tensor import Tensor
from flambeau.cuda.devices import current_device, device_count
from flambeau.cuda.library import cupy, index_of

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed",
    "seed_all", "set_rng_state", "set_rng_state_all",
]  # fmt: skip


def _generator(index: int) -> Generator:
    return generator_of(Device("cuda", index))


def manual_seed(seed: int) -> None:
    """Seeds the generator of the current device; nothing without CUDA."""
    if device_count():
        _generator(current_device()).manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all CUDA devices; nothing without CUDA."""
    for index in range(device_count()):
        _generator(index).manual_seed(int(seed))


def seed() -> None:
    """Seeds the generator of the current device with a number that nobody can foretell."""
    if device_count():
        _generator(current_device()).seed()


def seed_all() -> None:
    """Seeds the generators of all CUDA devices with one number that nobody can foretell."""
    if device_count():
        manual_seed_all(_generator(0).seed())


def initial_seed() -> int:
    """The seed that the generator of the current device began with."""
    cupy()
    return _generator(current_device()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """The state of a device's generator, as a uint8 tensor on the CPU."""
    cupy()
    return _generator(index_of(device)).get_state()  # type: ignore[attr-defined]


def get_rng_state_all() -> list[Tensor]:
    """The states of the generators of all CUDA devices."""
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Continues from a state that `get_rng_state` returned."""
    cupy()
    _generator(index_of(device)).set_state(new_state)  # type: ignore[attr-defined]


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Continues on all CUDA devices from the states that `get_rng_state_all` returned."""
    for index, state in enumerate(new_states):
        set_rng_state(state, index)


def default_generators() -> tuple[Generator, ...]:
    """The generators of all CUDA devices."""
    return tuple([_generator(index) for index in range(device_count())])
