"""``RemovableHandle``: what registering a hook returns."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any


class RemovableHandle:
    """Removes a hook from the table it was registered in; also a context manager.

    Args:
        hooks_dict: the table that holds the hook under the handle's ``id``.
        extra_dict: one more table, or several, in which the id may stand.

    Example::

        with layer.register_forward_hook(print):
            layer(x)
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        self.extra_dict_ref = tuple(weakref.ref(table) for table in _tables(extra_dict))

    def remove(self) -> None:
        """Takes the hook out; does nothing the second time."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        extra = tuple(reference() for reference in self.extra_dict_ref)
        return self.hooks_dict_ref(), self.id, extra

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        table = OrderedDict() if state[0] is None else state[0]
        self.hooks_dict_ref = weakref.ref(table)
        self.id = state[1]
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)
        extra = state[2] if len(state) > 2 else ()
        self.extra_dict_ref = tuple(weakref.ref(one) for one in extra if one is not None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def _tables(extra: Any) -> Sequence[Any]:
    if extra is None:
        return ()
    return extra if isinstance(extra, list) else (extra,)
