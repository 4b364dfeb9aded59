"""``device``: where a tensor lives."""

from __future__ import annotations

import re
from typing import Any

from flambeau.core.modes import flags, modes

TYPES = [
    "cpu",
    "cuda",
    "ipu",
    "xpu",
    "mkldnn",
    "opengl",
    "opencl",
    "ideep",
    "hip",
    "ve",
    "fpga",
    "maia",
    "xla",
    "lazy",
    "vulkan",
    "mps",
    "meta",
    "hpu",
    "mtia",
    "privateuseone",
]
_PATTERN = re.compile(r"([A-Za-z_]+)(?::(0|[1-9]\d*))?")


class device:  # noqa: N801 - the public name
    """Where a tensor lives: ``device("cpu")``, ``device("cuda", 1)``, ``device("meta")``.

    Instances are interned, so ``is`` compares them. As a context manager it makes the device the
    default of the factory functions inside the block.

    >>> device("cuda:1").index
    1
    """

    __slots__ = ("index", "type")
    __module__ = "torch"

    type: str
    index: int | None

    def __new__(cls, type: Any = None, index: int | None = None, *, device: Any = None) -> device:
        given = type if device is None else device
        found = _INTERNED.get((given, index))
        return found if found is not None else _make(given, index)

    def __repr__(self) -> str:
        return (
            f"device(type='{self.type}'"
            + ("" if self.index is None else f", index={self.index}")
            + ")"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type,) if self.index is None else (self.type, self.index)

    def __copy__(self) -> device:
        return self

    def __deepcopy__(self, memo: object) -> device:
        return self

    def __enter__(self) -> device:
        modes.devices = (*modes.devices, self)
        flags.devices += 1
        return self

    def __exit__(self, *exc: object) -> None:
        modes.devices = modes.devices[:-1]
        flags.devices -= 1

    def __call__(self, function: Any) -> Any:
        def on_device(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return on_device


_INTERNED: dict[tuple[Any, int | None], device] = {}


def _intern(kind: str, index: int | None) -> device:
    found = _INTERNED.get((kind, index))
    if found is None:
        found = object.__new__(device)
        found.type, found.index = kind, index
        _INTERNED[kind, index] = found
        if index is not None:
            _INTERNED[f"{kind}:{index}", None] = found
    return found


def _make(given: Any, index: int | None) -> device:
    if isinstance(given, device):
        if index is not None:
            raise TypeError("device(): argument 'type' (position 1) must be str, not torch.device")
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        given, index = "cuda", given
    if index is not None and index < 0:
        raise RuntimeError("Device index must not be negative")
    if not isinstance(given, str):
        name = "" if given is None else type(given).__name__
        raise TypeError(
            f"device() received an invalid combination of arguments - got ({name}), but expected "
            "one of:\n * (torch.device device)\n * (str type, int index = -1)"
        )
    if not given:
        raise RuntimeError("Device string must not be empty")
    match = _PATTERN.fullmatch(given)
    if match is None:
        raise RuntimeError(f"Invalid device string: '{given}'")
    kind, number = match.groups()
    if kind not in TYPES:
        raise RuntimeError(
            f"Expected one of {', '.join(TYPES)} device type at start of device string: {kind}"
        )
    if number is not None and index is not None:
        raise RuntimeError(
            f"type (string) must not include an index because index was passed explicitly: {given}"
        )
    return _intern(kind, int(number) if number is not None else index)


cpu = device("cpu")
meta = device("meta")


class _Default:
    __slots__ = ("device",)
    device: device


default = _Default()
default.device = cpu


def get_default_device() -> device:
    """The device on which factory functions make tensors unless told otherwise."""
    return modes.devices[-1] if flags.devices and modes.devices else default.device


def set_default_device(device: Any) -> None:
    """Makes ``device`` the one on which factory functions make tensors; None means the CPU."""
    default.device = cpu if device is None else _make(device, None)


def as_device(given: Any) -> device:
    """The device that an argument names; None is the default device."""
    if given is None:
        return get_default_device()
    found = _INTERNED.get((given, None)) if type(given) is not device else given
    return found if found is not None else _make(given, None)
