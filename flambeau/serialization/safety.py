"""Which classes and functions of their own users trust in files."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

from flambeau.serialization.names import full_name

_trusted: list[Any] = []

_MAIN = (
    "Weights only load failed. In PyTorch 2.6, we changed the default value of the `weights_only` "
    "argument in `torch.load` from `False` to `True`. Re-running `torch.load` with `weights_only` "
    "set to `False` will likely succeed, but it can result in arbitrary code execution. Do it only "
    "if you got the file from a trusted source.\n"
)
_CHOICE = (
    "Weights only load failed. This file can still be loaded, to do so you have two options, "
    "\033[1mdo those steps only if you trust the source of the checkpoint\033[0m. \n\t(1) "
    + _MAIN.removeprefix("Weights only load failed. ")
    + "\t(2) Alternatively, to load with `weights_only=True` please check the recommended steps in "
    "the following error message.\n\tWeightsUnpickler error: "
)
_END = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with "
    "weights_only https://pytorch.org/docs/stable/generated/torch.load.html."
)


class Refused(UnpicklingError):
    """A name that is not safe by default, but that the user could allow."""


def explained(error: UnpicklingError) -> UnpicklingError:
    """The error of a restricted load with what can be done about it."""
    text = str(error)
    if isinstance(error, Refused):
        return UnpicklingError(_CHOICE + text + _END)
    if "is blocked" in text:
        return UnpicklingError(f"{_MAIN}\n\n{text}{_END}")
    return UnpicklingError(
        f"{_MAIN}Please file an issue with the following so that we can make `weights_only=True` "
        f"compatible with your use case: WeightsUnpickler error: \n\n{text}{_END}"
    )


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Trusts classes and functions in files from now on.

    Each is one, or a pair of one and the name that files give it.
    """
    _trusted.extend(safe_globals)


def get_safe_globals() -> list[Any]:
    """The classes and functions that are trusted beside those of the library."""
    return list(_trusted)


def clear_safe_globals() -> None:
    """Trusts none but those of the library."""
    _trusted.clear()


class safe_globals:  # noqa: N801 - the public name
    """Context manager: trusts classes and functions in files inside the block.

    Example::

        with torch.serialization.safe_globals([MyConfig]):
            checkpoint = torch.load("checkpoint.pt")
    """

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self.safe_globals)

    def __exit__(self, *error: object) -> None:
        _trusted[:] = self._before


def allowed() -> dict[str, Any]:
    """The trusted classes and functions by the names that files give them."""
    table = {}
    for given in _trusted:
        if isinstance(given, tuple):
            value, name = given
            table[name] = value
        else:
            table[full_name(given)] = given
            table[f"{given.__module__}.{given.__qualname__}"] = given
    return table
