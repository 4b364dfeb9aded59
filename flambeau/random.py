"""``torch.random``: seeds and states of the generators that all random functions share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flambeau.core.device import device
from flambeau.core.generator import (
    Generator,
    default_generator,
    generator_of,
    shared_generators,
)  # fmt: skip
from flambeau.ops.seeding import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = [
    "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state",
    "thread_safe_generator",
]  # fmt: skip


@contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """On leaving the block the generators are where they were on entering it.

    Args:
        devices: the numbers of the devices whose generators are meant, beside the CPU's; all of
            them by default.
        enabled: whether to do so at all.
        device_type: the type of these devices, ``"cuda"`` by default.

    >>> with fork_rng():
    ...     _ = manual_seed(0)
    """
    if not enabled:
        yield
        return
    forked = _forked(devices, device(device_type or "cuda").type)
    states = [generator.state_bytes() for generator in forked]
    try:
        yield
    finally:
        for generator, state in zip(forked, states, strict=True):
            generator.set_state_bytes(state)


def _forked(devices: Any, device_type: str) -> list[Generator]:
    if devices is None:
        return shared_generators()
    places = [device(device_type, d) if isinstance(d, int) else device(d) for d in devices]
    return [default_generator, *[generator_of(place) for place in places]]


def thread_safe_generator() -> Generator | None:
    """The generator of a data-loading thread; None outside one.

    The workers of a DataLoader are processes here, and each has the shared generator to itself, so
    the answer is always None.
    """
    return None
