"""What programs ask of kinds of devices that Flambeau has none of: XPU, MPS, MTIA.

Questions have answers, seeding does nothing, and the rest raises the error of a PyTorch that was
built without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


def questions() -> dict[str, Callable[..., Any]]:
    """What never raises, by name."""

    def is_available() -> bool:
        """False: there is no such device."""
        return False

    def is_initialized() -> bool:
        """False: there is nothing to initialise."""
        return False

    def device_count() -> int:
        """0."""
        return 0

    def manual_seed(seed: int) -> None:
        """Does nothing: there is no generator to seed."""

    def manual_seed_all(seed: int) -> None:
        """Does nothing: there is no generator to seed."""

    return _by_name(is_available, is_initialized, device_count, manual_seed, manual_seed_all)


def refusals(kind: str, error: Callable[[str], Exception]) -> dict[str, Callable[..., Any]]:
    """What cannot be done without a device, by name; ``error(name)`` makes the exception."""

    def current_device() -> NoReturn:
        raise error("current_device")

    def set_device(device: Any) -> NoReturn:
        raise error("set_device")

    def synchronize(device: Any = None) -> NoReturn:
        raise error("synchronize")

    def empty_cache() -> NoReturn:
        raise error("empty_cache")

    def seed() -> NoReturn:
        raise error("seed")

    def initial_seed() -> NoReturn:
        raise error("initial_seed")

    def get_rng_state(device: Any = kind) -> NoReturn:
        raise error("get_rng_state")

    def set_rng_state(new_state: Any, device: Any = kind) -> NoReturn:
        raise error("set_rng_state")

    made = _by_name(
        current_device, set_device, synchronize, empty_cache, seed, initial_seed, get_rng_state,
        set_rng_state,
    )  # fmt: skip
    for function in made.values():
        function.__doc__ = f"Raises: there is no {kind.upper()} device."
    return made


def nothing(name: str) -> Callable[[], None]:
    """A function that does nothing: what it acts on is not there."""

    def function() -> None:
        """Does nothing: there is no device."""

    function.__name__ = function.__qualname__ = name
    return function


def _by_name(*functions: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    return {function.__name__: function for function in functions}
