"""``Ledger``: which event took memory for a tensor, and in which it was given back."""

from __future__ import annotations

import weakref
from typing import Any

from flambeau.core.tensor import Tensor

MEMORY = "[memory]"  # the name of events of memory that was given back outside all others


class Ledger:
    """The memory of the tensors that a recorder saw being made.

    What a kernel takes and gives back itself is not seen. Bytes count for an event and for those
    it runs in.
    """

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.living: dict[int, Any] = {}  # weak references to the memory, by its address

    def take(self, event: Any, made: Any, operands: Any = ()) -> None:
        """Counts the memory of a new tensor, unless it is that of another or of an operand."""
        if not isinstance(made, Tensor):
            return
        owner = _owner(made._array)
        shared = any([isinstance(t, Tensor) and _owner(t._array) is owner for t in operands])
        if shared or id(owner) in self.living:
            return
        name = "cpu_memory_usage" if made.device.type == "cpu" else "device_memory_usage"
        size = owner.nbytes
        _add(event, name, size)
        key = id(owner)
        self.living[key] = weakref.ref(owner, lambda ref: self._give(key, name, size))

    def _give(self, key: int, name: str, size: int) -> None:
        if self.living.pop(key, None) is None:
            return
        recorder = self.recorder
        if recorder.open:
            _add(recorder.open[-1], name, -size)
        else:
            event = recorder.begin(MEMORY)
            recorder.end(event)
            _add(event, name, -size)

    def close(self) -> None:
        """Nothing is counted from now on."""
        self.living = {}


def _owner(array: Any) -> Any:
    while getattr(array, "base", None) is not None and hasattr(array.base, "nbytes"):
        array = array.base
    return array


def _add(event: Any, name: str, size: int) -> None:
    while event is not None:
        setattr(event, name, getattr(event, name) + size)
        event = event.cpu_parent
