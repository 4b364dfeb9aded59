"""``ModuleTracker``: which modules are running."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from flambeau.core.modes import modes
from flambeau.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

__all__ = ["ModuleTracker"]


class ModuleTracker:
    """While it is open, ``parents`` holds the names of the modules whose forward is running.

    A name starts with the class of the outermost module: ``"Sequential.0"``. ``"Global"`` is always
    among them.

    >>> layer = torch.nn.Linear(2, 2)
    >>> _ = layer.register_forward_pre_hook(lambda *_: print(sorted(tracker.parents)))
    >>> with ModuleTracker() as tracker:
    ...     _ = layer(torch.ones(2))
    ['Global', 'Linear']
    """

    parents: set[str]

    def __init__(self) -> None:
        self.parents = {"Global"}
        self._names: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._handles: tuple[Any, ...] = ()

    @property
    def is_bw(self) -> bool:
        """Whether a backward pass is running."""
        return modes.backward_pass is not None

    def __enter__(self) -> ModuleTracker:
        self._handles = (
            register_module_forward_pre_hook(self._entered),
            register_module_forward_hook(self._left, always_call=True),
        )
        return self

    def __exit__(self, *exc: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _entered(self, module: Any, args: Any) -> None:
        self.parents.add(self._name(module))

    def _left(self, module: Any, args: Any, output: Any) -> None:
        self.parents.discard(self._name(module))

    def _name(self, module: Any) -> str:
        if module not in self._names:
            root = type(module).__name__
            for path, child in module.named_modules():
                self._names[child] = f"{root}.{path}" if path else root
        return self._names[module]
