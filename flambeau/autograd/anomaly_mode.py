"""``detect_anomaly``: where a backward pass goes wrong, told with the line that made the node.

While it is on, in all threads, every node remembers the lines of the program that made it; an error
in the pass warns of them, and a NaN among the gradients is an error.
"""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.autograd.grad_mode import ContextDecorator
from flambeau.core.modes import flags


class detect_anomaly(ContextDecorator):  # noqa: N801 - the public name
    """Finds the operation whose gradient is NaN, or fails; for debugging only, it is slow."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and "
            "should only be "
            "enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self.prev = flags.anomaly
        _switch((True, self.check_nan))

    def __exit__(self, *exc: object) -> None:
        _switch(self.prev)

    def clone(self) -> detect_anomaly:
        return type(self)(self.check_nan)


class set_detect_anomaly:  # noqa: N801
    """Switches anomaly detection on or off, at once or for a ``with`` block."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev = flags.anomaly
        _switch((mode, check_nan))

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        _switch(self.prev)


def _switch(state: tuple[bool, bool]) -> None:
    flags.active += int(state[0]) - int(flags.anomaly[0])
    flags.anomaly = state


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Switches anomaly detection on or off."""
    for position, (name, value) in enumerate((("enabled", enabled), ("check_nan", check_nan)), 1):
        if not isinstance(value, bool):
            raise TypeError(
                f"set_anomaly_enabled(): argument '{name}' (position {position}) must be bool, not "
                f"{type(value).__name__}"
            )
    _switch((enabled, check_nan))


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return flags.anomaly[0]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether a NaN among the gradients is an error while anomaly detection is on."""
    return flags.anomaly[1]


def check_pulled(node: Any, pulled: Any) -> None:
    """RuntimeError if a gradient that a node computed has NaN."""
    if not flags.anomaly[1]:
        return
    for index, grad in enumerate(pulled or ()):
        if hasattr(grad, "isnan") and grad.kind.floating and bool(grad.isnan().any()):
            raise RuntimeError(
                f"Function '{type(node).__name__}' returned nan values in its {index}th output."
            )
