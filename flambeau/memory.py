"""Who keeps tensors alive: by reference, and by the line that made them.

>>> x = torch.ones(3)
>>> holders = {"weights": x}
>>> any("key 'weights'" in line for line in who_holds(x))
True
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from dataclasses import dataclass, field
from types import CellType, FrameType, ModuleType
from typing import Any

from flambeau.core.errors import describe_site, site
from flambeau.core.graph import Node, Packed, Saved
from flambeau.core.interception import FactoryWatcher
from flambeau.core.tensor import Tensor
from flambeau.utils.weak import WeakTensorKeyDictionary

__all__ = ["Snapshot", "diff", "record", "snapshot", "who_holds"]

_UNKNOWN = "no line known (made outside memory.record)"


def who_holds(tensor: Tensor) -> list[str]:
    """What refers to a tensor, one text each: variables, attributes, containers, graph nodes."""
    gc.collect()
    found = _variables(sys._getframe(1), tensor)
    for holder in gc.get_referrers(tensor):
        if not isinstance(holder, FrameType):
            found += _described(holder, tensor)
    return list(dict.fromkeys(found))


def _variables(frame: FrameType | None, tensor: Tensor) -> list[str]:
    found = []
    while frame is not None:
        place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        for name, value in frame.f_locals.items():
            if value is tensor:
                found.append(f"variable {name!r} at {place}")
        frame = frame.f_back
    return found


def _described(holder: Any, tensor: Tensor) -> list[str]:
    if isinstance(holder, dict):
        keys = [key for key, value in holder.items() if value is tensor]
        owner = _owner_of(holder)
        if owner is None:
            return []  # the variables of a frame, which are told already
        if owner:
            return [f"{owner}.{key}" for key in keys]
        return [f"{_place_of(holder) or 'a dict'}, key {key!r}" for key in keys]
    if isinstance(holder, Saved | Packed):
        groups = [g for g in gc.get_referrers(holder) if isinstance(g, tuple)]
        return [name for group in groups for name in _saved_by(group)] or ["saved for a gradient"]
    if isinstance(holder, list | tuple | set):
        place = _place_of(holder)
        return _saved_by(holder) or [
            f"a {type(holder).__name__} of {len(holder)} items" + (f": {place}" if place else "")
        ]
    if isinstance(holder, Node):
        return [f"saved for the gradient of {holder.name()}"]  # type: ignore[attr-defined]
    if isinstance(holder, Tensor):
        return [f"a view or gradient: tensor of shape {tuple(holder.shape)}"]
    if isinstance(holder, CellType):
        return ["a variable that a nested function uses"]
    return _attributes(holder, tensor)


def _attributes(holder: Any, tensor: Tensor) -> list[str]:
    name = f"an object of {type(holder).__qualname__}"
    own = getattr(holder, "__dict__", {})
    return [f"{name}.{key}" for key, value in own.items() if value is tensor] or [name]


def _owner_of(namespace: dict[Any, Any]) -> str | None:
    """Whose attributes a dictionary holds; "" for nobody's, None for those of a frame."""
    if _is_local(namespace):
        return None
    for owner in gc.get_referrers(namespace):
        if getattr(owner, "__dict__", None) is namespace:
            if isinstance(owner, ModuleType):
                return f"module {owner.__name__}"
            return f"an object of {type(owner).__qualname__}"
    return ""


def _is_local(namespace: dict[Any, Any]) -> bool:
    """Whether a dictionary holds the variables of a function that is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_locals is namespace and namespace is not frame.f_globals:
            return True
        frame = frame.f_back
    return False


def _place_of(container: Any) -> str:
    """Where a list or dictionary is kept: the attribute of an object, a key of a dictionary."""
    for holder in gc.get_referrers(container):
        if isinstance(holder, dict):
            key = next((k for k, value in holder.items() if value is container), None)
            owner = _owner_of(holder)
            if owner is not None:
                return f"{owner}.{key}" if owner else f"key {key!r} of a dict"
        elif not isinstance(holder, FrameType | list | tuple | set):
            own = getattr(holder, "__dict__", None) or {}
            names = [key for key, value in own.items() if value is container]
            if names:
                return f"an object of {type(holder).__qualname__}.{names[0]}"
    return ""


def _saved_by(group: Any) -> list[str]:
    """The nodes whose saved values a tuple holds."""
    nodes = [n for n in gc.get_referrers(group) if isinstance(n, Node) and n.saved is group]
    return [f"saved for the gradient of {node.name()}" for node in nodes]  # type: ignore


# ---- by line

_lines = WeakTensorKeyDictionary()


class record(FactoryWatcher):  # noqa: N801 - used as a context manager
    """Remembers the line that made each tensor inside, for :func:`snapshot`."""

    def intercept(self, op: Any, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        result = self.proceed(op, tensors, params)
        where = site()
        for made in result if isinstance(result, tuple | list) else (result,):
            if isinstance(made, Tensor):
                _lines[made] = where
        return result

    def made(self, tensor: Any) -> None:
        super().made(tensor)
        _lines[tensor] = site()


@dataclass
class Snapshot:
    """Bytes and numbers of the tensors alive, by the line that made them; memory that several
    tensors share counts once."""

    bytes: Counter[str] = field(default_factory=Counter)
    tensors: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All bytes."""
        return sum(self.bytes.values())

    def __sub__(self, earlier: Snapshot) -> Snapshot:
        return diff(earlier, self)

    def __str__(self) -> str:
        rows = sorted(self.bytes, key=lambda line: -abs(self.bytes[line]))
        return "\n".join([f"{'bytes':>14}  {'tensors':>8}  line"] + [
            f"{self.bytes[line]:>14,}  {self.tensors[line]:>8}  {line}" for line in rows
        ])  # fmt: skip


def snapshot() -> Snapshot:
    """The tensors alive now, by the line that made them as far as :class:`record` saw it."""
    found, owners = Snapshot(), set()
    for tensor in [o for o in gc.get_objects() if issubclass(type(o), Tensor)]:
        array = getattr(tensor, "_array", None)
        if array is None:
            continue
        where = _lines.get(tensor)
        line = _UNKNOWN if where is None else describe_site(where)
        found.tensors[line] += 1
        base = array
        while getattr(base, "base", None) is not None and hasattr(base.base, "nbytes"):
            base = base.base
        if id(base) not in owners:
            owners.add(id(base))
            found.bytes[line] += base.nbytes
        else:
            found.bytes[line] += 0
    return found


def diff(before: Snapshot, after: Snapshot) -> Snapshot:
    """What was added (or, negative, freed) between two snapshots, lines without change left out."""
    changed = Snapshot()
    for line in {**before.bytes, **after.bytes}:
        size = after.bytes[line] - before.bytes[line]
        number = after.tensors[line] - before.tensors[line]
        if size or number:
            changed.bytes[line], changed.tensors[line] = size, number
    return changed
