"""Small helpers of the layers: sizes for each spatial dimension, prefixes of state_dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _ntuple(size: int, name: str = "parse") -> Callable[[Any], Any]:
    """A function that makes a tuple of ``size`` from a number, and keeps other iterables."""

    def parse(value: Any) -> Any:
        return tuple(value) if isinstance(value, Iterable) else tuple(repeat(value, size))

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(values: Iterable[Any], times: int) -> tuple[Any, ...]:
    """The values from last to first, each repeated: paddings as ``F.pad`` wants them."""
    return tuple(value for value in reversed(tuple(values)) for _ in range(times))


def _list_with_default(out_size: Any, defaults: list[int]) -> Any:
    """The sizes, with None replaced by the default of that dimension."""
    if isinstance(out_size, int):
        return out_size
    if len(defaults) <= len(out_size):
        raise ValueError(f"Input dimension should be at least {len(out_size) + 1}")
    tail = defaults[-len(out_size) :]
    return [size if size is not None else own for size, own in zip(out_size, tail, strict=True)]


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Takes ``prefix`` off the names of a state_dict, in place.

    Example::

        consume_prefix_in_state_dict_if_present(state, "module.")  # saved from DataParallel
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key.removeprefix(prefix)] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    for key in list(metadata or ()):
        if len(key) == 0:
            continue
        if key == prefix.rstrip(".") or key.startswith(prefix):
            metadata[key[len(prefix) :]] = metadata.pop(key)
